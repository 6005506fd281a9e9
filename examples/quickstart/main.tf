# SPDX-License-Identifier: MPL-2.0

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

# Automation gets what its playbooks can handle: these alert types, from these logs, of any severity.
resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
  alert_types  = ["RULE", "SCHEDULED_RULE", "CORRELATION_RULE"]
  log_types    = ["AWS.CloudTrail", "Okta.SystemLog"]

  url = var.soar_url
}

# People read what matters, and can send anything else here by hand.
resource "alertrouter_destination_slack" "on_call" {
  display_name          = "SOC on-call"
  severities            = ["HIGH", "CRITICAL"]
  allow_manual_dispatch = true

  webhook_url_wo = var.slack_webhook_url
}

# Somebody is woken for what cannot wait.
resource "alertrouter_destination_pagerduty" "duty" {
  display_name = "Duty"
  severities   = ["CRITICAL"]

  routing_key_wo = var.pagerduty_routing_key
  api_url        = var.pagerduty_api_url
}

# Whoever wrote this detection thinks of it as MEDIUM. Here it wakes somebody.
resource "alertrouter_detection_override" "root_login" {
  detection_id = "AWS.Console.RootLogin"
  severity     = "CRITICAL"
  destinations = [
    alertrouter_destination_slack.on_call.id,
    alertrouter_destination_pagerduty.duty.id,
  ]
}

# Sent once after each change of the destination, however often Terraform plans.
data "alertrouter_test_alert" "on_call" {
  destination_id       = alertrouter_destination_slack.on_call.id
  destination_revision = alertrouter_destination_slack.on_call.revision
}
