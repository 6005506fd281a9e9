# SPDX-License-Identifier: MPL-2.0
# Where an alert of a severity would go.

terraform {
  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

variable "severity" {
  type = string
}

data "alertrouter_route" "this" {
  type = "RULE"
  detection = {
    id       = "Test.SeverityTiers"
    severity = var.severity
  }
}

output "to" {
  value = tolist(sort(data.alertrouter_route.this.destinations[*].display_name))
}
