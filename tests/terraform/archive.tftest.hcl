# Module audit_trail with an archive: streams, filters, the two functions, the bucket, Glue.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

# The mocks' table is the source table.
override_resource {
  target          = aws_dynamodb_table.audit
  override_during = plan
  values = {
    arn        = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
    stream_arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit/stream/2026-11-24T06:00:00.000"
  }
}

run "none" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
  }

  assert {
    condition     = aws_dynamodb_table.audit.stream_enabled == null
    error_message = "Without an archive the audit table needs no stream."
  }

  assert {
    condition = (
      !contains(keys(aws_lambda_function.stream_check[0].environment[0].variables), "AUDIT_TABLE")
      && length(jsondecode(aws_iam_role_policy.stream_check[0].policy).Statement) == 3
      && !contains(keys(aws_dynamodb_table.audit.tags), "table-trail:archive")
      && !strcontains(output.doctor_policy_json, "SeeArchiveFunctions")
    )
    error_message = "Without an archive nobody looks for one."
  }

  assert {
    condition = (
      length(aws_lambda_function.archive) + length(aws_lambda_function.tampering) == 0
      && length(aws_lambda_event_source_mapping.archive) + length(aws_lambda_event_source_mapping.tampering) == 0
      && length(aws_iam_role.archive) + length(aws_iam_role.tampering) == 0
      && length(aws_iam_role_policy.archive) + length(aws_iam_role_policy.tampering) == 0
      && length(aws_cloudwatch_log_group.archive) + length(aws_cloudwatch_log_group.tampering) == 0
      && length(aws_s3_bucket_lifecycle_configuration.archive) + length(aws_s3_bucket_object_lock_configuration.archive) == 0
      && length(aws_glue_catalog_table.archive) + length(aws_glue_catalog_database.archive) + length(aws_athena_named_query.archive) == 0
    )
    error_message = "Without an archive there is nothing of it."
  }

  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.trail) : key if strcontains(key, "archive") || strcontains(key, "tamper") || strcontains(key, "expired")]) == 0
    error_message = "Without an archive nothing rings for it."
  }

  assert {
    condition     = !strcontains(output.reader_policy_json, "archive/") && !strcontains(output.operator_policy_json, "archive/")
    error_message = "Without an archive nobody is let into it."
  }
}

