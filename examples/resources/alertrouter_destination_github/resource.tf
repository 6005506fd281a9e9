# SPDX-License-Identifier: MPL-2.0

variable "github_token" {
  type        = string
  description = "A fine-grained personal access token that may write the repository's issues."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_github" "alerts" {
  display_name = "Security alerts on GitHub"
  severities   = ["HIGH", "CRITICAL"]
  owner        = "octo-org"
  repository   = "security-alerts"

  # With a version, the token is sent only when the version changes.
  token_wo         = var.github_token
  token_wo_version = 1
}
