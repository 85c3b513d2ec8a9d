resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn = var.source_table.stream_arn
  function_name    = aws_lambda_function.trail.arn
  tags             = var.tags

  # LATEST can miss changes made while a mapping is created or updated.
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  parallelization_factor             = var.parallelization_factor

  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = -1
  maximum_record_age_in_seconds  = var.maximum_record_age_seconds

  # S3 gets the whole payload. SQS and SNS would get pointers into the stream, which forgets after 24 hours.
  destination_config {
    on_failure {
      destination_arn = aws_s3_bucket.failures.arn
    }
  }

  # Without these, nobody learns what went to the destination, or was dropped. AWS charges them as custom metrics.
  dynamic "metrics_config" {
    for_each = var.alarms != null || var.dashboard ? ["EventCount"] : []

    content {
      metrics = [metrics_config.value]
    }
  }

  # Lambda checks the role's permissions when the mapping is made, and the first batch may come at once.
  depends_on = [
    aws_iam_role_policy.audit_table,
    aws_iam_role_policy.bucket,
    aws_iam_role_policy.keys,
    aws_iam_role_policy.logs,
    aws_iam_role_policy.network,
    aws_iam_role_policy.stream,
  ]

  lifecycle {
    precondition {
      condition     = coalesce(var.source_table.stream_enabled, false)
      error_message = "Table ${var.source_table.name} has no stream: set stream_enabled = true and stream_view_type = \"NEW_AND_OLD_IMAGES\" on it, then plan again."
    }

    # Lambda can read another account's stream, but this module looks the table up by its name, and so does `trail`.
    precondition {
      condition     = join(":", slice(split(":", var.source_table.arn), 3, 5)) == "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
      error_message = "Table ${var.source_table.name} is of another account or region than the provider's: give the module a provider of the table's own."
    }

    precondition {
      condition     = !coalesce(var.source_table.stream_enabled, false) || var.source_table.stream_view_type == "NEW_AND_OLD_IMAGES"
      error_message = "The stream of table ${var.source_table.name} has another view type than NEW_AND_OLD_IMAGES, so it lacks images. DynamoDB can't change it: turn the stream off, then on again with stream_view_type = \"NEW_AND_OLD_IMAGES\"."
    }
  }
}

resource "aws_iam_role_policy" "stream" {
  name = "stream"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource = var.source_table.stream_arn
      },
      {
        # Lambda asks for it, and one stream can't be named: the table's streams are the narrowest.
        Sid      = "ListStreams"
        Effect   = "Allow"
        Action   = "dynamodb:ListStreams"
        Resource = "${var.source_table.arn}/stream/*"
      },
    ]
  })
}
