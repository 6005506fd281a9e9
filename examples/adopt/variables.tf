# SPDX-License-Identifier: MPL-2.0

variable "soar_url" {
  type        = string
  description = "Where the SOAR takes alerts."
}

variable "slack_webhook_urls" {
  type        = map(string)
  description = "The incoming webhooks, by key; none is needed to adopt what is there."
  sensitive   = true
  ephemeral   = true
  default     = {}
}
