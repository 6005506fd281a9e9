# SPDX-License-Identifier: MPL-2.0

variable "sender_secret_access_key" {
  type        = string
  description = "The secret of the access key of a user who may send to the queue."
  sensitive   = true
  ephemeral   = true
}

# A FIFO queue from before August 2025, which takes messages of 256 KiB, in an account to which the server has no role.
resource "alertrouter_destination_amazon_sqs" "ordered" {
  display_name = "Triage queue, in order"
  severities   = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]

  queue_url         = "https://sqs.eu-west-1.amazonaws.com/123456789012/triage.fifo"
  max_message_bytes = 262144

  access_key_id                = "AKIAIOSFODNN7EXAMPLE"
  secret_access_key_wo         = var.sender_secret_access_key
  secret_access_key_wo_version = 1
}
