# SPDX-License-Identifier: MPL-2.0

# Laid over examples/quickstart by the demo. Alerts to Slack and PagerDuty start no faster than the vendor takes them;
# the demo's receiver is neither of the two and takes more.

resource "alertrouter_destination_slack" "on_call" {
  rate_limit_per_second = 1000
}

resource "alertrouter_destination_pagerduty" "duty" {
  rate_limit_per_second = 1000
}