run "on" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days             = 90
    archive                    = {}
    maximum_record_age_seconds = 7200
  }

  assert {
    condition     = aws_dynamodb_table.audit.stream_enabled && aws_dynamodb_table.audit.stream_view_type == "OLD_IMAGE"
    error_message = "The audit table's stream carries what was deleted."
  }

  assert {
    condition = (
      aws_lambda_function.archive[0].function_name == "orders-audit-archive"
      && aws_lambda_function.archive[0].handler == "audit_trail.lambda_function.archive"
      && aws_lambda_function.tampering[0].function_name == "orders-audit-tampering"
      && aws_lambda_function.tampering[0].handler == "audit_trail.tampering.handler"
      && alltrue([
        for function in [aws_lambda_function.archive[0], aws_lambda_function.tampering[0]] :
        function.filename == aws_lambda_function.trail.filename
        && function.source_code_hash == aws_lambda_function.trail.source_code_hash
        && function.runtime == aws_lambda_function.trail.runtime
        && function.architectures == aws_lambda_function.trail.architectures
        && function.logging_config[0].log_format == "JSON"
        && function.logging_config[0].application_log_level == "INFO"
        && function.environment[0].variables.POWERTOOLS_SERVICE_NAME == "orders-audit-trail"
      ])
    )
    error_message = "Both are entry points of the same zip, and count for the same trail."
  }

  assert {
    condition = (
      aws_lambda_function.archive[0].logging_config[0].log_group == "/aws/lambda/orders-audit-archive"
      && aws_lambda_function.tampering[0].logging_config[0].log_group == "/aws/lambda/orders-audit-tampering"
      && aws_cloudwatch_log_group.archive[0].retention_in_days == 30
      && aws_cloudwatch_log_group.tampering[0].retention_in_days == 30
    )
    error_message = "Their logs, which carry their metrics, go to log groups that Terraform makes."
  }

  assert {
    condition     = aws_lambda_function.archive[0].environment[0].variables == aws_lambda_function.trail.environment[0].variables
    error_message = "The archive's entry point lies in the function's module, which wants the function's settings."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.archive[0].event_source_arn == "arn:aws:dynamodb:eu-central-1:123456789012:table/audit/stream/2026-11-24T06:00:00.000"
      && aws_lambda_event_source_mapping.archive[0].starting_position == "TRIM_HORIZON"
      && aws_lambda_event_source_mapping.archive[0].batch_size == 10000
      && aws_lambda_event_source_mapping.archive[0].maximum_batching_window_in_seconds == 60
      && aws_lambda_event_source_mapping.archive[0].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.archive[0].bisect_batch_on_function_error
      && aws_lambda_event_source_mapping.archive[0].maximum_retry_attempts == -1
      && aws_lambda_event_source_mapping.archive[0].maximum_record_age_in_seconds == 7200
      && aws_lambda_event_source_mapping.archive[0].destination_config[0].on_failure[0].destination_arn == aws_s3_bucket.failures.arn
      && one(aws_lambda_event_source_mapping.archive[0].metrics_config).metrics == toset(["EventCount"])
    )
    error_message = "What expires is retried like a change, then goes whole to the failures bucket, and is counted."
  }

  assert {
    condition = [for filter in one(aws_lambda_event_source_mapping.archive[0].filter_criteria).filter : jsondecode(filter.pattern)] == [
      jsondecode("{\"eventName\":[\"REMOVE\"],\"userIdentity\":{\"type\":[\"Service\"],\"principalId\":[\"dynamodb.amazonaws.com\"]}}")
    ]
    error_message = "Deletions by TTL alone go into the archive."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.tampering[0].event_source_arn == aws_dynamodb_table.audit.stream_arn
      && aws_lambda_event_source_mapping.tampering[0].starting_position == "TRIM_HORIZON"
      && aws_lambda_event_source_mapping.tampering[0].maximum_retry_attempts == -1
      && length(aws_lambda_event_source_mapping.tampering[0].destination_config) == 0
      && length(one(aws_lambda_event_source_mapping.tampering[0].filter_criteria).filter) == 2
      && aws_lambda_event_source_mapping.tampering[0].maximum_batching_window_in_seconds == 60
    )
    error_message = "What is done by hand or expires early is counted, gathered for a minute, and goes nowhere."
  }

  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.trail) : key if strcontains(key, "archive") || strcontains(key, "tamper") || strcontains(key, "expired")]) == 9
    error_message = "The archive has alarms of its own."
  }

  assert {
    condition = (
      aws_lambda_function.stream_check[0].environment[0].variables.AUDIT_TABLE == aws_dynamodb_table.audit.name
      && aws_lambda_function.stream_check[0].environment[0].variables.ARCHIVE_EVENT_SOURCE_MAPPING == aws_lambda_event_source_mapping.archive[0].uuid
      && aws_lambda_function.stream_check[0].environment[0].variables.TAMPERING_EVENT_SOURCE_MAPPING == aws_lambda_event_source_mapping.tampering[0].uuid
    )
    error_message = "The check of the stream knows both mappings of the audit table's own."
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.stream_check[0].policy).Statement, 3, 5) == [
      {
        Sid      = "DescribeAuditTable"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
      },
      {
        Sid      = "SeeArchiveMappings"
        Effect   = "Allow"
        Action   = "lambda:GetEventSourceMapping"
        Resource = [aws_lambda_event_source_mapping.archive[0].arn, aws_lambda_event_source_mapping.tampering[0].arn]
      },
    ]
    error_message = "And may see them, and the audit table's description."
  }

  assert {
    condition     = aws_dynamodb_table.audit.tags["table-trail:archive"] == "orders-audit-archive" && aws_dynamodb_table.audit.tags["table-trail:tampering"] == "orders-audit-tampering"
    error_message = "The audit table's tags name both functions to `trail doctor`."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.archive) + length(aws_s3_bucket_object_lock_configuration.archive) + length(aws_glue_catalog_table.archive) == 0
    error_message = "Storage classes, Object Lock and Glue are off unless asked for."
  }

  assert {
    condition     = output.archive_function_name == "orders-audit-archive" && output.tampering_function_name == "orders-audit-tampering" && output.archive_athena_database == null
    error_message = "The outputs name what was made."
  }
}

