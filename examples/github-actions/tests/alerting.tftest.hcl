# SPDX-License-Identifier: MPL-2.0
# Runs in every pull request, also of forks: the provider is a mock, and nothing here is a secret.

mock_provider "alertrouter" {}

variables {
  slack_webhook_url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
}

run "people_hear_of_critical" {
  assert {
    condition     = contains(alertrouter_destination_slack.on_call.severities, "CRITICAL")
    error_message = "CRITICAL alerts must reach the people on call."
  }
}
