# SPDX-License-Identifier: MPL-2.0
# What must be true of where alerts go. The function route decides as the control plane does, so all of this is known without one.

locals {
  # Every destination and override there is. What is missing here is missing in the tests.
  destinations = [
    alertrouter_destination_pagerduty.on_call,
    alertrouter_destination_slack.soc,
    alertrouter_destination_webhook.tickets,
  ]
  overrides = [
    alertrouter_detection_override.root_login,
    alertrouter_detection_override.port_scan,
  ]

  # The alerts that may reach nobody, by severity and type.
  may_reach_nobody = [
    "INFO RULE_ERROR", "INFO SCHEDULED_RULE_ERROR", "INFO CORRELATION_RULE_ERROR",
    "LOW RULE_ERROR", "LOW SCHEDULED_RULE_ERROR", "LOW CORRELATION_RULE_ERROR",
  ]

  # Those that wake somebody, and those that must do so whatever the severity their author gave them.
  pagers    = [alertrouter_destination_pagerduty.on_call.display_name]
  must_page = ["AWS.Console.RootLogin"]

  # The detections that must reach nobody.
  suppressed = ["Network.PortScan"]
}

locals {
  severities = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
  types = [
    "RULE", "RULE_ERROR", "POLICY", "SCHEDULED_RULE", "SCHEDULED_RULE_ERROR", "CORRELATION_RULE", "CORRELATION_RULE_ERROR", "SYSTEM_ERROR",
  ]
  log_types = ["AWS.CloudTrail", "Okta.SystemLog", "A.LogType.NobodyThoughtOf"]

  # One alert of each severity, type and log type, of a detection without an override.
  alerts = {
    for a in setproduct(local.severities, local.types, local.log_types) : "${a[0]} ${a[1]} from ${a[2]}" => {
      type      = a[1]
      log_types = [a[2]]
      detection = { id = "Any", severity = a[0] }
    }
  }

  # Destinations have secrets, so what is made of them is sensitive until it is said not to be: a route tells none.
  routes = {
    for name, alert in local.alerts : name => nonsensitive(provider::alertrouter::route(alert, local.destinations, local.overrides))
  }
  routes_of_detections = {
    for id in concat(local.must_page, local.suppressed) : id => nonsensitive(provider::alertrouter::route(
      { type = "RULE", log_types = ["AWS.CloudTrail"], detection = { id = id, severity = "MEDIUM" } }, local.destinations, local.overrides,
    ))
  }

  # The names of the alerts that wake somebody.
  paging = [for name, route in local.routes : name if length(setintersection(route.destinations[*].display_name, local.pagers)) > 0]
}

output "policy" {
  description = "The alerts, detections and destinations that break the policy, by the rule they break."
  value = {
    reaches_nobody = [
      for name, route in local.routes : name
      if length(route.destinations) == 0 && !contains(local.may_reach_nobody, split(" from ", name)[0])
    ]
    critical_wakes_nobody = [for name, route in local.routes : name if route.severity == "CRITICAL" && !contains(local.paging, name)]
    info_wakes_somebody   = [for name, route in local.routes : name if route.severity == "INFO" && contains(local.paging, name)]
    must_page = [
      for id in local.must_page : id
      if length(setintersection(local.routes_of_detections[id].destinations[*].display_name, local.pagers)) == 0
    ]
    not_suppressed = [for id in local.suppressed : id if local.routes_of_detections[id].scenario != "SUPPRESSED"]
    disabled       = [for d in local.destinations : d.display_name if !d.enabled]
  }
}
