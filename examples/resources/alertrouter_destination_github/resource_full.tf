# SPDX-License-Identifier: MPL-2.0

variable "ghes_token" {
  type        = string
  description = "A token of the GitHub Enterprise Server."
  sensitive   = true
  ephemeral   = true
}

# Everything an issue can have, on a GitHub Enterprise Server.
resource "alertrouter_destination_github" "incidents" {
  display_name = "Incidents"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  api_url      = "https://github.example.com/api/v3"
  owner        = "security"
  repository   = "incidents"

  labels = ["alert", "needs triage"]
  labels_by_severity = {
    CRITICAL = "severity: critical"
    HIGH     = "severity: high"
    MEDIUM   = "severity: medium"
    LOW      = "severity: low"
  }
  assignees  = ["octocat"]
  milestone  = 3
  issue_type = "Incident"

  title_template = "[{{ .severity }}] {{ .title }}"
  body_template  = <<-EOT
    ## What happened

    {{ .description }}

    Detection {{ .detection.id }}, alert {{ .alert_id }}.
  EOT

  token_wo         = var.ghes_token
  token_wo_version = 1
}
