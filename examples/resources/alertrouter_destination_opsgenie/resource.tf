# SPDX-License-Identifier: MPL-2.0

variable "opsgenie_api_key" {
  type        = string
  description = "The API key of an API integration."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_opsgenie" "duty" {
  display_name = "Security duty"
  severities   = ["HIGH", "CRITICAL"]

  api_key_wo = var.opsgenie_api_key
}
