# Where records go when they expire: DynamoDB's TTL deletes them from the audit table, the audit table's own stream tells,
# and a function writes them to archive/ in the history bucket. A second function is told of each change and deletion, and
# counts those by hand and those before their time. Both are entry points of the same zip.

locals {
  archives = var.archive == null ? 0 : 1
  archive = {
    batching_window_seconds = try(coalesce(var.archive.batching_window_seconds), 60)
    glue                    = try(tobool(coalesce(var.archive.glue)), false)
    object_lock             = try(var.archive.object_lock, null)
    transitions             = try([for one in var.archive.transitions : one], [])
  }
  audit_stream = aws_dynamodb_table.audit.stream_arn

  expired_pattern = {
    eventName    = ["REMOVE"]
    userIdentity = { type = ["Service"], principalId = ["dynamodb.amazonaws.com"] }
  }
  # All but new records: a filter can't compare a record's `expires_at` with the time of its deletion, the function can.
  tampered_patterns = [{ eventName = ["MODIFY"] }, { eventName = ["REMOVE"] }]
}

resource "aws_lambda_function" "archive" {
  # checkov:skip=CKV_AWS_116: a dead letter queue gets only asynchronous invocations; the event source mapping has its on-failure destination.
  # checkov:skip=CKV_AWS_117: it calls AWS's APIs alone. In a VPC each of them needs an endpoint, and has one more way to fail.
  # checkov:skip=CKV_AWS_115: the stream's shards bound how often it runs at once; what is reserved too low makes records wait.
  # checkov:skip=CKV_AWS_272: signing needs a profile that only the deployer has. Releases publish the zip's SHA-256, which a plan compares.
  # checkov:skip=CKV_AWS_173: its variables are names and numbers, no secrets; Lambda encrypts them with a key that AWS manages.
  # checkov:skip=CKV_AWS_50: tracing would need a permission that names no resource; metrics and logs tell of each batch.

  count = local.archives

  function_name = local.default_names.archive
  description   = substr("Archives the records that expire from ${local.audit_table_name}.", 0, 256)
  role          = aws_iam_role.archive[0].arn
  handler       = "audit_trail.lambda_function.archive"
  runtime       = var.runtime
  architectures = [var.architecture]
  memory_size   = var.memory_size
  timeout       = var.timeout
  tags          = var.tags

  filename          = var.handler_zip
  s3_bucket         = local.code.s3_bucket
  s3_key            = local.code.s3_key
  s3_object_version = local.code.s3_object_version
  source_code_hash  = local.code.hash

  environment {
    variables = aws_lambda_function.trail.environment[0].variables # one service a trail, whichever function counts
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    log_group             = aws_cloudwatch_log_group.archive[0].name
  }

  dynamic "vpc_config" {
    for_each = local.vpcs

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.archive]

  lifecycle {
    precondition {
      condition     = var.retention_days != null
      error_message = "archive needs retention_days: without it no record ever expires, and there is nothing to archive."
    }
  }
}

resource "aws_cloudwatch_log_group" "archive" {
  # checkov:skip=CKV_AWS_158: logs carry no data of items, and CloudWatch encrypts them with a key of its own.
  # checkov:skip=CKV_AWS_338: they tell how deliveries went, for log_retention_days; the history itself is in the audit table.

  count = local.archives

  name              = "/aws/lambda/${local.default_names.archive}"
  retention_in_days = var.log_retention_days
  kms_key_id        = one(local.keys)
  tags              = var.tags
}

resource "aws_iam_role" "archive" {
  count = local.archives

  name               = local.default_names.archive_role
  description        = "What the function ${local.default_names.archive} may do."
  assume_role_policy = aws_iam_role.function.assume_role_policy

  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    ignore_changes       = [name] # as the function's
    replace_triggered_by = [aws_dynamodb_table.audit.name]
  }
}

