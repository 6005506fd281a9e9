# SPDX-License-Identifier: MPL-2.0

variable "slack_webhook_url" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "alertrouter_destination_slack" "on_call" {
  display_name   = "SOC on-call"
  severities     = ["HIGH", "CRITICAL"]
  webhook_url_wo = var.slack_webhook_url
}

resource "alertrouter_detection_override" "port_scan" {
  detection_id = "Network.PortScan"
  destinations = []
}

locals {
  # A resource with secrets makes the result sensitive. A route tells none, so that can be undone.
  root_login = nonsensitive(provider::alertrouter::route(
    {
      type      = "RULE"
      log_types = ["AWS.CloudTrail"]
      detection = { id = "AWS.Console.RootLogin", severity = "CRITICAL" }
    },
    [alertrouter_destination_slack.on_call],
    [alertrouter_detection_override.port_scan],
  ))

  # Objects of your own do as well, here without overrides.
  low = provider::alertrouter::route(
    { type = "RULE", detection = { id = "Okta.NewDevice", severity = "LOW" } },
    [
      { display_name = "SOC on-call", severities = ["HIGH", "CRITICAL"] },
      { display_name = "Archive", severities = ["INFO", "LOW", "MEDIUM"], log_types = ["Okta.SystemLog"] },
    ],
  )
}

check "root_logins_reach_the_on_call" {
  assert {
    condition     = contains(local.root_login.destinations[*].display_name, "SOC on-call")
    error_message = jsonencode(local.root_login.rejected)
  }
}

output "low" {
  value = {
    goes_to = local.low.destinations[*].display_name
    because = local.low.rejected[*].message
  }
}
