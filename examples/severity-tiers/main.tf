# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

# Each tier's fallback is the next one: page, chat, ticket, log.

resource "alertrouter_destination_pagerduty" "page" {
  display_name = "${var.team}: page"
  severities   = var.tiers.page

  routing_key_wo = var.pagerduty_routing_key
  region         = var.pagerduty_region

  # Somebody must hear of it soon, even while PagerDuty is still tried.
  fallback               = alertrouter_destination_slack.chat.id
  fallback_after_seconds = var.page_fallback_after_seconds
}

resource "alertrouter_destination_slack" "chat" {
  display_name          = "${var.team}: chat"
  severities            = var.tiers.chat
  allow_manual_dispatch = true

  webhook_url_wo = var.slack_webhook_url

  fallback = alertrouter_destination_webhook.ticket.id
}

resource "alertrouter_destination_webhook" "ticket" {
  display_name = "${var.team}: ticket"
  severities   = var.tiers.ticket

  url             = var.ticket_url
  bearer_token_wo = var.ticket_token

  fallback = alertrouter_destination_webhook.log.id
}

resource "alertrouter_destination_webhook" "log" {
  display_name = "${var.team}: log"
  severities   = var.tiers.log

  url = var.log_url
}
