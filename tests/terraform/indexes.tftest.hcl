# Module audit_trail: the indexes that search by time and by actor, on and off.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "off" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  assert {
    condition     = length(aws_dynamodb_table.audit.global_secondary_index) == 0 && length(aws_dynamodb_table.audit.attribute) == 2
    error_message = "There is no index unless one is asked for."
  }

  assert {
    condition     = !strcontains(output.reader_policy_json, "/index/")
    error_message = "Without an index, the reader policy names none."
  }
}

run "on" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    actor_attribute = "updated_by"
    time_index      = {}
    actor_index     = { shards = 100 }
  }

  assert {
    condition = { for index in aws_dynamodb_table.audit.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      by_time  = ["time_bucket", "timestamp", "INCLUDE"]
      by_actor = ["actor_bucket", "timestamp", "INCLUDE"]
    }
    error_message = "Both indexes are sharded by a bucket and sorted by the timestamp."
  }

  assert {
    condition     = alltrue([for index in aws_dynamodb_table.audit.global_secondary_index : toset(index.non_key_attributes) == toset(["event_name", "changed_attributes", "actor", "reason"])])
    error_message = "Beside keys, an index holds what tells which changes can't be meant."
  }

  assert {
    condition     = toset([for attribute in aws_dynamodb_table.audit.attribute : "${attribute.name} ${attribute.type}"]) == toset(["order_id N", "timestamp S", "time_bucket S", "actor_bucket S"])
    error_message = "The buckets are strings."
  }

  assert {
    condition     = alltrue([for index in aws_dynamodb_table.audit.global_secondary_index : length(index.on_demand_throughput) == 0])
    error_message = "Indexes have no ceiling unless the table has one."
  }

  assert {
    condition     = aws_lambda_function.trail.environment[0].variables["TIME_INDEX_SHARDS"] == "4" && aws_lambda_function.trail.environment[0].variables["ACTOR_INDEX_SHARDS"] == "100"
    error_message = "The function knows how many shards each index has."
  }

  assert {
    condition     = aws_dynamodb_table.audit.tags["table-trail:time-index-shards"] == "4" && aws_dynamodb_table.audit.tags["table-trail:actor-index-shards"] == "100"
    error_message = "The command line knows how many shards each index has."
  }

  assert {
    condition = contains(jsondecode(output.reader_policy_json).Statement, {
      Sid      = "SearchHistory"
      Effect   = "Allow"
      Action   = "dynamodb:Query"
      Resource = ["arn:aws:dynamodb:eu-central-1:123456789012:table/audit/index/by_actor", "arn:aws:dynamodb:eu-central-1:123456789012:table/audit/index/by_time"]
    })
    error_message = "Readers may query the indexes that are on."
  }
}

run "time_alone" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    time_index = { shards = 1 }
    capacity   = { billing_mode = "PROVISIONED", read_capacity = 5, write_capacity = 50 }
  }

  assert {
    condition     = [for index in aws_dynamodb_table.audit.global_secondary_index : "${index.name} ${index.read_capacity} ${index.write_capacity}"] == ["by_time 5 50"]
    error_message = "An index has as much capacity as the table."
  }

  assert {
    condition     = aws_lambda_function.trail.environment[0].variables["TIME_INDEX_SHARDS"] == "1" && !contains(keys(aws_lambda_function.trail.environment[0].variables), "ACTOR_INDEX_SHARDS")
    error_message = "What is off is absent from the function's environment."
  }

  assert {
    condition     = !contains(keys(aws_dynamodb_table.audit.tags), "table-trail:actor-index-shards") && !strcontains(output.reader_policy_json, "by_actor")
    error_message = "What is off is neither a tag nor in a policy."
  }
}

run "ceilings" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    time_index = {}
    capacity   = { max_write_request_units = 500 }
  }

  assert {
    condition     = one(aws_dynamodb_table.audit.global_secondary_index).on_demand_throughput[0].max_write_request_units == 500
    error_message = "The table's ceiling is each index's."
  }
}

run "actors_without_an_attribute" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    actor_index = {}
  }

  expect_failures = [aws_dynamodb_table.audit]
}

run "the_example_has_both" {
  command = plan

  module {
    source = "../../terraform"
  }

  assert {
    condition     = strcontains(output.reader_policy_json, "/index/by_time") && strcontains(output.reader_policy_json, "/index/by_actor")
    error_message = "The example turns both indexes on."
  }
}

run "the_example_without" {
  command = plan

  module {
    source = "../../terraform"
  }

  variables {
    time_index  = null
    actor_index = null
  }

  assert {
    condition     = !strcontains(output.reader_policy_json, "/index/")
    error_message = "The example can do without."
  }
}
