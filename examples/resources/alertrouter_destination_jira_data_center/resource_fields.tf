# SPDX-License-Identifier: MPL-2.0

variable "jira_incident_token" {
  type        = string
  description = "A personal access token of the user who makes the issues."
  sensitive   = true
  ephemeral   = true
}

# What the project asks of an issue, and a description longer than Jira usually takes.
resource "alertrouter_destination_jira_data_center" "incidents" {
  display_name = "Security incidents"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]
  base_url     = "https://jira.example.com/jira"
  project_key  = "SEC"
  issue_type   = "Incident"
  labels       = ["alertrouter", "security"]
  components   = ["Detection"]
  assignee     = "jdoe"

  priority_by_severity = {
    CRITICAL = "Blocker"
    MEDIUM   = "3" # by its id
  }

  custom_fields = jsonencode({
    customfield_10008 = "SEC-1"                # the epic's key, in the field Epic Link
    customfield_10042 = { value = "Security" } # a select list
    customfield_10051 = { name = "jdoe" }      # a user
    duedate           = "2026-12-24"
  })

  max_description_characters = 65534

  personal_access_token_wo = var.jira_incident_token
}
