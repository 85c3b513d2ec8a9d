# Append-only for people too: what an administrator's own policies allow, the audit table and the bucket themselves refuse.
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

  # The bucket's part: rules that expire each version, and what would have to be switched off before somebody deletes them.
  # S3's own lifecycle asks no policy. Nothing of the trail's deletes an object under these two prefixes.
  bucket_append_only_statements = flatten([for policy in local.append_only : [
    {
      Sid       = "NobodyErases"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
      Resource  = aws_s3_bucket.history.arn
      Condition = {
        ArnNotEquals = { "aws:PrincipalArn" = policy.break_glass_role_arns }
        BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
      }
    },
    {
      Sid       = "NobodyDeletes"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"]
      Resource  = [for prefix in ["archive", "images"] : "${aws_s3_bucket.history.arn}/${prefix}/*"]
      Condition = {
        ArnNotEquals = { "aws:PrincipalArn" = policy.break_glass_role_arns }
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
