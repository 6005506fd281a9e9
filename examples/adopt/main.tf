# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

# What was clicked together, as you want it from now on. What differs from the control plane is in the first plan.
locals {
  slack = {
    on_call = {
      display_name = "SOC on-call"
      severities   = ["HIGH", "CRITICAL"]
      mention      = "<!here>"
    }
    audit = {
      display_name = "Audit"
      severities   = []
    }
  }

  webhooks = {
    soar = {
      display_name = "SOAR"
      severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
      url          = var.soar_url
    }
  }
}

resource "alertrouter_destination_slack" "this" {
  for_each = local.slack

  display_name = each.value.display_name
  severities   = each.value.severities
  mention      = try(each.value.mention, null)

  # What is stored stays until you have the secrets at hand; one that is not there yet cannot be made without.
  webhook_url_wo = try(var.slack_webhook_urls[each.key], null)
}

resource "alertrouter_destination_webhook" "this" {
  for_each = local.webhooks

  display_name = each.value.display_name
  severities   = each.value.severities
  url          = each.value.url
}

resource "alertrouter_detection_override" "root_login" {
  detection_id = "AWS.Console.RootLogin"
  severity     = "CRITICAL"
  destinations = [alertrouter_destination_slack.this["on_call"].id]
}
