# SPDX-License-Identifier: MPL-2.0

variable "jira_service_account_token" {
  type        = string
  description = "An API token, with scopes, of the service account that makes the issues."
  sensitive   = true
  ephemeral   = true
}

# A service account's token with scopes, which needs the site's id, and what the project asks of an issue.
resource "alertrouter_destination_jira_cloud" "incidents" {
  display_name = "Security incidents"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]
  site_url     = "https://acme.atlassian.net"
  cloud_id     = "1324a887-45db-1bf4-1e99-ef0ff456d421"
  email        = "alertrouter@serviceaccount.atlassian.com"
  project_key  = "SEC"
  issue_type   = "Incident"
  labels       = ["alertrouter", "security"]
  components   = ["Detection"]
  assignee     = "5b10ac8d82e05b22cc7d4ef5"
  parent_key   = "SEC-1"

  priority_by_severity = {
    CRITICAL = "Blocker"
    MEDIUM   = "3" # by its id
  }

  custom_fields = jsonencode({
    customfield_10042 = { value = "Security" }                     # a select list
    customfield_10050 = ["soc", "aws"]                             # labels
    customfield_10051 = { accountId = "5b10ac8d82e05b22cc7d4ef5" } # a user
    duedate           = "2026-12-24"
  })

  title_template = "{{ .title }} ({{ .detection.id }})"

  api_token_wo = var.jira_service_account_token
}
