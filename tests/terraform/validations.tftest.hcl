# Module audit_trail: what it refuses. A run passes only if every variable or resource that it names does refuse.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "too_small" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures                   = { bucket_name = "ab" }
    audit_table_name           = "ab"
    function_name              = ""
    bucket_name                = "ab"
    retention_days             = 0
    actor_attribute            = ""
    reason_attribute           = ""
    image_storage              = "new"
    capacity                   = { billing_mode = "PROVISIONED", read_capacity = 0, write_capacity = 1 }
    time_index                 = { shards = 0 }
    actor_index                = { shards = 0 }
    memory_size                = 255
    timeout                    = 9
    log_retention_days         = 2
    batch_size                 = 0
    batching_window_seconds    = -1
    parallelization_factor     = 0
    maximum_record_age_seconds = 59
  }

  expect_failures = [
    var.failures,
    var.audit_table_name,
    var.function_name,
    var.bucket_name,
    var.retention_days,
    var.actor_attribute,
    var.reason_attribute,
    var.image_storage,
    var.capacity,
    var.time_index,
    var.actor_index,
    var.memory_size,
    var.timeout,
    var.log_retention_days,
    var.batch_size,
    var.batching_window_seconds,
    var.parallelization_factor,
    var.maximum_record_age_seconds,
  ]
}

run "too_large" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures                   = { redriven_days = 36501 }
    audit_table_name           = join("", [for _ in range(256) : "a"])
    function_name              = join("", [for _ in range(65) : "a"])
    bucket_name                = join("", [for _ in range(64) : "a"])
    retention_days             = 36501
    actor_attribute            = join("", [for _ in range(187) : "a"])
    reason_attribute           = join("", [for _ in range(94) : "é"])
    capacity                   = { billing_mode = "PROVISIONED", read_capacity = 1, write_capacity = 1, max_read_request_units = 1 }
    time_index                 = { shards = 101 }
    actor_index                = { shards = 101 }
    memory_size                = 10241
    timeout                    = 901
    batch_size                 = 10001
    batching_window_seconds    = 301
    parallelization_factor     = 11
    maximum_record_age_seconds = 64801
  }

  expect_failures = [
    var.failures,
    var.audit_table_name,
    var.function_name,
    var.bucket_name,
    var.retention_days,
    var.actor_attribute,
    var.reason_attribute,
    var.capacity,
    var.time_index,
    var.actor_index,
    var.memory_size,
    var.timeout,
    var.batch_size,
    var.batching_window_seconds,
    var.parallelization_factor,
    var.maximum_record_age_seconds,
  ]
}

run "not_whole_or_not_of_the_alphabet" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name           = "audit trail"
    function_name              = "audit.trail"
    bucket_name                = "Audit_Trail"
    retention_days             = 1.5
    capacity                   = { max_write_request_units = 0 }
    time_index                 = { shards = 4.5 }
    actor_index                = { shards = 4.5 }
    memory_size                = 256.5
    timeout                    = 10.5
    batch_size                 = 1.5
    batching_window_seconds    = 0.5
    parallelization_factor     = 1.5
    maximum_record_age_seconds = 60.5
  }

  expect_failures = [
    var.audit_table_name,
    var.function_name,
    var.bucket_name,
    var.retention_days,
    var.capacity,
    var.time_index,
    var.actor_index,
    var.memory_size,
    var.timeout,
    var.batch_size,
    var.batching_window_seconds,
    var.parallelization_factor,
    var.maximum_record_age_seconds,
  ]
}

run "not_a_pointer" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    actor_attribute  = "/meta/~"
    reason_attribute = "/a~2b"
  }

  expect_failures = [
    var.actor_attribute,
    var.reason_attribute,
  ]
}

run "not_in_the_list" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    capacity     = { billing_mode = "ON_DEMAND" }
    runtime      = "python3.10"
    architecture = "arm"
    log_level    = "WARN" # Lambda would drop the metrics
  }

  expect_failures = [
    var.capacity,
    var.runtime,
    var.architecture,
    var.log_level,
  ]
}

run "provisioned_without_units" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    capacity = { billing_mode = "PROVISIONED", write_capacity = 1 }

    handler_zip = null
    handler_s3 = {
      bucket = "releases"
      key    = "handler.zip"
      sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" # hex
    }
  }

  expect_failures = [var.capacity, var.handler_s3]
}

run "on_demand_with_units" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    capacity = { read_capacity = 1 }

    source_table = {
      name             = "orders"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      range_key        = "line"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  expect_failures = [var.capacity, var.source_table]
}

run "no_stream" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "orders"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
      stream_arn       = ""
      stream_enabled   = null
      stream_view_type = ""
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  expect_failures = [aws_lambda_event_source_mapping.stream]
}

