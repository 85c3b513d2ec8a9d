# Module audit_trail: names that AWS takes for one thing and not for another, each with everything on. What is looked at is
# what AWS would refuse halfway through an apply: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

variables {
  actor_attribute          = "updated_by"
  reason_attribute         = "reason"
  time_index               = {}
  actor_index              = {}
  alarms                   = { silence_minutes = 60 }
  dashboard                = true
  retention_days           = 90
  archive                  = { glue = true, transitions = [{ days = 30, storage_class = "GLACIER_IR" }], object_lock = { mode = "GOVERNANCE", days = 1 } }
  kms_key                  = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001" }
  source_kms_key           = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000002" }
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  vpc                      = { subnet_ids = ["subnet-00000000000000001", "subnet-00000000000000002", "subnet-00000000000000003"], security_group_ids = ["sg-00000000000000001"] }
  append_only              = { break_glass_role_arns = ["arn:aws:iam::123456789012:role/break-glass"] }
}

run "three_characters" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "abc"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/${"abc"}"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000" # the mocks'
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  assert {
    condition     = aws_lambda_function.trail.function_name == "abc-audit-trail" && aws_iam_role.function.name == "abc-audit-trail-eu-central-1"
    error_message = "What fits is used as it is."
  }

  assert {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", aws_dynamodb_table.audit.name)) && aws_dynamodb_table.audit.name != var.source_table.name
    error_message = "The audit table's name is a table's: ${aws_dynamodb_table.audit.name}"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.trail, aws_lambda_function.stream_check[0], aws_lambda_function.archive[0], aws_lambda_function.tampering[0]] :
      can(regex("^[a-zA-Z0-9_-]{1,64}$", function.function_name)) && length(function.description) <= 256
    ])
    error_message = "Lambda takes the functions' names and descriptions."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.function, aws_iam_role.stream_check[0], aws_iam_role.archive[0], aws_iam_role.tampering[0]] : can(regex("^[a-zA-Z0-9-]{1,64}$", role.name))])
    error_message = "IAM takes the roles' names."
  }

  assert {
    condition     = alltrue([for bucket in [aws_s3_bucket.history, aws_s3_bucket.failures] : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket.bucket))])
    error_message = "S3 takes the buckets' names: ${aws_s3_bucket.history.bucket}, ${aws_s3_bucket.failures.bucket}"
  }

  assert {
    condition     = can(regex("^[a-z0-9_]{1,255}$", aws_glue_catalog_database.archive[0].name)) && length(aws_athena_named_query.archive[0].name) <= 128
    error_message = "Glue and Athena take the archive's names: ${aws_glue_catalog_database.archive[0].name}"
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.trail), values(aws_cloudwatch_metric_alarm.audit_table_throttled)) : length(alarm.alarm_name) <= 255 && length(alarm.alarm_description) <= 1024])
    error_message = "CloudWatch takes the alarms' names and descriptions."
  }

  # With the tables' names instead of those in the mocks' ARNs.
  assert {
    condition = alltrue([
      for role in [
        [aws_iam_role_policy.audit_table, aws_iam_role_policy.bucket, aws_iam_role_policy.keys[0], aws_iam_role_policy.logs, aws_iam_role_policy.network[0], aws_iam_role_policy.stream],
        [aws_iam_role_policy.archive[0]], [aws_iam_role_policy.tampering[0]], [aws_iam_role_policy.stream_check[0]],
      ] : length(replace(replace(join("", role[*].policy), "table/audit", "table/${aws_dynamodb_table.audit.name}"), "table/orders/", "table/${var.source_table.name}/")) <= 10240
    ])
    error_message = "IAM takes the roles' policies: 10,240 characters each role."
  }

  assert {
    condition     = alltrue([for value in values(aws_dynamodb_table.audit.tags) : length(value) <= 256])
    error_message = "DynamoDB takes the audit table's tags."
  }
}

