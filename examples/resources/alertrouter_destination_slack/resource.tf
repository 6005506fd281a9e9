# SPDX-License-Identifier: MPL-2.0

variable "slack_webhook_url" {
  type        = string
  description = "The incoming webhook of the channel."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_slack" "on_call" {
  display_name = "SOC on-call"
  severities   = ["HIGH", "CRITICAL"]
  mention      = "<!here>"

  webhook_url_wo = var.slack_webhook_url
}
