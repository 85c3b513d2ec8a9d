# Module audit_trail: what tells how the trail is doing. test_alarms.py looks through these plans, and rings each alarm.

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
    condition = toset(keys(aws_cloudwatch_metric_alarm.trail)) == toset([
      "batches-given-up",
      "changes-dropped",
      "changes-not-stored",
      "destination-failures",
      "function-errors",
      "function-throttled",
      "iterator-age",
      "near-time-out",
      "records-quarantined",
      "stream-mismatch",
    ]) && length(aws_cloudwatch_metric_alarm.audit_table_throttled) == 1
    error_message = "Alarms are on, but for silence, which isn't wrong everywhere."
  }

  assert {
    condition     = alltrue([for key, alarm in aws_cloudwatch_metric_alarm.trail : alarm.alarm_name == "orders-audit-trail-${key}"]) && aws_cloudwatch_metric_alarm.audit_table_throttled["audit-table"].alarm_name == "orders-audit-trail-audit-table-throttled"
    error_message = "An alarm's name says which trail it belongs to."
  }

  assert {
    condition     = alltrue([for key, alarm in aws_cloudwatch_metric_alarm.trail : endswith(alarm.alarm_description, ". See docs/runbook.md#${key}")]) && endswith(aws_cloudwatch_metric_alarm.audit_table_throttled["audit-table"].alarm_description, ". See docs/runbook.md#audit-table-throttled")
    error_message = "An alarm's description ends with its place in the runbook."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.trail) : length(alarm.alarm_actions) + length(alarm.ok_actions) == 0])
    error_message = "Nobody is called, unless named."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.trail["iterator-age"].threshold == 3600000 && aws_cloudwatch_metric_alarm.trail["near-time-out"].threshold == 54000
    error_message = "Changes may wait for an hour, and batches take nine tenths of a minute."
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.stream.metrics_config).metrics == toset(["EventCount"])
    error_message = "The mapping counts what it gives up."
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.trail) == 0
    error_message = "There's no dashboard, unless asked for."
  }

  assert {
    condition = (
      aws_lambda_function.stream_check[0].function_name == "orders-audit-stream-check"
      && aws_lambda_function.stream_check[0].handler == "audit_trail.stream_check.handler"
      && aws_lambda_function.stream_check[0].filename == aws_lambda_function.trail.filename
      && aws_lambda_function.stream_check[0].source_code_hash == aws_lambda_function.trail.source_code_hash
      && aws_lambda_function.stream_check[0].runtime == aws_lambda_function.trail.runtime
      && aws_lambda_function.stream_check[0].architectures == aws_lambda_function.trail.architectures
    )
    error_message = "The check is another entry point of the same zip."
  }

  assert {
    condition = aws_lambda_function.stream_check[0].environment[0].variables == tomap({
      SOURCE_TABLE                 = "orders"
      EVENT_SOURCE_MAPPING         = "00000000-0000-4000-8000-000000000000"
      POWERTOOLS_SERVICE_NAME      = "orders-audit-trail"
      POWERTOOLS_METRICS_NAMESPACE = "TableTrail"
      POWERTOOLS_LOG_LEVEL         = "INFO"
    })
    error_message = "The check compares the source table with the mapping, and counts for the trail."
  }

  assert {
    condition = (
      aws_lambda_function.stream_check[0].logging_config[0].log_format == "JSON"
      && aws_lambda_function.stream_check[0].logging_config[0].application_log_level == "INFO"
      && aws_lambda_function.stream_check[0].logging_config[0].log_group == aws_cloudwatch_log_group.stream_check[0].name
      && aws_cloudwatch_log_group.stream_check[0].name == "/aws/lambda/orders-audit-stream-check"
      && aws_cloudwatch_log_group.stream_check[0].retention_in_days == 30
    )
    error_message = "Its logs, which carry its metric, go to a log group that Terraform makes."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.stream_check[0].schedule_expression == "rate(${aws_cloudwatch_metric_alarm.trail["stream-mismatch"].period / 60} minutes)"
      && aws_cloudwatch_event_target.stream_check[0].rule == aws_cloudwatch_event_rule.stream_check[0].name
      && aws_cloudwatch_event_target.stream_check[0].arn == aws_lambda_function.stream_check[0].arn
    )
    error_message = "The check runs once in each of its alarm's periods."
  }

  assert {
    condition = (
      aws_lambda_permission.stream_check[0].function_name == aws_lambda_function.stream_check[0].function_name
      && aws_lambda_permission.stream_check[0].action == "lambda:InvokeFunction"
      && aws_lambda_permission.stream_check[0].principal == "events.amazonaws.com"
      && aws_lambda_permission.stream_check[0].source_arn == "arn:aws:events:eu-central-1:123456789012:rule/audit-stream-check"
    )
    error_message = "Its schedule alone invokes the check."
  }
}

