# SPDX-License-Identifier: MPL-2.0

# The server calls AWS as itself: with the role of its machine, task or pod, or with the keys in its environment.
resource "alertrouter_destination_amazon_sqs" "triage" {
  display_name = "Triage queue"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]

  queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/triage"
}
