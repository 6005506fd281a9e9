# SPDX-License-Identifier: MPL-2.0

variable "webhook_url" {
  type    = string
  default = "https://soar.example.com/hooks/alerts"
}

resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["HIGH", "CRITICAL"]
  url          = var.webhook_url

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.alertrouter_send_test_alert.soar]
    }
  }
}

action "alertrouter_send_test_alert" "soar" {
  config {
    destination_id = alertrouter_destination_webhook.soar.id
    severity       = "INFO"
    timeout        = "10s"
  }
}
