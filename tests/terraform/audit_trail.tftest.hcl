# Module audit_trail: what it makes, by default and when asked for something else.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "defaults" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  assert {
    condition     = aws_dynamodb_table.audit.name == "orders-audit"
    error_message = "Without a name, the audit table is called after the source table."
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "order_id" && aws_dynamodb_table.audit.range_key == "timestamp" && toset([for attribute in aws_dynamodb_table.audit.attribute : "${attribute.name} ${attribute.type}"]) == toset(["order_id N", "timestamp S"])
    error_message = "One partition is one item's history, in the order of time."
  }

  assert {
    condition     = aws_dynamodb_table.audit.billing_mode == "PAY_PER_REQUEST" && length(aws_dynamodb_table.audit.on_demand_throughput) == 0
    error_message = "Capacity is on demand, without a ceiling."
  }

  assert {
    condition     = aws_dynamodb_table.audit.ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.audit.ttl[0].enabled
    error_message = "DynamoDB's TTL deletes by expires_at."
  }

  assert {
    condition     = aws_dynamodb_table.audit.deletion_protection_enabled && aws_dynamodb_table.audit.point_in_time_recovery[0].enabled && !aws_dynamodb_table.audit.server_side_encryption[0].enabled
    error_message = "The audit table is protected from deletion, backed up and, as every table, encrypted: with a key that AWS owns, which costs nothing."
  }

  assert {
    condition     = aws_dynamodb_table.audit.timeouts.update == "24h"
    error_message = "Terraform waits a day for an index of a large table."
  }

  assert {
    condition = aws_dynamodb_table.audit.tags == tomap({
      "table-trail:source-table"    = "orders"
      "table-trail:function"        = "orders-audit-trail"
      "table-trail:bucket"          = "orders-audit-trail-123456789012-eu-central-1"
      "table-trail:failures-bucket" = "orders-audit-failures-123456789012-eu-central-1"
      "table-trail:schema-version"  = "1"
      "table-trail:partition-key"   = "order_id"
      "table-trail:image-storage"   = "old_and_new"
    })
    error_message = "The audit table's tags tell the command line the rest, and name nothing that isn't there."
  }

  assert {
    condition = aws_lambda_function.trail.environment[0].variables == tomap({
      AUDIT_TABLE                  = "orders-audit"
      PARTITION_KEY                = "order_id"
      TRAIL_BUCKET                 = "orders-audit-trail-123456789012-eu-central-1"
      FAILURES_BUCKET              = "orders-audit-failures-123456789012-eu-central-1"
      IMAGE_STORAGE                = "old_and_new"
      POWERTOOLS_SERVICE_NAME      = "orders-audit-trail"
      POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
      POWERTOOLS_LOG_LEVEL         = "INFO"
    })
    error_message = "What isn't set is absent from the function's environment."
  }

  assert {
    condition = (
      aws_lambda_function.trail.handler == "audit_trail.lambda_function.handler"
      && aws_lambda_function.trail.runtime == "python3.13"
      && aws_lambda_function.trail.architectures == tolist(["arm64"])
      && aws_lambda_function.trail.memory_size == 512
      && aws_lambda_function.trail.timeout == 60
    )
    error_message = "The function runs on Python 3.13, arm64, with 512 MB and a minute."
  }

  assert {
    condition     = aws_lambda_function.trail.filename == var.handler_zip && aws_lambda_function.trail.source_code_hash == filebase64sha256(var.handler_zip)
    error_message = "A new zip is noticed by its hash."
  }

  assert {
    condition = (
      aws_lambda_function.trail.logging_config[0].log_format == "JSON"
      && aws_lambda_function.trail.logging_config[0].application_log_level == "INFO"
      && aws_lambda_function.trail.logging_config[0].log_group == aws_cloudwatch_log_group.function.name
      && aws_cloudwatch_log_group.function.name == "/aws/lambda/orders-audit-trail"
      && aws_cloudwatch_log_group.function.retention_in_days == 30
    )
    error_message = "Logs are JSON and go to a log group that Terraform makes, kept 30 days."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.stream.event_source_arn == var.source_table.stream_arn
      && aws_lambda_event_source_mapping.stream.function_name == aws_lambda_function.trail.arn
      && aws_lambda_event_source_mapping.stream.starting_position == "TRIM_HORIZON"
    )
    error_message = "The mapping reads the source table's stream from its oldest record."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.stream.function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.stream.bisect_batch_on_function_error
      && aws_lambda_event_source_mapping.stream.maximum_retry_attempts == -1
      && aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds == 21600
      && aws_lambda_event_source_mapping.stream.destination_config[0].on_failure[0].destination_arn == aws_s3_bucket.failures.arn
    )
    error_message = "No change is lost: partial responses, bisecting, retries without end for six hours, then the failures bucket."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.stream.batch_size == 100
      && aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds == 0
      && aws_lambda_event_source_mapping.stream.parallelization_factor == 1
    )
    error_message = "Batches of up to 100 go out at once."
  }

  assert {
    condition     = aws_s3_bucket.history.bucket == "orders-audit-trail-123456789012-eu-central-1" && !aws_s3_bucket.history.force_destroy
    error_message = "The bucket's name is unique, and destroy keeps what it holds."
  }

  assert {
    condition     = aws_s3_bucket_versioning.history.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket is versioned."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.history.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket is encrypted."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.history.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "The bucket knows no ACLs."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.history.block_public_acls
      && aws_s3_bucket_public_access_block.history.block_public_policy
      && aws_s3_bucket_public_access_block.history.ignore_public_acls
      && aws_s3_bucket_public_access_block.history.restrict_public_buckets
    )
    error_message = "The bucket is never public."
  }

  assert {
    condition     = aws_s3_bucket.failures.bucket == "orders-audit-failures-123456789012-eu-central-1" && !aws_s3_bucket.failures.force_destroy
    error_message = "The failures bucket's name is unique, and destroy keeps what it holds."
  }

  assert {
    condition = (
      aws_s3_bucket_versioning.failures.versioning_configuration[0].status == "Enabled"
      && one(aws_s3_bucket_server_side_encryption_configuration.failures.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
      && aws_s3_bucket_ownership_controls.failures.rule[0].object_ownership == "BucketOwnerEnforced"
      && aws_s3_bucket_public_access_block.failures.block_public_acls
      && aws_s3_bucket_public_access_block.failures.block_public_policy
      && aws_s3_bucket_public_access_block.failures.ignore_public_acls
      && aws_s3_bucket_public_access_block.failures.restrict_public_buckets
    )
    error_message = "The failures bucket is versioned, encrypted, knows no ACLs and is never public."
  }

  assert {
    condition = (
      { for rule in aws_s3_bucket_lifecycle_configuration.failures[0].rule : rule.filter[0].prefix => rule.noncurrent_version_expiration[0].noncurrent_days } == {
        "redriven/"   = 1
        "aws/lambda/" = 30
        "quarantine/" = 30
      }
      && [for rule in aws_s3_bucket_lifecycle_configuration.failures[0].rule : rule.expiration[0].days if rule.id == "redriven"] == [30]
      && [for rule in aws_s3_bucket_lifecycle_configuration.failures[0].rule : rule.expiration[0].expired_object_delete_marker if rule.id != "redriven"] == [true, true]
    )
    error_message = "What was put back expires 30 days later, under either name; what waits doesn't."
  }

  assert {
    condition     = output.bucket_name == aws_s3_bucket.history.id && output.failures_bucket_name == aws_s3_bucket.failures.id && output.failures_bucket_arn == aws_s3_bucket.failures.arn
    error_message = "The outputs name both buckets."
  }

  assert {
    condition     = output.trail_command == "export TRAIL_AUDIT_TABLE=orders-audit"
    error_message = "One line points the command line at the trail."
  }
}

