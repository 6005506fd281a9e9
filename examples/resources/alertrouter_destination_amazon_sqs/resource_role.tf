# SPDX-License-Identifier: MPL-2.0

# A role in the queue's account, which the server assumes. The two documents are what the role needs: give them to
# whatever makes your roles, such as `aws_iam_role` and `aws_iam_role_policy`.
locals {
  queue_arn   = "arn:aws:sqs:us-east-1:123456789012:triage"
  key_arn     = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  server_arn  = "arn:aws:iam::210987654321:role/alertrouter-server"
  external_id = "7f3c1f0e-triage"
}

resource "alertrouter_destination_amazon_sqs" "other_account" {
  display_name = "Triage queue of the other account"
  severities   = ["HIGH", "CRITICAL"]

  queue_url   = "https://sqs.us-east-1.amazonaws.com/123456789012/triage"
  role_arn    = "arn:aws:iam::123456789012:role/alertrouter-send"
  external_id = local.external_id
}

# Who may assume the role: the server, if it says the external id.
output "trust_policy" {
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = local.server_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = local.external_id } }
    }]
  })
}

# What the role may do. The second statement is for a queue that is encrypted with a key of your own; the key's policy
# must allow it too.
output "permissions_policy" {
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = local.queue_arn
      },
      {
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = local.key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sqs.us-east-1.amazonaws.com" } }
      },
    ]
  })
}

# What the server's own identity may do.
output "server_policy" {
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = alertrouter_destination_amazon_sqs.other_account.role_arn
    }]
  })
}
