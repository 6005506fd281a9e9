# SPDX-License-Identifier: MPL-2.0

variable "discord_webhook_url" {
  type        = string
  description = "The URL of the channel's webhook."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_discord" "soc" {
  display_name = "SOC on Discord"
  severities   = ["HIGH", "CRITICAL"]
  mention      = "<@&165511591545143296>" # the role of who is on call

  webhook_url_wo = var.discord_webhook_url
}
