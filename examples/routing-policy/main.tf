# SPDX-License-Identifier: MPL-2.0
# Where alerts go. Each destination says that it is enabled: the mocked provider of the tests does not know that this is the default.

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

# The control plane's URL comes from the environment variable ALERTROUTER_ENDPOINT, the token from ALERTROUTER_TOKEN.
provider "alertrouter" {}

# Wakes somebody.
resource "alertrouter_destination_pagerduty" "on_call" {
  display_name = "On-call"
  enabled      = true
  severities   = ["CRITICAL"]

  routing_key_wo = var.pagerduty_routing_key
}

# Is read in working hours.
resource "alertrouter_destination_slack" "soc" {
  display_name          = "SOC"
  enabled               = true
  severities            = ["MEDIUM", "HIGH"]
  allow_manual_dispatch = true

  webhook_url_wo = var.slack_webhook_url
}

# Makes tickets of the rest, but not of errors of the rules themselves.
resource "alertrouter_destination_webhook" "tickets" {
  display_name = "Tickets"
  enabled      = true
  severities   = ["INFO", "LOW"]
  alert_types  = ["RULE", "POLICY", "SCHEDULED_RULE", "CORRELATION_RULE"]

  url = var.tickets_url
}

# Whoever wrote this detection thinks of it as MEDIUM. Here it wakes somebody.
resource "alertrouter_detection_override" "root_login" {
  detection_id = "AWS.Console.RootLogin"
  severity     = "CRITICAL"
}

# The scanner of our own does this every night.
resource "alertrouter_detection_override" "port_scan" {
  detection_id = "Network.PortScan"
  destinations = []
}
