# SPDX-License-Identifier: MPL-2.0

variable "webhook_url" {
  type    = string
  default = "https://archive.example.com/hooks/alerts"
}

resource "alertrouter_destination_webhook" "archive" {
  display_name = "Archive"
  severities   = ["INFO", "LOW"]
  url          = var.webhook_url
}

# One that may be managed elsewhere, found by its name.
data "alertrouter_destination" "archive" {
  display_name = alertrouter_destination_webhook.archive.display_name
}

resource "alertrouter_detection_override" "s3_access" {
  detection_id = "AWS.S3.ServerAccess"
  destinations = [data.alertrouter_destination.archive.id]
}