run "two_hundred_characters" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = join("", [for _ in range(20) : "long-name."])
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/${join("", [for _ in range(20) : "long-name."])}"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000" # the mocks'
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  assert {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", aws_dynamodb_table.audit.name)) && aws_dynamodb_table.audit.name != var.source_table.name
    error_message = "The audit table's name is a table's: ${aws_dynamodb_table.audit.name}"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.trail, aws_lambda_function.stream_check[0], aws_lambda_function.archive[0], aws_lambda_function.tampering[0]] :
      can(regex("^[a-zA-Z0-9_-]{1,64}$", function.function_name)) && length(function.description) <= 256
    ])
    error_message = "Lambda takes the functions' names and descriptions."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.function, aws_iam_role.stream_check[0], aws_iam_role.archive[0], aws_iam_role.tampering[0]] : can(regex("^[a-zA-Z0-9-]{1,64}$", role.name))])
    error_message = "IAM takes the roles' names."
  }

  assert {
    condition     = alltrue([for bucket in [aws_s3_bucket.history, aws_s3_bucket.failures] : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket.bucket))])
    error_message = "S3 takes the buckets' names: ${aws_s3_bucket.history.bucket}, ${aws_s3_bucket.failures.bucket}"
  }

  assert {
    condition     = can(regex("^[a-z0-9_]{1,255}$", aws_glue_catalog_database.archive[0].name)) && length(aws_athena_named_query.archive[0].name) <= 128
    error_message = "Glue and Athena take the archive's names: ${aws_glue_catalog_database.archive[0].name}"
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.trail), values(aws_cloudwatch_metric_alarm.audit_table_throttled)) : length(alarm.alarm_name) <= 255 && length(alarm.alarm_description) <= 1024])
    error_message = "CloudWatch takes the alarms' names and descriptions."
  }

  # With the tables' names instead of those in the mocks' ARNs.
  assert {
    condition = alltrue([
      for role in [
        [aws_iam_role_policy.audit_table, aws_iam_role_policy.bucket, aws_iam_role_policy.keys[0], aws_iam_role_policy.logs, aws_iam_role_policy.network[0], aws_iam_role_policy.stream],
        [aws_iam_role_policy.archive[0]], [aws_iam_role_policy.tampering[0]], [aws_iam_role_policy.stream_check[0]],
      ] : length(replace(replace(join("", role[*].policy), "table/audit", "table/${aws_dynamodb_table.audit.name}"), "table/orders/", "table/${var.source_table.name}/")) <= 10240
    ])
    error_message = "IAM takes the roles' policies: 10,240 characters each role."
  }

  assert {
    condition     = alltrue([for value in values(aws_dynamodb_table.audit.tags) : length(value) <= 256])
    error_message = "DynamoDB takes the audit table's tags."
  }
}

run "as_long_as_can_be" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = join("", [for _ in range(255) : "a"])
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/${join("", [for _ in range(255) : "a"])}"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000" # the mocks'
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  assert {
    condition     = length(aws_dynamodb_table.audit.name) == 255 && endswith(aws_dynamodb_table.audit.name, "-${substr(sha256(var.source_table.name), 0, 8)}-audit")
    error_message = "The audit table's name is cut to 255 characters and made distinct: ${aws_dynamodb_table.audit.name}"
  }

  assert {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", aws_dynamodb_table.audit.name)) && aws_dynamodb_table.audit.name != var.source_table.name
    error_message = "The audit table's name is a table's: ${aws_dynamodb_table.audit.name}"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.trail, aws_lambda_function.stream_check[0], aws_lambda_function.archive[0], aws_lambda_function.tampering[0]] :
      can(regex("^[a-zA-Z0-9_-]{1,64}$", function.function_name)) && length(function.description) <= 256
    ])
    error_message = "Lambda takes the functions' names and descriptions."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.function, aws_iam_role.stream_check[0], aws_iam_role.archive[0], aws_iam_role.tampering[0]] : can(regex("^[a-zA-Z0-9-]{1,64}$", role.name))])
    error_message = "IAM takes the roles' names."
  }

  assert {
    condition     = alltrue([for bucket in [aws_s3_bucket.history, aws_s3_bucket.failures] : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket.bucket))])
    error_message = "S3 takes the buckets' names: ${aws_s3_bucket.history.bucket}, ${aws_s3_bucket.failures.bucket}"
  }

  assert {
    condition     = can(regex("^[a-z0-9_]{1,255}$", aws_glue_catalog_database.archive[0].name)) && length(aws_athena_named_query.archive[0].name) <= 128
    error_message = "Glue and Athena take the archive's names: ${aws_glue_catalog_database.archive[0].name}"
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.trail), values(aws_cloudwatch_metric_alarm.audit_table_throttled)) : length(alarm.alarm_name) <= 255 && length(alarm.alarm_description) <= 1024])
    error_message = "CloudWatch takes the alarms' names and descriptions."
  }

  # With the tables' names instead of those in the mocks' ARNs.
  assert {
    condition = alltrue([
      for role in [
        [aws_iam_role_policy.audit_table, aws_iam_role_policy.bucket, aws_iam_role_policy.keys[0], aws_iam_role_policy.logs, aws_iam_role_policy.network[0], aws_iam_role_policy.stream],
        [aws_iam_role_policy.archive[0]], [aws_iam_role_policy.tampering[0]], [aws_iam_role_policy.stream_check[0]],
      ] : length(replace(replace(join("", role[*].policy), "table/audit", "table/${aws_dynamodb_table.audit.name}"), "table/orders/", "table/${var.source_table.name}/")) <= 10240
    ])
    error_message = "IAM takes the roles' policies: 10,240 characters each role."
  }

  assert {
    condition     = alltrue([for value in values(aws_dynamodb_table.audit.tags) : length(value) <= 256])
    error_message = "DynamoDB takes the audit table's tags."
  }
}

