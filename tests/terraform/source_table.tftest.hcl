# Module source_table: a table with a stream that a trail can be made of.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "simple_key" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "N" }
  }

  assert {
    condition     = aws_dynamodb_table.source.stream_enabled && aws_dynamodb_table.source.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "The stream has both images."
  }

  assert {
    condition     = aws_dynamodb_table.source.deletion_protection_enabled && aws_dynamodb_table.source.point_in_time_recovery[0].enabled && !aws_dynamodb_table.source.server_side_encryption[0].enabled
    error_message = "The table is protected from deletion, backed up and, as every table, encrypted: with a key that AWS owns, which costs nothing."
  }

  assert {
    condition     = aws_dynamodb_table.source.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.source.hash_key == "order_id" && aws_dynamodb_table.source.range_key == null
    error_message = "Capacity is on demand, the key simple."
  }
}

run "composite_key_with_everything_else" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name                   = "lines"
    partition_key          = { name = "order", type = "S" }
    sort_key               = { name = "line", type = "B" }
    capacity               = { billing_mode = "PROVISIONED", read_capacity = 1, write_capacity = 2 }
    point_in_time_recovery = false
    deletion_protection    = false
  }

  assert {
    condition     = aws_dynamodb_table.source.range_key == "line" && toset([for attribute in aws_dynamodb_table.source.attribute : "${attribute.name} ${attribute.type}"]) == toset(["order S", "line B"])
    error_message = "The key has two parts."
  }

  assert {
    condition     = aws_dynamodb_table.source.read_capacity == 1 && aws_dynamodb_table.source.write_capacity == 2
    error_message = "Capacity is provisioned."
  }

  assert {
    condition     = !aws_dynamodb_table.source.deletion_protection_enabled && !aws_dynamodb_table.source.point_in_time_recovery[0].enabled
    error_message = "Protection can be taken away."
  }
}

run "ceilings" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "N" }
    capacity      = { max_read_request_units = 10, max_write_request_units = -1 }
  }

  assert {
    condition     = aws_dynamodb_table.source.on_demand_throughput[0].max_read_request_units == 10 && aws_dynamodb_table.source.on_demand_throughput[0].max_write_request_units == -1
    error_message = "On demand can have ceilings."
  }
}

run "refuses_a_misspelled_field" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "S" }
    capacity      = { max_write_units = 10 }
  }

  expect_failures = [var.capacity]
}

run "refuses_names_and_units" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "or"
    partition_key = { name = "", type = "N" }
    sort_key      = { name = join("", [for _ in range(256) : "a"]), type = "S" }
    capacity      = { billing_mode = "PROVISIONED" }
  }

  expect_failures = [var.name, var.partition_key, var.sort_key, var.capacity]
}

run "refuses_types_and_modes" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders!"
    partition_key = { name = "order_id", type = "BOOL" }
    sort_key      = { name = "line", type = "L" }
    capacity      = { billing_mode = "FREE" }
  }

  expect_failures = [var.name, var.partition_key, var.sort_key, var.capacity]
}

run "refuses_ceilings_on_provisioned_capacity" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "N" }
    capacity      = { billing_mode = "PROVISIONED", read_capacity = 1, write_capacity = 1, max_read_request_units = 1 }
  }

  expect_failures = [var.capacity]
}

run "refuses_no_units" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "N" }
    capacity      = { billing_mode = "PROVISIONED", read_capacity = 1, write_capacity = 0.5 }
  }

  expect_failures = [var.capacity]
}

run "refuses_ceilings_of_nothing" {
  command = plan

  module {
    source = "../../terraform/modules/source_table"
  }

  variables {
    name          = "orders"
    partition_key = { name = "order_id", type = "N" }
    capacity      = { max_read_request_units = 0 }
  }

  expect_failures = [var.capacity]
}
