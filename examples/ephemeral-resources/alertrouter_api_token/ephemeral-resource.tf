# SPDX-License-Identifier: MPL-2.0

variable "endpoint" {
  type        = string
  description = "The URL of the control plane."
}

variable "soar_api_key" {
  type        = string
  description = "What the receiver asks for in the header X-Api-Key."
  sensitive   = true
  ephemeral   = true
}

# The provider's own token makes one that may do no more than this run needs.
ephemeral "alertrouter_api_token" "destinations" {
  name        = "terraform, destinations"
  permissions = ["destinations:read", "destinations:write"]
  ttl         = "15m"
}

provider "alertrouter" {
  alias    = "destinations"
  endpoint = var.endpoint
  token    = ephemeral.alertrouter_api_token.destinations.secret
}

resource "alertrouter_destination_webhook" "soar" {
  provider = alertrouter.destinations

  display_name      = "SOAR"
  severities        = ["HIGH", "CRITICAL"]
  url               = "https://soar.example.com/hooks/alerts"
  secret_headers_wo = { X-Api-Key = var.soar_api_key }
}
