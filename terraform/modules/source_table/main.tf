resource "aws_dynamodb_table" "source" {
  # checkov:skip=CKV_AWS_119: encrypted with a key that AWS owns; this table is the example's.
  # checkov:skip=CKV2_AWS_16: on demand, unless the caller provisions it and scales it then.

  name                        = var.name
  hash_key                    = var.partition_key.name
  range_key                   = try(var.sort_key.name, null)
  billing_mode                = local.capacity.billing_mode
  read_capacity               = local.capacity.read_capacity
  write_capacity              = local.capacity.write_capacity
  deletion_protection_enabled = var.deletion_protection

  # Both images of each change are what a trail is made of.
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  dynamic "attribute" {
    for_each = [for key in [var.partition_key, var.sort_key] : key if key != null]

    content {
      name = attribute.value.name
      type = attribute.value.type
    }
  }

  dynamic "on_demand_throughput" {
    for_each = local.capacity.max_read_request_units != null || local.capacity.max_write_request_units != null ? [local.capacity] : []

    content {
      max_read_request_units  = on_demand_throughput.value.max_read_request_units
      max_write_request_units = on_demand_throughput.value.max_write_request_units
    }
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  # A key that AWS owns. `true` would be aws/dynamodb, whose requests are charged.
  server_side_encryption {
    enabled = false
  }
}

locals {
  capacity = {
    billing_mode            = try(coalesce(var.capacity.billing_mode), "PAY_PER_REQUEST")
    max_read_request_units  = try(var.capacity.max_read_request_units, null)
    max_write_request_units = try(var.capacity.max_write_request_units, null)
    read_capacity           = try(var.capacity.read_capacity, null)
    write_capacity          = try(var.capacity.write_capacity, null)
  }
}
