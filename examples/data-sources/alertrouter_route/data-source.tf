# SPDX-License-Identifier: MPL-2.0

variable "webhook_url" {
  type    = string
  default = "https://soar.example.com/hooks/alerts"
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["HIGH", "CRITICAL"]
  url          = var.webhook_url
}

# Where would this alert go?
data "alertrouter_route" "root_login" {
  type      = "RULE"
  log_types = ["AWS.CloudTrail"]
  detection = {
    id       = "AWS.Console.RootLogin"
    severity = "HIGH"
  }
  generated = {
    severity = "CRITICAL"
  }

  depends_on = [alertrouter_destination_webhook.soar]
}

check "root_logins_reach_the_soar" {
  assert {
    condition     = contains(data.alertrouter_route.root_login.destinations[*].id, alertrouter_destination_webhook.soar.id)
    error_message = "An alert about a root login would not reach the SOAR: ${jsonencode(data.alertrouter_route.root_login.rejected)}"
  }
}
