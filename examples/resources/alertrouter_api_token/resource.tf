# SPDX-License-Identifier: MPL-2.0

variable "engine_token" {
  type        = string
  description = "The token itself: alertrouter_ and 43 to 200 random characters, as echo alertrouter_$(openssl rand -hex 32) makes."
  sensitive   = true
  ephemeral   = true
}

variable "engine_token_version" {
  type        = number
  description = "One more whenever engine_token is another."
  default     = 1
}

# A role says what the token may do.
resource "alertrouter_api_token" "engine" {
  name = "detection engine"
  role = "engine"

  secret_wo         = var.engine_token
  secret_wo_version = var.engine_token_version

  # The next token is made before this one is revoked.
  lifecycle {
    create_before_destroy = true
  }
}
