# Append-only for people too: what an administrator's own policies allow, the audit table itself refuses.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html

locals {
  append_only = var.append_only == null ? [] : [var.append_only]

  # aws:PrincipalArn is the role's ARN in every session of it. A caller without one is refused as well, but for AWS's own
  # services: a TTL deletion is DynamoDB's.
  append_only_statements = flatten([for policy in local.append_only : [
    {
      Sid       = "NobodyRewrites"
      Effect    = "Deny"
      Principal = "*"
      Action = [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:DeleteTable",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:UpdateTimeToLive",
      ]
      Resource = aws_dynamodb_table.audit.arn
      Condition = {
        ArnNotEquals = { "aws:PrincipalArn" = policy.break_glass_role_arns }
        BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
      }
    },
    {
      Sid       = "FunctionAndOperatorsAdd"
      Effect    = "Deny"
      Principal = "*"
      Action    = "dynamodb:PartiQLInsert"
      Resource  = aws_dynamodb_table.audit.arn
      Condition = {
        ArnNotEquals = {
          "aws:PrincipalArn" = concat([aws_iam_role.function.arn], lookup(policy, "operator_role_arns", []), policy.break_glass_role_arns)
        }
        BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
      }
    },
  ]])
}

# Whoever applies this isn't locked out: neither dynamodb:PutResourcePolicy nor dynamodb:DeleteResourcePolicy is denied, and
# destroy takes the policy away before the table.
resource "aws_dynamodb_resource_policy" "audit" {
  count = length(local.append_only)

  resource_arn = aws_dynamodb_table.audit.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.append_only_statements
  })
}
