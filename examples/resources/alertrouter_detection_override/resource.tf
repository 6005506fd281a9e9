# SPDX-License-Identifier: MPL-2.0

variable "slack_webhook_url" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "alertrouter_destination_slack" "audit" {
  display_name   = "Audit"
  severities     = [] # only what is sent here by name
  webhook_url_wo = var.slack_webhook_url
}

# Raise one detection, and send it to one place.
resource "alertrouter_detection_override" "root_login" {
  detection_id = "AWS.Console.RootLogin"
  severity     = "CRITICAL"
  destinations = [alertrouter_destination_slack.audit.id]
}

# Silence another: an empty list suppresses.
resource "alertrouter_detection_override" "noisy" {
  detection_id = "AllLogs.IPMonitoring"
  destinations = []
}
