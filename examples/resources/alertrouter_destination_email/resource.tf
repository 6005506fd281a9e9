# SPDX-License-Identifier: MPL-2.0

variable "smtp_password" {
  type        = string
  description = "The password of the user that the mail server knows the control plane by."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_email" "soc" {
  display_name = "SOC mailbox"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]

  host        = "smtp.example.com" # port 587, with STARTTLS
  username    = "alertrouter@example.com"
  password_wo = var.smtp_password

  from     = "Alertrouter <alerts@example.com>"
  to       = ["SOC <soc@example.com>"]
  reply_to = "soc@example.com"

  # What the mail server asks of its users; this one takes 30 mails a minute, on three connections.
  rate_limit_per_second = 0.5
  max_concurrency       = 3
}
