# SPDX-License-Identifier: MPL-2.0

variable "publisher_secret_access_key" {
  type        = string
  description = "The secret of the access key of a user who may publish to the topic."
  sensitive   = true
  ephemeral   = true
}

# A FIFO topic, all of whose messages stay in order, in an account to which the server has no role.
resource "alertrouter_destination_amazon_sns" "ordered" {
  display_name = "Security topic, in order"
  severities   = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]

  topic_arn        = "arn:aws:sns:eu-west-1:123456789012:security-alerts.fifo"
  message_group_id = "security-alerts"

  access_key_id                = "AKIAIOSFODNN7EXAMPLE"
  secret_access_key_wo         = var.publisher_secret_access_key
  secret_access_key_wo_version = 1
}