run "everything_else" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name = "history"
    function_name    = "recorder"
    bucket_name      = "history-of-orders"

    retention_days   = 365
    actor_attribute  = "updated_by"
    reason_attribute = "why#?"
    image_storage    = "new_and_diff"

    capacity               = { max_write_request_units = 500 }
    point_in_time_recovery = false
    deletion_protection    = false
    force_destroy          = true

    handler_zip = null
    handler_s3 = {
      bucket         = "releases"
      key            = "table-trail/0.1.0/handler.zip"
      object_version = "v1"
      sha256         = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    }

    runtime            = "python3.11"
    architecture       = "x86_64"
    memory_size        = 256
    timeout            = 10
    log_retention_days = 0
    log_level          = "DEBUG"

    batch_size                 = 10000
    batching_window_seconds    = 300
    parallelization_factor     = 10
    maximum_record_age_seconds = 64800
  }

  assert {
    condition = aws_lambda_function.trail.environment[0].variables == tomap({
      AUDIT_TABLE                  = "history"
      PARTITION_KEY                = "order_id"
      TRAIL_BUCKET                 = "history-of-orders"
      FAILURES_BUCKET              = "history-failures-123456789012-eu-central-1"
      RETENTION_DAYS               = "365"
      ACTOR_ATTRIBUTE              = "updated_by"
      REASON_ATTRIBUTE             = "why#?"
      IMAGE_STORAGE                = "new_and_diff"
      POWERTOOLS_SERVICE_NAME      = "recorder"
      POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
      POWERTOOLS_LOG_LEVEL         = "DEBUG"
    })
    error_message = "Settings reach the function as they are."
  }

  assert {
    condition     = aws_dynamodb_table.audit.tags["table-trail:actor-attribute"] == "updated_by" && aws_dynamodb_table.audit.tags["table-trail:reason-attribute"] == "base64:${base64encode("why#?")}"
    error_message = "What a tag can't hold is written in base64."
  }

  assert {
    condition     = aws_dynamodb_table.audit.name == "history" && aws_dynamodb_table.audit.on_demand_throughput[0].max_write_request_units == 500
    error_message = "The audit table has the given name and ceiling."
  }

  assert {
    condition     = !aws_dynamodb_table.audit.deletion_protection_enabled && !aws_dynamodb_table.audit.point_in_time_recovery[0].enabled && aws_s3_bucket.history.force_destroy && aws_s3_bucket.failures.force_destroy
    error_message = "Protection can be taken away."
  }

  assert {
    condition = (
      aws_lambda_function.trail.function_name == "recorder"
      && aws_lambda_function.trail.s3_bucket == "releases"
      && aws_lambda_function.trail.s3_key == "table-trail/0.1.0/handler.zip"
      && aws_lambda_function.trail.s3_object_version == "v1"
      && aws_lambda_function.trail.source_code_hash == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      && aws_lambda_function.trail.filename == null
    )
    error_message = "The zip comes from S3."
  }

  assert {
    condition = (
      aws_lambda_function.trail.runtime == "python3.11"
      && aws_lambda_function.trail.architectures == tolist(["x86_64"])
      && aws_lambda_function.trail.memory_size == 256
      && aws_lambda_function.trail.timeout == 10
      && aws_lambda_function.trail.logging_config[0].application_log_level == "DEBUG"
      && aws_cloudwatch_log_group.function.retention_in_days == 0
    )
    error_message = "The function is as asked for."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.stream.batch_size == 10000
      && aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds == 300
      && aws_lambda_event_source_mapping.stream.parallelization_factor == 10
      && aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds == 64800
    )
    error_message = "The mapping is as asked for."
  }
}

