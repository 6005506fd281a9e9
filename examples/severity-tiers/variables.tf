# SPDX-License-Identifier: MPL-2.0

variable "team" {
  type        = string
  description = "Whose tiers these are; the destinations' names begin with it."
  default     = "Security"
}

variable "tiers" {
  type = object({
    page   = optional(set(string), ["CRITICAL"])
    chat   = optional(set(string), ["HIGH", "CRITICAL"])
    ticket = optional(set(string), ["MEDIUM", "HIGH"])
    log    = optional(set(string), ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"])
  })
  description = "Which severities each tier gets. A severity may be in several; a tier with [] gets only what it stands in for."
  default     = {}

  validation {
    condition     = contains(var.tiers.page, "CRITICAL")
    error_message = "CRITICAL must be in the tier page: somebody is to be woken for it."
  }

  validation {
    condition     = length(setsubtract(["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"], flatten(values(var.tiers)))) == 0
    error_message = "Each severity must be in a tier; missing: ${join(", ", setsubtract(["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"], flatten(values(var.tiers))))}."
  }
}

variable "pagerduty_routing_key" {
  type        = string
  description = "The integration key of an Events API v2 integration, 32 characters."
  sensitive   = true
  ephemeral   = true
}

variable "pagerduty_region" {
  type        = string
  description = "The PagerDuty account's service region: us or eu."
  default     = "us"
}

variable "page_fallback_after_seconds" {
  type        = number
  description = "How long a page may be on its way before the chat gets it too."
  default     = 300
}

variable "slack_webhook_url" {
  type        = string
  description = "The incoming webhook of the Slack channel."
  sensitive   = true
  ephemeral   = true
}

variable "ticket_url" {
  type        = string
  description = "Where the ticket system takes alerts as JSON."
}

variable "ticket_token" {
  type        = string
  description = "The bearer token of the ticket system; null sends none."
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "log_url" {
  type        = string
  description = "Where every alert is kept, such as the HTTP input of a SIEM."
}
