# SPDX-License-Identifier: MPL-2.0
# Fails when a change breaks the policy. Nothing is created, and no control plane is asked.

mock_provider "alertrouter" {}

variables {
  tickets_url           = "https://tickets.example.com/hooks/alerts"
  slack_webhook_url     = "https://hooks.slack.com/services/T000/B000/XXXX"
  pagerduty_routing_key = "0123456789abcdef0123456789abcdef"
}

run "policy" {
  assert {
    condition     = length(output.policy.disabled) == 0
    error_message = "These destinations are disabled, or do not say enabled = true: ${join(", ", output.policy.disabled)}."
  }

  assert {
    condition     = length(output.policy.critical_wakes_nobody) == 0
    error_message = "CRITICAL alerts must wake somebody, whatever they come from. These would not: ${join(", ", output.policy.critical_wakes_nobody)}."
  }

  assert {
    condition     = length(output.policy.reaches_nobody) == 0
    error_message = "These alerts would reach nobody: ${join(", ", output.policy.reaches_nobody)}. Have a destination take them, or name them in local.may_reach_nobody."
  }

  assert {
    condition     = length(output.policy.info_wakes_somebody) == 0
    error_message = "INFO is not worth waking anybody for. These alerts would: ${join(", ", output.policy.info_wakes_somebody)}."
  }

  assert {
    condition     = length(output.policy.must_page) == 0
    error_message = "These detections must wake somebody and would not: ${join(", ", output.policy.must_page)}."
  }

  assert {
    condition     = length(output.policy.not_suppressed) == 0
    error_message = "These detections are to be suppressed and would not be: ${join(", ", output.policy.not_suppressed)}."
  }
}
