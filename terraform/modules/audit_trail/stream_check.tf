# Is the source table's stream still the one that is read? A stream that was turned off and on, or a table that was
# restored, has another one, and no metric of AWS's tells. Asked twice: at every plan, and, where alarms are on, every 15
# minutes. Where there is an archive, the audit table's own stream is asked for then, too; a plan mends that by itself.

# Not inside the check: a data source there is read again by every apply, so that no plan would ever be empty. By the
# stream's ARN, which isn't known while the stream is being made: then the table is read after that.
data "aws_dynamodb_table" "source" {
  name = try(split("/", var.source_table.stream_arn)[1], var.source_table.name)
}

check "source_stream" {
  assert {
    condition     = coalesce(data.aws_dynamodb_table.source.stream_enabled, false) && data.aws_dynamodb_table.source.stream_arn == aws_lambda_event_source_mapping.stream.event_source_arn
    error_message = "No change of table ${var.source_table.name} is audited: its stream is off, or another one than source_table names and the event source mapping reads. Give source_table what the table says of itself now (its resource, or its data source), and apply. What isn't read is lost 24 hours after it was written: docs/runbook.md#stream-mismatch."
  }
}

locals {
  stream_checks = var.alarms == null ? 0 : 1

  archive_check_variables = var.archive == null ? {} : {
    AUDIT_TABLE                    = local.audit_table_name
    ARCHIVE_EVENT_SOURCE_MAPPING   = aws_lambda_event_source_mapping.archive[0].uuid
    TAMPERING_EVENT_SOURCE_MAPPING = aws_lambda_event_source_mapping.tampering[0].uuid
  }
}

resource "aws_lambda_function" "stream_check" {
  # checkov:skip=CKV_AWS_116: it runs every 15 minutes, and the alarm stream-mismatch rings when it does not.
  # checkov:skip=CKV_AWS_117: it calls AWS's APIs alone. In a VPC each of them needs an endpoint, and has one more way to fail.
  # checkov:skip=CKV_AWS_115: one run every 15 minutes; what is reserved for it is taken from all other functions.
  # checkov:skip=CKV_AWS_272: signing needs a profile that only the deployer has. Releases publish the zip's SHA-256, which a plan compares.
  # checkov:skip=CKV_AWS_173: its variables are names and numbers, no secrets; Lambda encrypts them with a key that AWS manages.
  # checkov:skip=CKV_AWS_50: tracing would need a permission that names no resource; metrics and logs tell of each batch.

  count = local.stream_checks

  function_name = local.default_names.stream_check
  description   = substr("Sees whether the stream of ${var.source_table.name} is the one that ${local.function_name} reads.", 0, 256)
  role          = aws_iam_role.stream_check[0].arn
  handler       = "audit_trail.stream_check.handler"
  runtime       = var.runtime
  architectures = [var.architecture]
  memory_size   = 256
  timeout       = 90
  tags          = var.tags

  filename          = var.handler_zip
  s3_bucket         = local.code.s3_bucket
  s3_key            = local.code.s3_key
  s3_object_version = local.code.s3_object_version
  source_code_hash  = local.code.hash

  environment {
    variables = merge(local.archive_check_variables, {
      SOURCE_TABLE                 = var.source_table.name
      EVENT_SOURCE_MAPPING         = aws_lambda_event_source_mapping.stream.uuid
      POWERTOOLS_SERVICE_NAME      = local.function_name # one service a trail, whichever function counts
      POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
      POWERTOOLS_LOG_LEVEL         = var.log_level
    })
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    log_group             = aws_cloudwatch_log_group.stream_check[0].name
  }

  dynamic "vpc_config" {
    for_each = local.vpcs

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.stream_check]
}

resource "aws_cloudwatch_log_group" "stream_check" {
  # checkov:skip=CKV_AWS_158: logs carry no data of items, and CloudWatch encrypts them with a key of its own.
  # checkov:skip=CKV_AWS_338: they tell how deliveries went, for log_retention_days; the history itself is in the audit table.

  count = local.stream_checks

  name              = "/aws/lambda/${local.default_names.stream_check}"
  retention_in_days = var.log_retention_days
  kms_key_id        = one(local.keys)
  tags              = var.tags
}

resource "aws_iam_role" "stream_check" {
  count = local.stream_checks

  name               = local.default_names.stream_check_role
  description        = "What the function ${local.default_names.stream_check} may do."
  assume_role_policy = aws_iam_role.function.assume_role_policy

  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    ignore_changes       = [name] # as the function's
    replace_triggered_by = [aws_dynamodb_table.audit.name]
  }
}

resource "aws_iam_role_policy" "stream_check" {
  count = local.stream_checks

  name = "stream-check"
  role = aws_iam_role.stream_check[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "DescribeSourceTable"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = var.source_table.arn
      },
      {
        Sid      = "SeeMapping"
        Effect   = "Allow"
        Action   = "lambda:GetEventSourceMapping"
        Resource = aws_lambda_event_source_mapping.stream.arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.stream_check[0].arn}:*"
      },
    ], local.archive_check_statements, local.network_statements)
  })
}

resource "aws_cloudwatch_event_rule" "stream_check" {
  count = local.stream_checks

  name                = local.default_names.stream_check
  description         = "Runs the function ${local.default_names.stream_check}."
  schedule_expression = "rate(15 minutes)" # the alarm stream-mismatch has the same period
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "stream_check" {
  count = local.stream_checks

  rule = aws_cloudwatch_event_rule.stream_check[0].name
  arn  = aws_lambda_function.stream_check[0].arn

  depends_on = [aws_lambda_permission.stream_check]
}

resource "aws_lambda_permission" "stream_check" {
  count = local.stream_checks

  statement_id  = "ScheduleOnly"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.stream_check[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.stream_check[0].arn
}
