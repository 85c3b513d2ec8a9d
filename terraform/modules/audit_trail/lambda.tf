resource "aws_lambda_function" "trail" {
  # checkov:skip=CKV_AWS_116: a dead letter queue gets only asynchronous invocations; the event source mapping has its on-failure destination.
  # checkov:skip=CKV_AWS_117: it calls AWS's APIs alone. In a VPC each of them needs an endpoint, and has one more way to fail.
  # checkov:skip=CKV_AWS_115: the stream's shards bound how often it runs at once; what is reserved too low makes changes wait.
  # checkov:skip=CKV_AWS_272: signing needs a profile that only the deployer has. Releases publish the zip's SHA-256, which a plan compares.
  # checkov:skip=CKV_AWS_173: its variables are names and numbers, no secrets; Lambda encrypts them with a key that AWS manages.
  # checkov:skip=CKV_AWS_50: tracing would need a permission that names no resource; metrics and logs tell of each batch.

  function_name = local.function_name
  description   = substr("Writes every change of ${var.source_table.name} to ${local.audit_table_name}.", 0, 256)
  role          = aws_iam_role.function.arn
  handler       = "audit_trail.lambda_function.handler"
  runtime       = var.runtime
  architectures = [var.architecture]
  memory_size   = var.memory_size
  timeout       = var.timeout
  tags          = var.tags

  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1) # -1: none are set aside

  filename          = var.handler_zip
  s3_bucket         = local.code.s3_bucket
  s3_key            = local.code.s3_key
  s3_object_version = local.code.s3_object_version
  source_code_hash  = local.code.hash

  environment {
    variables = { for name, value in local.environment : name => value if value != null }
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    log_group             = aws_cloudwatch_log_group.function.name
  }

  dynamic "vpc_config" {
    for_each = local.vpcs

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # Lambda needs it to put the function into the subnets, and to take it out of them.
  depends_on = [aws_iam_role_policy.network]

  lifecycle {
    precondition {
      condition     = (var.handler_zip == null) != (var.handler_s3 == null)
      error_message = "Give exactly one of handler_zip (a path) and handler_s3 (a zip in S3)."
    }

    precondition {
      condition     = var.handler_zip == null ? true : fileexists(var.handler_zip)
      error_message = "There is no file ${coalesce(var.handler_zip, "handler_zip")}: build it with `make package`, or give the path of a zip that exists."
    }

    precondition {
      condition     = !contains([for kind in ["stream_check", "archive", "tampering"] : local.default_names[kind]], local.function_name)
      error_message = "function_name ${local.function_name} is what another function of this trail is called: choose one that doesn't end in -stream-check, -archive or -tampering."
    }
  }
}

locals {
  code = {
    s3_bucket         = try(var.handler_s3.bucket, null)
    s3_key            = try(var.handler_s3.key, null)
    s3_object_version = try(var.handler_s3.object_version, null)
    hash              = try(var.handler_s3.sha256, filebase64sha256(var.handler_zip), null)
  }

  environment = {
    AUDIT_TABLE                  = aws_dynamodb_table.audit.name
    PARTITION_KEY                = local.source_partition_key
    SORT_KEY                     = local.source_sort_key
    TRAIL_BUCKET                 = aws_s3_bucket.history.bucket
    FAILURES_BUCKET              = aws_s3_bucket.failures.bucket
    RETENTION_DAYS               = var.retention_days == null ? null : tostring(var.retention_days)
    ACTOR_ATTRIBUTE              = var.actor_attribute
    REASON_ATTRIBUTE             = var.reason_attribute
    IMAGE_STORAGE                = var.image_storage
    TIME_INDEX_SHARDS            = try(tostring(local.time_index_shards), null)
    ACTOR_INDEX_SHARDS           = try(tostring(local.actor_index_shards), null)
    POWERTOOLS_SERVICE_NAME      = local.function_name
    POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
    POWERTOOLS_LOG_LEVEL         = var.log_level
  }
}

resource "aws_cloudwatch_log_group" "function" {
  # checkov:skip=CKV_AWS_158: logs carry no data of items, and CloudWatch encrypts them with a key of its own.
  # checkov:skip=CKV_AWS_338: they tell how deliveries went, for log_retention_days; the history itself is in the audit table.

  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = one(local.keys)
  tags              = var.tags
}

resource "aws_iam_role_policy" "logs" {
  name = "logs"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function.arn}:*"
    }]
  })
}
