# Module audit_trail: what an organisation may ask of it, off and on. test_append_only.py and test_features.py look through
# these plans as well.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "off" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  assert {
    condition     = length(aws_iam_role_policy.keys) == 0 && length(aws_iam_role_policy.network) == 0 && length(aws_dynamodb_resource_policy.audit) == 0
    error_message = "Without a key, a VPC or append_only, there is no policy for them."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function.kms_key_id == null && aws_cloudwatch_log_group.stream_check[0].kms_key_id == null
    error_message = "Without a key, the logs have CloudWatch's own."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == null
    error_message = "Without a key, the bucket has S3's own."
  }

  assert {
    condition     = !strcontains(join("", [output.reader_policy_json, output.operator_policy_json, output.doctor_policy_json]), "kms:")
    error_message = "Without a key, nobody is given one."
  }

  assert {
    condition     = aws_lambda_function.trail.reserved_concurrent_executions == -1
    error_message = "Without a number, no concurrency is set aside."
  }

  assert {
    condition     = length(aws_lambda_function.trail.vpc_config) == 0 && length(aws_lambda_function.stream_check[0].vpc_config) == 0
    error_message = "Without a VPC, the functions are in none."
  }

  assert {
    condition     = aws_iam_role.function.permissions_boundary == null && aws_iam_role.stream_check[0].permissions_boundary == null
    error_message = "Without a boundary, the roles have none."
  }

  assert {
    condition     = length(aws_s3_bucket.history.tags) == 0 && alltrue([for key in keys(aws_dynamodb_table.audit.tags) : startswith(key, "table-trail:")])
    error_message = "Without tags, only the audit table has some, the trail's own."
  }
}

run "on" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    actor_attribute          = "updated_by"
    time_index               = {}
    actor_index              = {}
    alarms                   = { silence_minutes = 60 }
    dashboard                = true
    retention_days           = 90
    archive                  = { glue = true, transitions = [{ days = 30, storage_class = "GLACIER_IR" }] }
    kms_key                  = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001" }
    source_kms_key           = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000002" }
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    tags                     = { team = "orders", "cost centre" = "4711" }
    vpc                      = { subnet_ids = ["subnet-a", "subnet-b"], security_group_ids = ["sg-a"] }
    reserved_concurrency     = 20
    append_only = {
      break_glass_role_arns = ["arn:aws:iam::123456789012:role/break-glass"]
      operator_role_arns    = ["arn:aws:iam::123456789012:role/ops/operators"]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.server_side_encryption[0].enabled && aws_dynamodb_table.audit.server_side_encryption[0].kms_key_arn == var.kms_key.arn && aws_cloudwatch_log_group.function.kms_key_id == var.kms_key.arn && alltrue([for group in [aws_cloudwatch_log_group.stream_check, aws_cloudwatch_log_group.archive, aws_cloudwatch_log_group.tampering] : group[0].kms_key_id == var.kms_key.arn])
    error_message = "The key encrypts the table and the logs."
  }

  assert {
    condition = (
      one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
      && one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key.arn
      && one(aws_s3_bucket_server_side_encryption_configuration.history.rule).bucket_key_enabled
    )
    error_message = "The key encrypts the bucket, with few requests to KMS."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.failures.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key.arn
    error_message = "So it does the failures bucket, unless that has its own."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.keys[0].policy).Statement == [
      {
        Sid       = "UseTrailsKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = var.kms_key.arn
        Condition = { StringEquals = { "kms:ViaService" = ["dynamodb.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"] } }
      },
      {
        Sid       = "DecryptStream"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.source_kms_key.arn
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.eu-central-1.amazonaws.com" } }
      },
    ]
    error_message = "The function uses the trail's key, and reads the stream by the source table's."
  }

  assert {
    condition     = [for one in jsondecode(output.reader_policy_json).Statement : [one.Action, one.Resource] if one.Sid == "DecryptTrail"] == [["kms:Decrypt", var.kms_key.arn]]
    error_message = "Readers decrypt."
  }

  assert {
    condition     = contains(jsondecode(output.operator_policy_json).Statement, jsondecode(aws_iam_role_policy.keys[0].policy).Statement[0])
    error_message = "Operators read failures and write objects."
  }

  assert {
    condition     = aws_iam_role.function.permissions_boundary == var.permissions_boundary_arn && aws_iam_role.stream_check[0].permissions_boundary == var.permissions_boundary_arn
    error_message = "Both roles are bounded."
  }

  assert {
    condition     = aws_dynamodb_table.audit.tags["team"] == "orders" && aws_dynamodb_table.audit.tags["table-trail:source-table"] == "orders"
    error_message = "The audit table has both kinds of tags."
  }

  assert {
    condition     = aws_lambda_function.trail.reserved_concurrent_executions == 20
    error_message = "Concurrency is set aside."
  }

  assert {
    condition = alltrue([
      for config in [aws_lambda_function.trail.vpc_config[0], aws_lambda_function.stream_check[0].vpc_config[0]] :
      config.subnet_ids == toset(["subnet-a", "subnet-b"]) && config.security_group_ids == toset(["sg-a"])
    ])
    error_message = "Both functions are in the VPC."
  }
}

run "failures" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    kms_key = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001" }
    failures = {
      bucket_name   = "what-failed"
      kms_key       = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000003" }
      redriven_days = 0
    }
  }

  assert {
    condition = (
      one(aws_s3_bucket_server_side_encryption_configuration.failures.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.failures.kms_key.arn
      && one(aws_s3_bucket_server_side_encryption_configuration.failures.rule).bucket_key_enabled
      && one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key.arn
    )
    error_message = "Each bucket has its own key."
  }

  assert {
    condition     = { for statement in jsondecode(aws_iam_role_policy.keys[0].policy).Statement : statement.Sid => statement.Resource } == { UseTrailsKey = var.kms_key.arn, UseFailuresKey = var.failures.kms_key.arn }
    error_message = "The function uses both keys."
  }

  assert {
    condition     = !strcontains(output.reader_policy_json, var.failures.kms_key.arn) && strcontains(output.operator_policy_json, var.failures.kms_key.arn)
    error_message = "Operators decrypt what could not be stored; readers of the history don't."
  }

  assert {
    condition     = aws_s3_bucket.failures.bucket == "what-failed" && aws_dynamodb_table.audit.tags["table-trail:failures-bucket"] == "what-failed"
    error_message = "The bucket has the name that it was given, and the tags tell it."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.failures) == 0
    error_message = "With 0 days, what was put back stays."
  }
}

run "only_failures_have_a_key" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures = { kms_key = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000003" } }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.keys[0].policy).Statement : statement.Resource] == [var.failures.kms_key.arn] && one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The failures bucket may have a key where nothing else has one."
  }
}

run "provisioned" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    kms_key  = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001" }
    alarms   = null
    capacity = { billing_mode = "PROVISIONED", read_capacity = 5, write_capacity = 50 }
    vpc      = { subnet_ids = ["subnet-a"], security_group_ids = ["sg-a"] }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.keys[0].policy).Statement : statement.Sid] == ["UseTrailsKey"] && length(aws_lambda_function.stream_check) == 0
    error_message = "Without a key of the source table's and without alarms, neither is in any policy."
  }
}
