# SPDX-License-Identifier: MPL-2.0
# Runs without a control plane and without real secrets: the provider is a mock.

mock_provider "alertrouter" {}

variables {
  secrets = {
    slack_on_call  = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    pagerduty_duty = "0123456789abcdef0123456789abcdef"
    soar_token     = "not-a-real-token"
    archive_url    = "https://archive.example.com/not-a-real-key"
  }
}

run "the_file_is_good" {
  assert {
    condition     = length(output.destination_ids) == 4
    error_message = "The file has four destinations."
  }

  assert {
    condition     = alertrouter_detection_override.this["AWS.Console.RootLogin"].severity == "CRITICAL"
    error_message = "A root login must be CRITICAL."
  }

  assert {
    condition     = anytrue([for d in alertrouter_destination_pagerduty.this : contains(d.severities, "CRITICAL")])
    error_message = "No PagerDuty service wants CRITICAL alerts: nobody would be woken."
  }
}

run "a_mistake_stops_the_plan" {
  command = plan

  variables {
    file = "tests/mistakes.yaml"
  }

  expect_failures = [output.destination_ids]
}

run "a_missing_secret_stops_the_plan" {
  command = plan

  variables {
    secrets = {
      slack_on_call = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    }
  }

  expect_failures = [var.secrets]
}
