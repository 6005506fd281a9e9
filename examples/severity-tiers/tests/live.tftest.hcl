# SPDX-License-Identifier: MPL-2.0
# Asks a real control plane where alerts would go. It creates the tiers there and removes them afterwards, so use one of
# its own: `alertrouter serve --data "$(mktemp -d)"`.

variables {
  team                  = "terraform test"
  pagerduty_routing_key = "0123456789abcdef0123456789abcdef"
  slack_webhook_url     = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
  ticket_url            = "https://tickets.example.com/alerts"
  ticket_token          = "not-a-real-token"
  log_url               = "https://siem.example.com/input"
}

run "tiers" {
}

run "critical" {
  module {
    source = "./tests/route"
  }

  variables {
    severity = "CRITICAL"
  }

  assert {
    condition     = output.to == tolist(["terraform test: chat", "terraform test: log", "terraform test: page"])
    error_message = "A CRITICAL alert goes to ${jsonencode(output.to)}."
  }
}

run "medium" {
  module {
    source = "./tests/route"
  }

  variables {
    severity = "MEDIUM"
  }

  assert {
    condition     = output.to == tolist(["terraform test: log", "terraform test: ticket"])
    error_message = "A MEDIUM alert goes to ${jsonencode(output.to)}."
  }
}