run "stream_of_another_view_type" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "orders"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_IMAGE"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  expect_failures = [aws_lambda_event_source_mapping.stream]
}

run "no_zip" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    handler_zip = null
  }

  expect_failures = [aws_lambda_function.trail]
}

run "two_zips" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    handler_s3 = {
      bucket = "releases"
      key    = "handler.zip"
      sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    }
  }

  expect_failures = [aws_lambda_function.trail]
}

run "missing_zip" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    handler_zip = "nowhere/handler.zip"
  }

  expect_failures = [aws_lambda_function.trail]
}

run "what_an_organisation_asks_for" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures                 = { kms_key = { arn = "alias/failures" } }
    kms_key                  = { arn = "arn:aws:kms:eu-central-1:123456789012:alias/audit" }
    source_kms_key           = { arn = "alias/orders" }
    append_only              = { break_glass_role_arns = [] }
    permissions_boundary_arn = "arn:aws:iam::123456789012:role/boundary"
    tags                     = { "aws:owner" = "finance" }
    vpc                      = { subnet_ids = ["subnet-1"], security_group_ids = [] }
    reserved_concurrency     = 0
  }

  expect_failures = [
    var.failures,
    var.kms_key,
    var.source_kms_key,
    var.append_only,
    var.permissions_boundary_arn,
    var.tags,
    var.vpc,
    var.reserved_concurrency,
  ]
}

run "sessions_are_no_roles_and_subnets_are_needed" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures             = { reader_role_arns = ["arn:aws:sts::123456789012:assumed-role/operators/anna"] }
    append_only          = { break_glass_role_arns = ["arn:aws:sts::123456789012:assumed-role/admin/anna"] }
    tags                 = { for number in range(31) : "tag-${number}" => "" }
    vpc                  = { subnet_ids = [], security_group_ids = ["sg-1"] }
    reserved_concurrency = 1.5
  }

  expect_failures = [var.failures, var.append_only, var.tags, var.vpc, var.reserved_concurrency]
}

run "wildcards_are_no_operators_and_tags_are_not_the_trails" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    append_only = {
      break_glass_role_arns = ["arn:aws:iam::123456789012:role/admin"]
      operator_role_arns    = ["arn:aws:iam::123456789012:role/*"]
    }
    tags = { "Table-Trail:bucket" = "another" }
  }

  expect_failures = [var.append_only, var.tags]
}

run "a_table_of_another_account" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "orders"
      arn              = "arn:aws:dynamodb:eu-central-1:210987654321:table/orders"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  expect_failures = [aws_lambda_event_source_mapping.stream]
}

run "a_table_of_another_region" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "orders"
      arn              = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{ name = "order_id", type = "N" }]
    }
  }

  expect_failures = [aws_lambda_event_source_mapping.stream]
}

run "misspelled_fields" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    archive     = { transition = [] }
    failures    = { redrive_days = 7 }
    capacity    = { max_write_units = 500 }
    time_index  = { shard = 8 }
    actor_index = { shard = 8 }
    alarms      = { silence = 60 }
    append_only = { break_glass_role_arns = ["arn:aws:iam::123456789012:role/admin"], operators = [] }
    handler_zip = null
    handler_s3  = { bucket = "releases", key = "handler.zip", sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", version = "v1" }
  }

  expect_failures = [
    var.archive,
    var.failures,
    var.capacity,
    var.time_index,
    var.actor_index,
    var.alarms,
    var.append_only,
    var.handler_s3,
  ]
}

run "misspelled_fields_of_a_lock" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 1
    archive        = { object_lock = { mode = "GOVERNANCE", day = 1 } }
    append_only    = { break_glass_arns = ["arn:aws:iam::123456789012:role/admin"] }
    handler_zip    = null
    handler_s3     = { bucket = "releases", sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  expect_failures = [var.archive, var.append_only, var.handler_s3]
}

run "misspelled_fields_of_a_transition" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 1
    archive        = { transitions = [{ days = 30, class = "GLACIER_IR" }] }
  }

  expect_failures = [var.archive]
}

run "no_fields_at_all" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    retention_days = 1
    archive        = true
    capacity       = { max_write_request_units = "many" }
  }

  expect_failures = [var.archive, var.capacity]
}

run "misspelled_fields_of_the_example" {
  command = plan

  module {
    source = "../../terraform/examples/existing_tables"
  }

  variables {
    tables = { orders = { retention_day = 30 } }
  }

  expect_failures = [var.tables]
}

run "the_source_tables_own_name" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    audit_table_name = "orders"
  }

  expect_failures = [aws_dynamodb_table.audit]
}

run "another_functions_name" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    function_name = "orders-audit-stream-check"
  }

  expect_failures = [aws_lambda_function.trail]
}
