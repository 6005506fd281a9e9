# SPDX-License-Identifier: MPL-2.0

variable "tickets_url" {
  type        = string
  description = "Where alerts are posted as JSON, such as https://tickets.example.com/hooks/alerts."
}

# The two below grant rights, so they are ephemeral: Terraform keeps them in neither state nor plan.

variable "slack_webhook_url" {
  type        = string
  description = "The incoming webhook of the Slack channel."
  sensitive   = true
  ephemeral   = true
}

variable "pagerduty_routing_key" {
  type        = string
  description = "The integration key of an Events API v2 integration, 32 characters."
  sensitive   = true
  ephemeral   = true
}
