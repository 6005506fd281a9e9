# SPDX-License-Identifier: MPL-2.0

variable "asana_access_token" {
  type        = string
  description = "A personal access token of a user who may add tasks to the project."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_asana" "triage" {
  display_name = "Triage in Asana"
  severities   = ["HIGH", "CRITICAL"]
  project_gids = ["1200000000000010"]

  # With a version, the token is sent only when the version changes.
  access_token_wo         = var.asana_access_token
  access_token_wo_version = 1
}
