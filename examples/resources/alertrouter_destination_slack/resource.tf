# SPDX-License-Identifier: MPL-2.0

variable "slack_webhook_url" {
  type        = string
  description = "The incoming webhook of the channel."
  sensitive   = true
  ephemeral   = true
}

variable "slack_backup_webhook_url" {
  type        = string
  description = "The incoming webhook of the channel that gets what the first does not take."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_slack" "on_call" {
  display_name = "SOC on-call"
  severities   = ["HIGH", "CRITICAL"]
  mention      = "@here"

  webhook_url_wo = var.slack_webhook_url

  # After five minutes of not being delivered an alert goes to the other channel too.
  fallback               = alertrouter_destination_slack.backup.id
  fallback_after_seconds = 300
}

resource "alertrouter_destination_slack" "backup" {
  display_name = "SOC backup"
  severities   = [] # none by its severity: only as a fallback, by list or by hand

  webhook_url_wo = var.slack_backup_webhook_url
}