run "dots_capitals_and_underscores" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "Orders.v2_EU"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/${"Orders.v2_EU"}"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000" # the mocks'
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  assert {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", aws_dynamodb_table.audit.name)) && aws_dynamodb_table.audit.name != var.source_table.name
    error_message = "The audit table's name is a table's: ${aws_dynamodb_table.audit.name}"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.trail, aws_lambda_function.stream_check[0], aws_lambda_function.archive[0], aws_lambda_function.tampering[0]] :
      can(regex("^[a-zA-Z0-9_-]{1,64}$", function.function_name)) && length(function.description) <= 256
    ])
    error_message = "Lambda takes the functions' names and descriptions."
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.function, aws_iam_role.stream_check[0], aws_iam_role.archive[0], aws_iam_role.tampering[0]] : can(regex("^[a-zA-Z0-9-]{1,64}$", role.name))])
    error_message = "IAM takes the roles' names."
  }

  assert {
    condition     = alltrue([for bucket in [aws_s3_bucket.history, aws_s3_bucket.failures] : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket.bucket))])
    error_message = "S3 takes the buckets' names: ${aws_s3_bucket.history.bucket}, ${aws_s3_bucket.failures.bucket}"
  }

  assert {
    condition     = can(regex("^[a-z0-9_]{1,255}$", aws_glue_catalog_database.archive[0].name)) && length(aws_athena_named_query.archive[0].name) <= 128
    error_message = "Glue and Athena take the archive's names: ${aws_glue_catalog_database.archive[0].name}"
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.trail), values(aws_cloudwatch_metric_alarm.audit_table_throttled)) : length(alarm.alarm_name) <= 255 && length(alarm.alarm_description) <= 1024])
    error_message = "CloudWatch takes the alarms' names and descriptions."
  }

  # With the tables' names instead of those in the mocks' ARNs.
  assert {
    condition = alltrue([
      for role in [
        [aws_iam_role_policy.audit_table, aws_iam_role_policy.bucket, aws_iam_role_policy.keys[0], aws_iam_role_policy.logs, aws_iam_role_policy.network[0], aws_iam_role_policy.stream],
        [aws_iam_role_policy.archive[0]], [aws_iam_role_policy.tampering[0]], [aws_iam_role_policy.stream_check[0]],
      ] : length(replace(replace(join("", role[*].policy), "table/audit", "table/${aws_dynamodb_table.audit.name}"), "table/orders/", "table/${var.source_table.name}/")) <= 10240
    ])
    error_message = "IAM takes the roles' policies: 10,240 characters each role."
  }

  assert {
    condition     = alltrue([for value in values(aws_dynamodb_table.audit.tags) : length(value) <= 256])
    error_message = "DynamoDB takes the audit table's tags."
  }
}

# IAM doesn't tell names apart by case: a role Orders-audit-trail would be the one of orders.
run "another_tables_name_but_for_its_case" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name = "Orders-audit"
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.function, aws_iam_role.stream_check[0], aws_iam_role.archive[0], aws_iam_role.tampering[0]] :
      startswith(role.name, "Orders-audit-${substr(sha256("Orders-audit"), 0, 8)}-")
    ])
    error_message = "With capitals, a role's name is made distinct: ${aws_iam_role.function.name}"
  }

  assert {
    condition     = aws_lambda_function.trail.function_name == "Orders-audit-trail"
    error_message = "Lambda tells names apart by case."
  }

  assert {
    condition     = aws_glue_catalog_database.archive[0].name == "orders_audit_${substr(sha256("Orders-audit"), 0, 8)}"
    error_message = "Glue has no capitals: ${aws_glue_catalog_database.archive[0].name}"
  }
}