resource "aws_iam_role_policy" "archive" {
  count = local.archives

  name = "archive"
  role = aws_iam_role.archive[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.audit_stream_statements, [
      {
        Sid      = "Archive"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.history.arn}/archive/*"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.archive[0].arn}:*"
      },
    ], local.keep_failures_statements, local.use_key_statements, local.network_statements)
  })
}

locals {
  audit_stream_statements = [
    {
      Sid      = "ReadStream"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
      Resource = local.audit_stream
    },
    {
      Sid      = "ListStreams"
      Effect   = "Allow"
      Action   = "dynamodb:ListStreams"
      Resource = "${aws_dynamodb_table.audit.arn}/stream/*"
    },
  ]
}

resource "aws_lambda_event_source_mapping" "archive" {
  count = local.archives

  event_source_arn = local.audit_stream
  function_name    = aws_lambda_function.archive[0].arn
  tags             = var.tags

  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 10000 # the larger the objects, the cheaper to keep and the faster to read
  maximum_batching_window_in_seconds = local.archive.batching_window_seconds

  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = -1
  maximum_record_age_in_seconds  = var.maximum_record_age_seconds

  filter_criteria {
    filter {
      pattern = jsonencode(local.expired_pattern)
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_s3_bucket.failures.arn
    }
  }

  dynamic "metrics_config" {
    for_each = var.alarms != null || var.dashboard ? ["EventCount"] : []

    content {
      metrics = [metrics_config.value]
    }
  }

  depends_on = [aws_iam_role_policy.archive]
}

# The second function: it counts what is done by hand, and can do nothing at all.

resource "aws_lambda_function" "tampering" {
  # checkov:skip=CKV_AWS_116: a dead letter queue gets only asynchronous invocations; it counts, and the stream keeps what it counts for a day.
  # checkov:skip=CKV_AWS_117: it calls AWS's APIs alone. In a VPC each of them needs an endpoint, and has one more way to fail.
  # checkov:skip=CKV_AWS_115: the stream's shards bound how often it runs at once; what is reserved too low makes records wait.
  # checkov:skip=CKV_AWS_272: signing needs a profile that only the deployer has. Releases publish the zip's SHA-256, which a plan compares.
  # checkov:skip=CKV_AWS_173: its variables are names and numbers, no secrets; Lambda encrypts them with a key that AWS manages.
  # checkov:skip=CKV_AWS_50: tracing would need a permission that names no resource; metrics and logs tell of each batch.

  count = local.archives

  function_name = local.default_names.tampering
  description   = substr("Counts the records of ${local.audit_table_name} that are changed or deleted by hand.", 0, 256)
  role          = aws_iam_role.tampering[0].arn
  handler       = "audit_trail.tampering.handler"
  runtime       = var.runtime
  architectures = [var.architecture]
  memory_size   = 256
  timeout       = 30
  tags          = var.tags

  filename          = var.handler_zip
  s3_bucket         = local.code.s3_bucket
  s3_key            = local.code.s3_key
  s3_object_version = local.code.s3_object_version
  source_code_hash  = local.code.hash

  environment {
    variables = {
      POWERTOOLS_SERVICE_NAME      = local.function_name
      POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
      POWERTOOLS_LOG_LEVEL         = var.log_level
    }
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    log_group             = aws_cloudwatch_log_group.tampering[0].name
  }

  dynamic "vpc_config" {
    for_each = local.vpcs

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.tampering]
}

resource "aws_cloudwatch_log_group" "tampering" {
  # checkov:skip=CKV_AWS_158: logs carry no data of items, and CloudWatch encrypts them with a key of its own.
  # checkov:skip=CKV_AWS_338: they tell how deliveries went, for log_retention_days; the history itself is in the audit table.

  count = local.archives

  name              = "/aws/lambda/${local.default_names.tampering}"
  retention_in_days = var.log_retention_days
  kms_key_id        = one(local.keys)
  tags              = var.tags
}

resource "aws_iam_role" "tampering" {
  count = local.archives

  name               = local.default_names.tampering_role
  description        = "What the function ${local.default_names.tampering} may do."
  assume_role_policy = aws_iam_role.function.assume_role_policy

  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    ignore_changes       = [name] # as the function's
    replace_triggered_by = [aws_dynamodb_table.audit.name]
  }
}

resource "aws_iam_role_policy" "tampering" {
  count = local.archives

  name = "tampering"
  role = aws_iam_role.tampering[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.audit_stream_statements, [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.tampering[0].arn}:*"
    }], local.read_key_statements, local.network_statements)
  })
}

resource "aws_lambda_event_source_mapping" "tampering" {
  count = local.archives

  event_source_arn = local.audit_stream
  function_name    = aws_lambda_function.tampering[0].arn
  tags             = var.tags

  starting_position = "TRIM_HORIZON"
  batch_size        = 1000

  # Every expiry comes here: gathered, they are few invocations, and an alarm a minute late is early enough.
  maximum_batching_window_in_seconds = 60
  maximum_retry_attempts             = -1
  maximum_record_age_in_seconds      = var.maximum_record_age_seconds

  filter_criteria {
    dynamic "filter" {
      for_each = local.tampered_patterns

      content {
        pattern = jsonencode(filter.value)
      }
    }
  }

  depends_on = [aws_iam_role_policy.tampering]
}

# The history bucket, where records stay for years.

resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  # checkov:skip=CKV_AWS_300: objects are put whole, never uploaded in parts.

  count = length(local.archive.transitions) == 0 ? 0 : 1

  bucket = aws_s3_bucket.history.id

  rule {
    id     = "archive"
    status = "Enabled"

    filter {
      prefix = "archive/"
    }

    dynamic "transition" {
      for_each = local.archive.transitions

      content {
        days          = transition.value.days
        storage_class = transition.value.storage_class
      }
    }
  }

  # S3 answers two configuration changes of one bucket at the same time with a conflict.
  depends_on = [aws_s3_bucket_versioning.history, aws_s3_bucket_public_access_block.history]
}

resource "aws_s3_bucket_object_lock_configuration" "archive" {
  count = local.archive.object_lock == null ? 0 : 1

  bucket = aws_s3_bucket.history.id

  rule {
    default_retention {
      mode = local.archive.object_lock.mode
      days = local.archive.object_lock.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.history, aws_s3_bucket_lifecycle_configuration.archive]
}

# What `trail archive` and the other commands that read, `trail redrive`, `trail doctor` and the check of the streams need on top.

locals {
  read_archive_statements = slice([{
    Sid      = "ReadArchive"
    Effect   = "Allow"
    Action   = "s3:GetObject"
    Resource = "${aws_s3_bucket.history.arn}/archive/*"
  }], 0, local.archives)

  archive_reader_statements = concat(local.read_archive_statements, slice([{
    Sid       = "ListArchive"
    Effect    = "Allow"
    Action    = "s3:ListBucket"
    Resource  = aws_s3_bucket.history.arn
    Condition = { StringLike = { "s3:prefix" = "archive/*" } }
  }], 0, local.archives))

  archive_operator_statements = slice([{
    Sid      = "AddToArchive"
    Effect   = "Allow"
    Action   = "s3:PutObject"
    Resource = "${aws_s3_bucket.history.arn}/archive/*"
  }], 0, local.archives)

  archive_doctor_statements = slice([{
    Sid      = "SeeArchiveFunctions"
    Effect   = "Allow"
    Action   = "lambda:GetFunctionConfiguration"
    Resource = concat(aws_lambda_function.archive[*].arn, aws_lambda_function.tampering[*].arn)
  }], 0, local.archives)

  archive_check_statements = slice([
    {
      Sid      = "DescribeAuditTable"
      Effect   = "Allow"
      Action   = "dynamodb:DescribeTable"
      Resource = aws_dynamodb_table.audit.arn
    },
    {
      Sid      = "SeeArchiveMappings"
      Effect   = "Allow"
      Action   = "lambda:GetEventSourceMapping"
      Resource = concat(aws_lambda_event_source_mapping.archive[*].arn, aws_lambda_event_source_mapping.tampering[*].arn)
    },
  ], 0, 2 * local.archives)
}
