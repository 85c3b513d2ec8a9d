# The root: orders and their history.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "orders_and_audit" {
  command = plan

  module {
    source = "../../terraform"
  }

  assert {
    condition     = output.source_table_name == "orders" && output.audit_table_name == "audit" && output.region == "eu-central-1"
    error_message = "The tables have the blog post's names."
  }

  assert {
    condition     = output.trail_command == "export TRAIL_AUDIT_TABLE=audit" && output.function_name == "audit-trail"
    error_message = "The command line finds the trail by the audit table's name."
  }

  assert {
    condition     = module.audit.partition_key == "order_id"
    error_message = "Orders are keyed by order_id."
  }
}

run "other_names_and_telemetry" {
  command = plan

  module {
    source = "../../terraform"
  }

  variables {
    name_prefix       = "test-"
    source_table_name = "purchases"
    audit_table_name  = "history"

    alarms        = { iterator_age_seconds = 600, silence_minutes = 30 }
    alarm_actions = ["arn:aws:sns:eu-central-1:123456789012:on-call"]
    dashboard     = true
  }

  assert {
    condition     = output.source_table_name == "test-purchases" && output.audit_table_name == "test-history"
    error_message = "Both tables' names are configurable, with one prefix."
  }

  assert {
    condition     = output.stream_check_function_name == "test-history-stream-check"
    error_message = "The check of the stream is named like the audit table."
  }
}

run "refuses_a_prefix_that_no_table_can_have" {
  command = plan

  module {
    source = "../../terraform"
  }

  variables {
    name_prefix = "test/"
  }

  expect_failures = [var.name_prefix]
}
