# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

# The token comes from the environment variable ALERTROUTER_TOKEN.
provider "alertrouter" {
  endpoint = var.endpoint
}

variable "endpoint" {
  type        = string
  description = "The URL of the control plane."
  default     = "http://127.0.0.1:8080"
}
