# Module audit_trail: the audit table's partition key, for every kind of source key. test_terraform.py compares each of
# these runs with the function's own rule.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "key_of_type_b" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "blobs"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/blobs"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "digest"
      range_key        = "" # as the data source has it
      attribute        = [{ name = "digest", type = "B" }, { name = "indexed", type = "S" }]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "digest" && contains(aws_dynamodb_table.audit.attribute, { name = "digest", type = "B" })
    error_message = "A simple key keeps its name and type."
  }

  assert {
    condition     = !can(aws_lambda_function.trail.environment[0].variables["SORT_KEY"])
    error_message = "A simple key has no SORT_KEY."
  }
}

run "composite_key" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "lines"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/lines"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      range_key        = "timestamp"
      attribute        = [{ name = "order_id", type = "N" }, { name = "timestamp", type = "B" }]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "order_id#timestamp" && contains(aws_dynamodb_table.audit.attribute, { name = "order_id#timestamp", type = "S" }) && output.partition_key == "order_id#timestamp"
    error_message = "A composite key becomes one string."
  }

  assert {
    condition     = aws_lambda_function.trail.environment[0].variables["PARTITION_KEY"] == "order_id" && aws_lambda_function.trail.environment[0].variables["SORT_KEY"] == "timestamp"
    error_message = "The function gets both names."
  }

  assert {
    condition     = aws_dynamodb_table.audit.tags["table-trail:partition-key"] == "order_id" && aws_dynamodb_table.audit.tags["table-trail:sort-key"] == "timestamp"
    error_message = "The tags have both names."
  }
}

run "reserved_name" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "clocks"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/clocks"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "timestamp"
      attribute        = [{ name = "timestamp", type = "N" }]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "source#timestamp" && toset([for attribute in aws_dynamodb_table.audit.attribute : "${attribute.name} ${attribute.type}"]) == toset(["source#timestamp N", "timestamp S"])
    error_message = "A key that is called like one of a record's own attributes is set apart."
  }
}

run "name_of_255_bytes" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "long"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/long"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "${join("", [for _ in range(126) : "é"])}abc"
      attribute        = [{ name = "${join("", [for _ in range(126) : "é"])}abc", type = "S" }]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == var.source_table.hash_key
    error_message = "255 bytes fit."
  }

  assert {
    condition     = !can(aws_dynamodb_table.audit.tags["table-trail:partition-key"])
    error_message = "What a tag's 256 characters can't hold is left out."
  }
}

run "name_of_256_bytes" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "long"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/long"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = join("", [for _ in range(128) : "é"])
      attribute        = [{ name = join("", [for _ in range(128) : "é"]), type = "S" }]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "source#${join("", [for _ in range(124) : "é"])}"
    error_message = "A longer name is set apart and cut to 255 bytes, between characters."
  }
}

run "long_composite_key" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    source_table = {
      name             = "long"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/long"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "a${join("", [for _ in range(63) : "😀"])}"
      range_key        = "😀\n"
      attribute = [
        { name = "a${join("", [for _ in range(63) : "😀"])}", type = "S" },
        { name = "😀\n", type = "S" },
      ]
    }
  }

  assert {
    condition     = aws_dynamodb_table.audit.hash_key == "a${join("", [for _ in range(63) : "😀"])}#"
    error_message = "A composite name is cut to at most 255 bytes, between characters."
  }
}
