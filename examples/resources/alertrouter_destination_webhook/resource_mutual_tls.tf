# SPDX-License-Identifier: MPL-2.0

# A receiver that knows its callers by their certificates, and has its own from an authority of the company.

variable "siem_client_certificate" {
  type        = string
  description = "The certificate in PEM, such as file(\"client.crt\") in the place of this variable."
}

variable "siem_client_key" {
  type        = string
  description = "The certificate's private key in PEM, without a passphrase."
  sensitive   = true
  ephemeral   = true
}

variable "company_authority" {
  type        = string
  description = "The certificate in PEM of the authority that the receiver's certificate is from."
}

resource "alertrouter_destination_webhook" "siem" {
  display_name = "SIEM"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]

  url                = "https://siem.example.com/alerts"
  client_certificate = var.siem_client_certificate
  client_key_wo      = var.siem_client_key
  ca_certificate     = var.company_authority
}
