# SPDX-License-Identifier: MPL-2.0

variable "pagerduty_routing_key" {
  type        = string
  description = "The integration key of an Events API v2 integration."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_pagerduty" "duty" {
  display_name = "Security duty"
  severities   = ["CRITICAL"]
  region       = "eu"

  # With a version, the key is sent only when the version changes.
  routing_key_wo         = var.pagerduty_routing_key
  routing_key_wo_version = 1
}
