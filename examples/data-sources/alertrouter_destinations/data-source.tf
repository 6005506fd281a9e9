# SPDX-License-Identifier: MPL-2.0

data "alertrouter_destinations" "webhooks" {
  type = "webhook"
}

output "disabled_webhooks" {
  value = [for d in data.alertrouter_destinations.webhooks.destinations : d.display_name if !d.enabled]
}