run "provisioned_capacity" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    capacity = { billing_mode = "PROVISIONED", read_capacity = 5, write_capacity = 50 }

    # The smallest of each.
    retention_days             = 1
    batch_size                 = 1
    maximum_record_age_seconds = 60
  }

  assert {
    condition     = aws_dynamodb_table.audit.billing_mode == "PROVISIONED" && aws_dynamodb_table.audit.read_capacity == 5 && aws_dynamodb_table.audit.write_capacity == 50
    error_message = "Capacity is provisioned in the given units."
  }
}

run "names_that_do_not_fit" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name = "A_table.with-a-very-long-name-that-fits-neither-lambda-nor-s3-nor-iam"
  }

  assert {
    condition     = aws_lambda_function.trail.function_name == "A-table-with-a-very-long-name-that-fits-neither-l-ea003eb6-trail"
    error_message = "The function's name is cut to 64 characters and made distinct: ${aws_lambda_function.trail.function_name}"
  }

  assert {
    condition     = length(aws_iam_role.function.name) <= 64 && endswith(aws_iam_role.function.name, "-ea003eb6-trail-eu-central-1")
    error_message = "The role's name is cut to 64 characters and made distinct: ${aws_iam_role.function.name}"
  }

  assert {
    condition     = aws_lambda_function.stream_check[0].function_name == "A-table-with-a-very-long-name-that-fits-ne-ea003eb6-stream-check" && length(aws_iam_role.stream_check[0].name) <= 64 && endswith(aws_iam_role.stream_check[0].name, "-ea003eb6-stream-check-eu-central-1")
    error_message = "So are those of the stream's check: ${aws_lambda_function.stream_check[0].function_name}, ${aws_iam_role.stream_check[0].name}"
  }

  assert {
    condition     = can(regex("^a-table-with-[a-z0-9-]+-ea003eb6-trail-123456789012-eu-central-1$", aws_s3_bucket.history.bucket)) && length(aws_s3_bucket.history.bucket) <= 63
    error_message = "The bucket's name is cut to 63 characters, in lower case, and made distinct: ${aws_s3_bucket.history.bucket}"
  }

  assert {
    condition     = can(regex("^a-table-[a-z0-9-]+-ea003eb6-failures-123456789012-eu-central-1$", aws_s3_bucket.failures.bucket)) && length(aws_s3_bucket.failures.bucket) <= 63
    error_message = "So is the failures bucket's: ${aws_s3_bucket.failures.bucket}"
  }
}
