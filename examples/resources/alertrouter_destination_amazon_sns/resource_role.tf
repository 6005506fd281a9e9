# SPDX-License-Identifier: MPL-2.0

# A role in the topic's account, which the server assumes. The two documents are what the role needs: give them to
# whatever makes your roles, such as `aws_iam_role` and `aws_iam_role_policy`.
locals {
  topic_arn   = "arn:aws:sns:us-east-1:123456789012:security-alerts"
  key_arn     = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  server_arn  = "arn:aws:iam::210987654321:role/alertrouter-server"
  external_id = "7f3c1f0e-security-alerts"
}

resource "alertrouter_destination_amazon_sns" "other_account" {
  display_name = "Security topic of the other account"
  severities   = ["HIGH", "CRITICAL"]

  topic_arn   = local.topic_arn
  role_arn    = "arn:aws:iam::123456789012:role/alertrouter-publish"
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

# What the role may do. The second statement is for a topic that is encrypted with a key of your own; the key's policy
# must allow it too.
output "permissions_policy" {
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = local.topic_arn
      },
      {
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = local.key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sns.us-east-1.amazonaws.com" } }
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
      Resource = alertrouter_destination_amazon_sns.other_account.role_arn
    }]
  })
}
