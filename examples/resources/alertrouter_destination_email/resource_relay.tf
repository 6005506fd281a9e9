# SPDX-License-Identifier: MPL-2.0

# A relay on a network of your own, which knows the control plane by its address. The server is started with
# --allow-network for the relay's network.
resource "alertrouter_destination_email" "relay" {
  display_name = "Managers"
  severities   = ["CRITICAL"]

  host     = "relay.example.com"
  security = "none" # port 25; starttls where the relay offers it

  from           = "alerts@example.com"
  to             = ["soc-lead@example.com"]
  cc             = ["ciso@example.com"]
  subject_prefix = "Security:"
}
