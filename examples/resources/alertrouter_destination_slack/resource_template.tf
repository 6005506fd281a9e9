# SPDX-License-Identifier: MPL-2.0

# With texts of one's own, in Slack's mrkdwn: what the alert says is escaped, so it cannot link or mention anything.

variable "slack_cloud_webhook_url" {
  type        = string
  description = "The incoming webhook of the cloud team's channel."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_slack" "cloud" {
  display_name = "Cloud team"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]
  log_types    = ["AWS.CloudTrail"]

  title_template = "{{ .title }} ({{ .detection.id }})"
  body_template  = "{{ .description }}\n*What to do:* <https://wiki.example.com/cloud/alerts|the cloud team's handbook>"

  webhook_url_wo = var.slack_cloud_webhook_url
}
