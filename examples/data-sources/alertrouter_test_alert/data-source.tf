# SPDX-License-Identifier: MPL-2.0

variable "webhook_url" {
  type        = string
  description = "Where the destination posts."
  default     = "https://soar.example.com/hooks/alerts"
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["HIGH", "CRITICAL"]
  url          = var.webhook_url
}

# Sent once after each change of the destination, however often Terraform plans.
data "alertrouter_test_alert" "soar" {
  destination_id       = alertrouter_destination_webhook.soar.id
  destination_revision = alertrouter_destination_webhook.soar.revision
  severity             = "INFO"
  timeout              = "10s"
}

output "soar_works" {
  value = data.alertrouter_test_alert.soar.delivered
}
