# SPDX-License-Identifier: MPL-2.0

terraform {
  required_version = ">= 1.11"

  required_providers {
    alertrouter = {
      source = "alertrouter/alertrouter"
    }
  }
}

# for_each goes over what the file says, which is no secret; the secrets are looked up inside, where only write-only
# arguments take them. The other way round, for_each over var.secrets, is an error: its keys would be in the state.

resource "alertrouter_destination_slack" "this" {
  for_each = { for key, d in local.destinations : key => d if d.type == "slack" }

  display_name          = each.value.display_name
  severities            = each.value.severities
  enabled               = try(each.value.enabled, true)
  alert_types           = try(each.value.alert_types, null)
  log_types             = try(each.value.log_types, null)
  allow_manual_dispatch = try(each.value.allow_manual_dispatch, false)
  max_age_seconds       = try(each.value.max_age_seconds, null)
  rate_limit_per_second = try(each.value.rate_limit_per_second, null)

  mention        = try(each.value.mention, null)
  webhook_url_wo = try(var.secrets[each.value.secrets.webhook_url], null)
}

resource "alertrouter_destination_pagerduty" "this" {
  for_each = { for key, d in local.destinations : key => d if d.type == "pagerduty" }

  display_name          = each.value.display_name
  severities            = each.value.severities
  enabled               = try(each.value.enabled, true)
  alert_types           = try(each.value.alert_types, null)
  log_types             = try(each.value.log_types, null)
  allow_manual_dispatch = try(each.value.allow_manual_dispatch, false)
  max_age_seconds       = try(each.value.max_age_seconds, null)
  rate_limit_per_second = try(each.value.rate_limit_per_second, null)

  region         = try(each.value.region, null)
  client         = try(each.value.client, null)
  routing_key_wo = try(var.secrets[each.value.secrets.routing_key], null)
}

resource "alertrouter_destination_webhook" "this" {
  for_each = { for key, d in local.destinations : key => d if d.type == "webhook" }

  display_name          = each.value.display_name
  severities            = each.value.severities
  enabled               = try(each.value.enabled, true)
  alert_types           = try(each.value.alert_types, null)
  log_types             = try(each.value.log_types, null)
  allow_manual_dispatch = try(each.value.allow_manual_dispatch, false)
  max_age_seconds       = try(each.value.max_age_seconds, null)
  rate_limit_per_second = try(each.value.rate_limit_per_second, null)

  url               = try(each.value.url, null)
  headers           = try(each.value.headers, null)
  timeout_seconds   = try(each.value.timeout_seconds, null)
  secret_url_wo     = try(var.secrets[each.value.secrets.secret_url], null)
  bearer_token_wo   = try(var.secrets[each.value.secrets.bearer_token], null)
  signing_secret_wo = try(var.secrets[each.value.secrets.signing_secret], null)
}

resource "alertrouter_detection_override" "this" {
  for_each = local.overrides

  detection_id = each.key
  severity     = try(each.value.severity, null)
  destinations = can(each.value.destinations) ? [for key in each.value.destinations : local.ids[key]] : null
}

locals {
  ids = merge(
    { for key, d in alertrouter_destination_slack.this : key => d.id },
    { for key, d in alertrouter_destination_pagerduty.this : key => d.id },
    { for key, d in alertrouter_destination_webhook.this : key => d.id },
  )
}
