# What a role needs of the keys that are yours. Services that use their own keys ask for no permission.

locals {
  keys        = var.kms_key == null ? [] : [var.kms_key.arn]
  source_keys = var.source_kms_key == null ? [] : [var.source_kms_key.arn]

  # No statement here is for a call to KMS itself: DynamoDB and S3 make them for whoever reads or writes there, so that the
  # key opens nothing that was encrypted elsewhere.
  # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
  via_dynamodb        = "dynamodb.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}"
  via_s3              = "s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}"
  through_table       = { StringEquals = { "kms:ViaService" = local.via_dynamodb } }
  through_s3          = { StringEquals = { "kms:ViaService" = local.via_s3 } }
  through_table_or_s3 = { StringEquals = { "kms:ViaService" = [local.via_dynamodb, local.via_s3] } }
  failures_keys       = local.failures.kms_key == null ? local.keys : [local.failures.kms_key.arn]

  # A table's key is decrypted for whoever reads or writes an item; S3 makes a data key for each object that is put.
  read_key_statements = [for arn in local.keys : {
    Sid      = "DecryptTrail"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = arn

    Condition = local.through_table_or_s3
  }]

  use_key_statements = concat([for arn in local.keys : {
    Sid      = "UseTrailsKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = arn

    Condition = local.through_table_or_s3
    }], [for key in local.failures.kms_key[*] : {
    Sid      = "UseFailuresKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = key.arn

    Condition = local.through_s3
  }])

  # Lambda reads the stream with the function's role, and a stream is encrypted with its table's key.
  source_key_statements = [for arn in local.source_keys : {
    Sid      = "DecryptStream"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = arn

    Condition = local.through_table
  }]

  function_key_statements = concat(local.use_key_statements, local.source_key_statements)
}

resource "aws_iam_role_policy" "keys" {
  count = length(local.keys) + length(local.failures_keys) + length(local.source_keys) == 0 ? 0 : 1

  name = "keys"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.function_key_statements
  })
}
