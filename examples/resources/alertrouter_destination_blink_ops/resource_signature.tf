# SPDX-License-Identifier: MPL-2.0

# A webhook whose authentication method is Signature: the key signs each request and is not sent.
variable "blink_signed_webhook_url" {
  type        = string
  description = "The base URL of the webhook."
  sensitive   = true
  ephemeral   = true
}

variable "blink_signing_secret" {
  type        = string
  description = "The API key of the webhook, with which requests are signed."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_blink_ops" "containment" {
  display_name = "Containment in Blink"
  severities   = ["CRITICAL"]

  webhook_url_wo = var.blink_signed_webhook_url

  # With a version, the secret is sent only when the version changes.
  signing_secret_wo         = var.blink_signing_secret
  signing_secret_wo_version = 1
}
