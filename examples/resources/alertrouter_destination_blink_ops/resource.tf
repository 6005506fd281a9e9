# SPDX-License-Identifier: MPL-2.0

variable "blink_webhook_url" {
  type        = string
  description = "The base URL of the webhook."
  sensitive   = true
  ephemeral   = true
}

variable "blink_api_key" {
  type        = string
  description = "The API key of the webhook."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_blink_ops" "triage" {
  display_name = "Triage in Blink"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]

  webhook_url_wo = var.blink_webhook_url
  api_key_wo     = var.blink_api_key
}
