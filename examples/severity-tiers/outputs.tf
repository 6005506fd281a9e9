# SPDX-License-Identifier: MPL-2.0

output "destination_ids" {
  description = "The id of each tier's destination, for overrides."
  value = {
    page   = alertrouter_destination_pagerduty.page.id
    chat   = alertrouter_destination_slack.chat.id
    ticket = alertrouter_destination_webhook.ticket.id
    log    = alertrouter_destination_webhook.log.id
  }
}
