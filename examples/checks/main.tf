# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

variable "soar_url" {
  type        = string
  description = "Where alerts are posted as JSON."
}

variable "on_call_url" {
  type        = string
  description = "Where alerts for the people on call are posted, with a key in the URL."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  alert_types  = ["RULE", "SCHEDULED_RULE", "CORRELATION_RULE", "SYSTEM_ERROR"]
  url          = var.soar_url
}

resource "alertrouter_destination_webhook" "on_call" {
  display_name  = "SOC on-call"
  severities    = ["HIGH", "CRITICAL"]
  secret_url_wo = var.on_call_url
}
