# SPDX-License-Identifier: MPL-2.0

# What state.json is the state of, as the provider wrote it before destinations had fallbacks.

terraform {
  required_providers {
    alertrouter = { source = "alertrouter/alertrouter" }
  }
}

resource "alertrouter_destination_pagerduty" "all" {
  display_name          = "Duty"
  enabled               = false
  severities            = ["CRITICAL"]
  alert_types           = ["RULE", "POLICY"]
  log_types             = ["AWS.CloudTrail"]
  allow_manual_dispatch = true
  max_age_seconds       = 3600
  max_concurrency       = 3
  rate_limit_per_second = 0.5
  region                = "eu"
  client                = "siem"
  api_url               = "https://pagerduty.example.com"
  routing_key_wo        = "0123456789abcdef0123456789abcdef"
}

resource "alertrouter_destination_slack" "automatic" {
  display_name   = "SOC"
  severities     = []
  webhook_url_wo = "https://hooks.slack.com/services/T00000000/B00000000/aaaaaaaaaaaaaaaaaaaaaaaa"
}

resource "alertrouter_destination_slack" "manual" {
  display_name           = "SOC on-call"
  severities             = ["HIGH", "CRITICAL"]
  mention                = "<!here>"
  webhook_url_wo         = "https://hooks.slack.com/services/T00000000/B00000000/aaaaaaaaaaaaaaaaaaaaaaaa"
  webhook_url_wo_version = 3
}

resource "alertrouter_destination_webhook" "automatic" {
  display_name      = "SOAR"
  severities        = ["HIGH"]
  secret_url_wo     = "https://soar.example.com/hooks/0123"
  secret_headers_wo = { X-Api-Key = "one", X-Other = "two" }
  signing_secret_wo = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  bearer_token_wo   = "three"
  timeout_seconds   = 5
}

resource "alertrouter_destination_webhook" "basic" {
  display_name              = "SOAR with a password"
  severities                = ["HIGH"]
  url                       = "https://soar.example.com/hooks"
  headers                   = { X-Team = "soc" }
  basic_username            = "alertrouter"
  basic_password_wo         = "four"
  basic_password_wo_version = 1
}

resource "alertrouter_detection_override" "louder" {
  detection_id = "AWS.Root.Login"
  severity     = "CRITICAL"
  destinations = [alertrouter_destination_slack.manual.id]
}

resource "alertrouter_detection_override" "silent" {
  detection_id = "Okta.Noise"
  destinations = []
}
