# SPDX-License-Identifier: MPL-2.0
# What must hold of the alerting. A failed check is a warning of the plan and of the apply; it stops neither. The data
# sources stand outside the check blocks: inside, Terraform would want to read them again in every apply, and no plan
# would be empty.

# 1. Each destination takes a test alert. One is sent after each change of a destination, not in each plan.
data "alertrouter_test_alert" "sent" {
  for_each = {
    soar    = alertrouter_destination_webhook.soar
    on_call = alertrouter_destination_webhook.on_call
  }

  destination_id       = each.value.id
  destination_revision = each.value.revision
  timeout              = "10s"
}

check "test_alerts_arrive" {
  assert {
    condition     = alltrue([for t in data.alertrouter_test_alert.sent : t.delivered])
    error_message = "No alert reaches: ${join(", ", [for key, t in data.alertrouter_test_alert.sent : "${key} (${try(coalesce(t.error), t.status)})" if !t.delivered])}."
  }
}

# 2. A CRITICAL alert of each of these types goes somewhere, as the control plane would route it now.
data "alertrouter_route" "critical" {
  for_each = toset(["RULE", "SCHEDULED_RULE", "CORRELATION_RULE", "POLICY"])

  type = each.key
  detection = {
    id       = "Check.Critical"
    severity = "CRITICAL"
  }

  depends_on = [alertrouter_destination_webhook.soar, alertrouter_destination_webhook.on_call]
}

check "critical_is_routed" {
  assert {
    condition     = alltrue([for r in data.alertrouter_route.critical : length(r.destinations) > 0])
    error_message = "CRITICAL alerts of these types would go nowhere: ${join(", ", [for type, r in data.alertrouter_route.critical : type if length(r.destinations) == 0])}."
  }
}

# 3. The control plane's own trouble reaches two destinations: it does not tell a broken one of its own failure.
data "alertrouter_route" "system_error" {
  type = "SYSTEM_ERROR"
  detection = {
    id       = "AlertRouter.DestinationUnhealthy"
    severity = "CRITICAL"
  }

  depends_on = [alertrouter_destination_webhook.soar, alertrouter_destination_webhook.on_call]
}

check "somebody_hears_of_trouble" {
  assert {
    condition     = length(data.alertrouter_route.system_error.destinations) >= 2
    error_message = "Only ${jsonencode(data.alertrouter_route.system_error.destinations[*].display_name)} would hear that a destination fails; it takes two."
  }
}

# 4. No destination was left switched off, those that are managed elsewhere included.
data "alertrouter_destinations" "all" {
  depends_on = [alertrouter_destination_webhook.soar, alertrouter_destination_webhook.on_call]
}

check "all_are_enabled" {
  assert {
    condition     = alltrue(data.alertrouter_destinations.all.destinations[*].enabled)
    error_message = "Disabled: ${join(", ", [for d in data.alertrouter_destinations.all.destinations : d.display_name if !d.enabled])}."
  }
}
