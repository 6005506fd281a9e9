# SPDX-License-Identifier: MPL-2.0
# Reads the file, and finds every mistake in its shape at once: a misspelt key would otherwise be ignored.

locals {
  document = yamldecode(file("${path.module}/${var.file}"))

  # What a destination may say. A new argument of the provider is added here and in main.tf.
  arguments = {
    slack     = ["mention"]
    pagerduty = ["region", "client"]
    webhook   = ["url", "headers", "timeout_seconds"]
  }
  common_arguments = [
    "type", "display_name", "severities", "enabled", "alert_types", "log_types", "allow_manual_dispatch", "max_age_seconds",
    "rate_limit_per_second", "secrets",
  ]
  secret_arguments = {
    slack     = ["webhook_url"]
    pagerduty = ["routing_key"]
    webhook   = ["secret_url", "bearer_token", "signing_secret"]
  }

  found_destinations = try({ for key, d in local.document.destinations : key => d }, {})
  found_overrides    = try({ for id, o in local.document.overrides : id => o }, {})

  problems = concat(
    [for key in try(keys(local.document), []) : "The file has ${key}: it may have destinations and overrides." if !contains(["destinations", "overrides"], key)],
    length(local.found_destinations) == 0 ? ["The file has no destinations."] : [],
    flatten([for key, d in local.found_destinations : contains(keys(local.arguments), try(d.type, "")) ? concat(
      can(tostring(d.display_name)) ? [] : ["destinations.${key} has no display_name."],
      can(tolist(d.severities)) ? [] : ["destinations.${key} has no list of severities, such as [HIGH, CRITICAL]."],
      [for name in keys(d) : "destinations.${key} has ${name}: a ${d.type} destination has no such argument."
      if !contains(concat(local.common_arguments, local.arguments[d.type]), name)],
      [for name in try(keys(d.secrets), []) : "destinations.${key}.secrets has ${name}: a ${d.type} destination has no such secret."
      if !contains(local.secret_arguments[d.type], name)],
      ) : ["destinations.${key} has no type, or another than ${join(", ", keys(local.arguments))}."]
    ]),
    flatten([for id, o in local.found_overrides : concat(
      [for name in try(keys(o), ["nothing"]) : "overrides.${id} has ${name}: it may have severity and destinations." if !contains(["severity", "destinations"], name)],
      [for key in try(o.destinations, []) : "overrides.${id} names ${key}, which is no key of destinations." if !can(local.found_destinations[key])],
    )]),
  )

  # With a mistake in the file nothing is planned at all; the output's precondition says why.
  destinations = { for key, d in local.found_destinations : key => d if length(local.problems) == 0 }
  overrides    = { for id, o in local.found_overrides : id => o if length(local.problems) == 0 }
}

output "destination_ids" {
  description = "The id of each destination, by its key in the file."
  value       = local.ids

  precondition {
    condition     = length(local.problems) == 0
    error_message = "${var.file} cannot be used:\n- ${join("\n- ", local.problems)}"
  }
}
