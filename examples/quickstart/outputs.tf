# SPDX-License-Identifier: MPL-2.0

output "destination_ids" {
  description = "The id of each destination, by its name."
  value = {
    (alertrouter_destination_webhook.soar.display_name)   = alertrouter_destination_webhook.soar.id
    (alertrouter_destination_slack.on_call.display_name)  = alertrouter_destination_slack.on_call.id
    (alertrouter_destination_pagerduty.duty.display_name) = alertrouter_destination_pagerduty.duty.id
  }
}

output "test_alert" {
  description = "What the test alert to the on-call channel came to."
  value = {
    delivered   = data.alertrouter_test_alert.on_call.delivered
    http_status = data.alertrouter_test_alert.on_call.http_status
    error       = data.alertrouter_test_alert.on_call.error
  }
}
