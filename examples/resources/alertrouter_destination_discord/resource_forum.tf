# SPDX-License-Identifier: MPL-2.0

# Of a forum: each alert is a post of its own, in which people can talk about it.

variable "discord_forum_webhook_url" {
  type        = string
  description = "The URL of the forum's webhook."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_discord" "forum" {
  display_name = "Cases on Discord"
  severities   = ["CRITICAL"]
  username     = "Alert router"
  thread_name  = "{{ .severity }}: {{ .title }}"

  webhook_url_wo = var.discord_forum_webhook_url
}
