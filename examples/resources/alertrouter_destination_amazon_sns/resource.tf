# SPDX-License-Identifier: MPL-2.0

# The server calls AWS as itself: with the role of its machine, task or pod, or with the keys in its environment.
resource "alertrouter_destination_amazon_sns" "security" {
  display_name = "Security topic"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]

  topic_arn = "arn:aws:sns:us-east-1:123456789012:security-alerts"
}
