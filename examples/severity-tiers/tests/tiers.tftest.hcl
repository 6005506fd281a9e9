# SPDX-License-Identifier: MPL-2.0
# Runs without a control plane: the provider is a mock.

mock_provider "alertrouter" {}

variables {
  pagerduty_routing_key = "0123456789abcdef0123456789abcdef"
  slack_webhook_url     = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
  ticket_url            = "https://tickets.example.com/alerts"
  ticket_token          = "not-a-real-token"
  log_url               = "https://siem.example.com/input"
}

run "a_tier_falls_back_on_the_next" {
  assert {
    condition = [
      alertrouter_destination_pagerduty.page.fallback,
      alertrouter_destination_slack.chat.fallback,
      alertrouter_destination_webhook.ticket.fallback,
      ] == [
      output.destination_ids.chat,
      output.destination_ids.ticket,
      output.destination_ids.log,
    ]
    error_message = "The fallbacks must be page, chat, ticket, log."
  }
}

run "critical_must_page" {
  command = plan

  variables {
    tiers = { page = ["HIGH"] }
  }

  expect_failures = [var.tiers]
}

run "no_severity_is_forgotten" {
  command = plan

  variables {
    tiers = { log = ["CRITICAL"] }
  }

  expect_failures = [var.tiers]
}