run "everything" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name = "Orders.audit-2"
    retention_days   = 1
    alarms           = null
    archive = {
      batching_window_seconds = 300
      transitions             = [{ days = 30, storage_class = "STANDARD_IA" }, { days = 90, storage_class = "GLACIER_IR" }]
      object_lock             = { mode = "COMPLIANCE", days = 3650 }
      glue                    = true
    }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.archive[0].maximum_batching_window_in_seconds == 300 && length(aws_lambda_event_source_mapping.archive[0].metrics_config) == 0
    error_message = "Deletions are gathered for as long as asked, and counted by Lambda where there are alarms."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.archive[0].rule[0].filter[0].prefix == "archive/"
      && [for one in aws_s3_bucket_lifecycle_configuration.archive[0].rule[0].transition : "${one.days} ${one.storage_class}"] == ["30 STANDARD_IA", "90 GLACIER_IR"]
      && length(aws_s3_bucket_lifecycle_configuration.archive[0].rule[0].expiration) == 0
    )
    error_message = "The archive's objects, and no others, move to the classes that were asked for, and never expire."
  }

  assert {
    condition = (
      aws_s3_bucket_object_lock_configuration.archive[0].rule[0].default_retention[0].mode == "COMPLIANCE"
      && aws_s3_bucket_object_lock_configuration.archive[0].rule[0].default_retention[0].days == 3650
    )
    error_message = "Object Lock is as asked for."
  }

  assert {
    condition = (
      aws_glue_catalog_database.archive[0].name == "orders_audit_2_${substr(sha256("Orders.audit-2"), 0, 8)}"
      && aws_glue_catalog_table.archive[0].storage_descriptor[0].location == "s3://${aws_s3_bucket.history.id}/archive/"
      && aws_glue_catalog_table.archive[0].parameters["storage.location.template"] == "s3://${aws_s3_bucket.history.id}/archive/dt=$${dt}/"
      && aws_glue_catalog_table.archive[0].parameters["projection.enabled"] == "true"
      && aws_glue_catalog_table.archive[0].partition_keys[0].name == "dt"
      && aws_athena_named_query.archive[0].database == aws_glue_catalog_database.archive[0].name
      && output.archive_athena_database == aws_glue_catalog_database.archive[0].name
    )
    error_message = "Athena finds the days by projection, in a database that no other table's name comes to."
  }
}

run "refuses_what_never_expires" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    archive = {}
  }

  expect_failures = [aws_lambda_function.archive]
}

run "refuses_too_long_a_window" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
    archive        = { batching_window_seconds = 301 }
  }

  expect_failures = [var.archive]
}

run "refuses_classes_that_nobody_can_read" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
    archive        = { transitions = [{ days = 90, storage_class = "DEEP_ARCHIVE" }] }
  }

  expect_failures = [var.archive]
}

run "refuses_too_early_a_transition" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
    archive        = { transitions = [{ days = 29, storage_class = "STANDARD_IA" }] }
  }

  expect_failures = [var.archive]
}

run "refuses_an_unknown_lock" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
    archive        = { object_lock = { mode = "ON", days = 1 } }
  }

  expect_failures = [var.archive]
}

run "refuses_a_lock_for_no_time" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 90
    archive        = { object_lock = { mode = "GOVERNANCE", days = 0 } }
  }

  expect_failures = [var.archive]
}
