# SPDX-License-Identifier: MPL-2.0

variable "teams_webhook_url" {
  type        = string
  description = "The URL of the flow's trigger."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_microsoft_teams" "soc" {
  display_name = "SOC on Teams"
  severities   = ["HIGH", "CRITICAL"]

  webhook_url_wo = var.teams_webhook_url

  # The names are what the card shows; the values are user principal names or object ids.
  mentions = {
    "Jane Doe" = "jane@example.com"
  }
}