run "off" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms = null
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.trail) == 0 && length(aws_cloudwatch_metric_alarm.audit_table_throttled) == 0
    error_message = "Alarms can be turned off."
  }

  assert {
    condition = (
      length(aws_lambda_function.stream_check) == 0
      && length(aws_cloudwatch_log_group.stream_check) == 0
      && length(aws_iam_role.stream_check) == 0
      && length(aws_iam_role_policy.stream_check) == 0
      && length(aws_cloudwatch_event_rule.stream_check) == 0
      && length(aws_cloudwatch_event_target.stream_check) == 0
      && length(aws_lambda_permission.stream_check) == 0
    )
    error_message = "Without alarms nothing checks the stream."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.stream.metrics_config) == 0
    error_message = "Without alarms the mapping writes no metrics that cost."
  }
}

run "everything" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    function_name  = "recorder"
    timeout        = 900
    retention_days = 90
    archive        = {}
    alarms         = { iterator_age_seconds = 600, silence_minutes = 90 }
    alarm_actions  = ["arn:aws:sns:eu-central-1:123456789012:on-call", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:On_Call-2"]
    dashboard      = true
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.trail) == 20 && aws_cloudwatch_metric_alarm.trail["silence"].alarm_name == "recorder-silence"
    error_message = "Silence is an alarm where someone says for how long."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.trail["silence"].period * aws_cloudwatch_metric_alarm.trail["silence"].evaluation_periods == 90 * 60
    error_message = "Silence lasts for as long as asked for."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.trail["iterator-age"].threshold == 600000 && aws_cloudwatch_metric_alarm.trail["near-time-out"].threshold == 810000
    error_message = "Thresholds follow the inputs."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.trail), values(aws_cloudwatch_metric_alarm.audit_table_throttled)) :
      alarm.alarm_actions == toset(var.alarm_actions) && alarm.ok_actions == toset(var.alarm_actions)
    ])
    error_message = "Whoever is named learns of the beginning and of the end."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.trail) : alarm.dimensions == tomap({ service = "recorder" }) if alarm.namespace == "TableTrail"]) && aws_lambda_function.stream_check[0].environment[0].variables.POWERTOOLS_SERVICE_NAME == "recorder"
    error_message = "The function's name is the service that the trail counts for."
  }

  assert {
    condition     = aws_cloudwatch_dashboard.trail[0].dashboard_name == "recorder" && alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.trail[0].dashboard_body).widgets : widget.properties.region == "eu-central-1"])
    error_message = "The dashboard is named like the function and shows its region."
  }
}

run "dashboard_without_alarms" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms    = null
    dashboard = true
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.trail) == 1 && length(aws_cloudwatch_metric_alarm.trail) == 0 && length(aws_lambda_event_source_mapping.stream.metrics_config) == 1
    error_message = "A dashboard needs no alarms, but the mapping's counts."
  }
}

run "short_record_age" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    maximum_record_age_seconds = 60
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.trail["iterator-age"].threshold == 30000
    error_message = "The alarm rings before Lambda gives up, however soon it does."
  }
}

run "refuses_an_age_that_no_change_reaches" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms = { iterator_age_seconds = 21600 }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.trail["iterator-age"]]
}

run "refuses_too_little" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms        = { iterator_age_seconds = 0, silence_minutes = 4 }
    alarm_actions = ["on-call"]
  }

  expect_failures = [var.alarms, var.alarm_actions]
}

run "refuses_too_much" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms        = { silence_minutes = 1441 }
    alarm_actions = [for number in range(6) : "arn:aws:sns:eu-central-1:123456789012:on-call-${number}"]
  }

  expect_failures = [var.alarms, var.alarm_actions]
}

run "refuses_parts_of_a_second" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms        = { iterator_age_seconds = 1.5 }
    alarm_actions = ["arn:aws:sns:eu-central-1:123456789012:on-call.fifo"]
  }

  expect_failures = [var.alarms, var.alarm_actions]
}

run "refuses_parts_of_a_minute" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms        = { silence_minutes = 7.5 }
    alarm_actions = ["arn:aws:sqs:eu-central-1:123456789012:on-call"]
  }

  expect_failures = [var.alarms, var.alarm_actions]
}

run "another_stream" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms = { iterator_age_seconds = 1, silence_minutes = 5 } # the smallest of each
  }

  override_data {
    target          = data.aws_dynamodb_table.source
    override_during = plan
    values = {
      stream_arn     = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-25T00:00:00.000"
      stream_enabled = true
    }
  }

  expect_failures = [check.source_stream]
}

run "stream_turned_off" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    alarms        = { iterator_age_seconds = 21599, silence_minutes = 1440 } # the largest of each
    alarm_actions = [for number in range(5) : "arn:aws:sns:eu-central-1:123456789012:on-call-${number}"]
  }

  override_data {
    target          = data.aws_dynamodb_table.source
    override_during = plan
    values = {
      stream_arn     = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled = false
    }
  }

  expect_failures = [check.source_stream]
}
