# SPDX-License-Identifier: MPL-2.0

variable "jira_api_token" {
  type        = string
  description = "An API token of the account that makes the issues."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_jira_cloud" "security" {
  display_name = "Security issues"
  severities   = ["HIGH", "CRITICAL"]
  site_url     = "https://acme.atlassian.net"
  email        = "alertrouter@acme.example"
  project_key  = "SEC"

  api_token_wo = var.jira_api_token
}
