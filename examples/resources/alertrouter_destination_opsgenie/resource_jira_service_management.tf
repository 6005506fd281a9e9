# SPDX-License-Identifier: MPL-2.0

# Everything there is, in Jira Service Management. There, responders are named by their ids.
variable "jsm_api_key" {
  type        = string
  description = "The API key of an API integration in Jira Service Management."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_opsgenie" "security" {
  display_name = "Security operations"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]

  # With a version, the key is sent only when the version changes.
  api_key_wo         = var.jsm_api_key
  api_key_wo_version = 1

  service = "jira_service_management" # opsgenie or opsgenie_eu until the account has moved

  responders = [
    { type = "team", id = "4513b7ea-3b91-438f-b7e4-e3e54af9147c" },
    { type = "schedule", id = "80564037-1984-4f38-b98e-8a1f662df552" },
  ]
  visible_to = [
    { type = "user", id = "bb4d9938-c3c2-455d-aaab-727aa701c0d8" },
  ]

  priority_by_severity = {
    HIGH   = "P1"
    MEDIUM = "P2"
  }

  tags    = ["production"]
  actions = ["Isolate host"]
  details = {
    environment = "production"
    handbook    = "https://wiki.example.com/security/on-call"
  }
  entity = "production"
  source = "alertrouter production"
}
