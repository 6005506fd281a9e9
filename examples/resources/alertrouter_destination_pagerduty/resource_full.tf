# SPDX-License-Identifier: MPL-2.0

# Everything there is.
variable "orchestration_routing_key" {
  type        = string
  description = "The integration key of an event orchestration."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_pagerduty" "orchestration" {
  display_name = "Event orchestration"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  region       = "us"
  client       = "alertrouter production"

  routing_key_wo         = var.orchestration_routing_key
  routing_key_wo_version = 1

  # What is not named has PagerDuty's usual severity.
  severity_map = {
    HIGH = "critical"
    LOW  = "warning"
  }

  # For the rules of the orchestration, and for whoever is on call.
  custom_details = {
    environment = "production"
    team        = "soc"
  }
}
