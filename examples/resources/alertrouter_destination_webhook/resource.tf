# SPDX-License-Identifier: MPL-2.0

variable "soar_api_key" {
  type        = string
  description = "What the receiver asks for in the header X-Api-Key."
  sensitive   = true
  ephemeral   = true
}

variable "soar_signing_secret" {
  type        = string
  description = "Signs each request: whsec_ and the base64 of 24 to 64 bytes."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  alert_types  = ["RULE", "SCHEDULED_RULE"]
  log_types    = ["AWS.CloudTrail", "Okta.SystemLog"]

  url                   = "https://soar.example.com/hooks/alerts"
  headers               = { X-Team = "soc" }
  secret_headers_wo     = { X-Api-Key = var.soar_api_key }
  signing_secret_wo     = var.soar_signing_secret
  timeout_seconds       = 10
  rate_limit_per_second = 5
}
