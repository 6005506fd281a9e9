# SPDX-License-Identifier: MPL-2.0
# Finds the id of each destination by its name, and imports those that exist: what does not is created. Once they are
# in the state the blocks do nothing, and the file can go.

data "alertrouter_destinations" "there" {}

locals {
  ids = { for d in data.alertrouter_destinations.there.destinations : "${d.type}/${lower(d.display_name)}" => d.id }
}

import {
  for_each = { for key, d in local.slack : key => local.ids["slack/${lower(d.display_name)}"] if can(local.ids["slack/${lower(d.display_name)}"]) }
  to       = alertrouter_destination_slack.this[each.key]
  id       = each.value
}

import {
  for_each = { for key, d in local.webhooks : key => local.ids["webhook/${lower(d.display_name)}"] if can(local.ids["webhook/${lower(d.display_name)}"]) }
  to       = alertrouter_destination_webhook.this[each.key]
  id       = each.value
}

# An override has the id of its detection.
import {
  to = alertrouter_detection_override.root_login
  id = "AWS.Console.RootLogin"
}

output "left_behind" {
  description = "Destinations that this configuration does not have."
  value = sort(setsubtract(
    data.alertrouter_destinations.there.destinations[*].display_name,
    concat(values(alertrouter_destination_slack.this)[*].display_name, values(alertrouter_destination_webhook.this)[*].display_name),
  ))
}
