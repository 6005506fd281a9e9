# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }

  # CI starts from an empty directory each time: without a backend it would make everything anew. Any will do; this one
  # takes its address from TF_HTTP_ADDRESS.
  backend "http" {}
}

# The control plane's URL comes from the environment variable ALERTROUTER_ENDPOINT, the token from ALERTROUTER_TOKEN.
provider "alertrouter" {}

variable "slack_webhook_url" {
  type        = string
  description = "The incoming webhook of the Slack channel."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_slack" "on_call" {
  display_name   = "SOC on-call"
  severities     = ["HIGH", "CRITICAL"]
  webhook_url_wo = var.slack_webhook_url
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  url          = "https://soar.example.com/hooks/alerts"
}

resource "alertrouter_detection_override" "root_login" {
  detection_id = "AWS.Console.RootLogin"
  severity     = "CRITICAL"
  destinations = [alertrouter_destination_slack.on_call.id]
}
