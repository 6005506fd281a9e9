# SPDX-License-Identifier: MPL-2.0

variable "jira_personal_access_token" {
  type        = string
  description = "A personal access token of the user who makes the issues."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_jira_data_center" "security" {
  display_name = "Security issues"
  severities   = ["HIGH", "CRITICAL"]
  base_url     = "https://jira.example.com/jira"
  project_key  = "SEC"

  personal_access_token_wo = var.jira_personal_access_token
}
