# What a role needs of the keys that are yours. Services that use their own keys ask for no permission.

locals {
  keys        = var.kms_key == null ? [] : [var.kms_key.arn]
  source_keys = var.source_kms_key == null ? [] : [var.source_kms_key.arn]

  failures_keys = local.failures.kms_key == null ? local.keys : [local.failures.kms_key.arn]

  # A table's key is decrypted for whoever reads or writes an item; S3 makes a data key for each object that is put.
  read_key_statements = [for arn in local.keys : {
    Sid      = "DecryptTrail"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = arn
  }]

  use_key_statements = concat([for arn in local.keys : {
    Sid      = "UseTrailsKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = arn
    }], [for key in local.failures.kms_key[*] : {
    Sid      = "UseFailuresKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = key.arn
  }])

  # Lambda reads the stream with the function's role, and a stream is encrypted with its table's key.
  source_key_statements = [for arn in local.source_keys : {
    Sid      = "DecryptStream"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = arn
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
