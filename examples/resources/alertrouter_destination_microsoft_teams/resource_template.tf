# SPDX-License-Identifier: MPL-2.0

# With texts of one's own: what the alert says is escaped, so it cannot format, link or mention anything.

variable "teams_cloud_webhook_url" {
  type        = string
  description = "The URL of the flow's trigger."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_microsoft_teams" "cloud" {
  display_name = "Cloud team on Teams"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]
  log_types    = ["AWS.CloudTrail"]

  title_template = "{{ .title }} ({{ .detection.id }})"
  body_template  = "{{ .description }}\n\n**What to do:** [the cloud team's handbook](https://wiki.example.com/cloud/alerts)"

  webhook_url_wo = var.teams_cloud_webhook_url
}
