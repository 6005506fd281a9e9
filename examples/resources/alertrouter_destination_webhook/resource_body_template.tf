# SPDX-License-Identifier: MPL-2.0

# A receiver that expects a form of its own, such as the incidents of a SOAR: it gets what the template makes.

variable "incidents_hmac_secret" {
  type        = string
  description = "What the receiver checks the header X-Signature with."
  sensitive   = true
  ephemeral   = true
}

resource "alertrouter_destination_webhook" "incidents" {
  display_name = "SOAR incidents"
  severities   = ["HIGH", "CRITICAL"]

  url            = "https://soar.example.com/api/incidents"
  hmac_secret_wo = var.incidents_hmac_secret
  hmac_header    = "X-Signature"
  hmac_format    = "sha256={hex}"

  # "{{ ... }}" in a text is escaped for it, {{ ... }} elsewhere is written as JSON.
  body_template = <<-EOT
    {
      "name": "{{ .severity }}: {{ .title }}",
      "priority": {{ if eq .severity "CRITICAL" }}1{{ else }}2{{ end }},
      "external_id": "{{ .alert_id }}",
      "description": {{ .description }},
      "link": {{ .link }},
      "labels": {{ .tags }},
      "artifacts": {{ .context }},
      "test": {{ .test }}
    }
  EOT
}
