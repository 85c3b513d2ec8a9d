resource "aws_dynamodb_table" "audit" {
  # checkov:skip=CKV_AWS_119: encrypted with a key that AWS owns: whoever could disable one of the deployer's could take the history away.
  # checkov:skip=CKV2_AWS_16: its capacity is on demand; whoever provisions it decides how it scales.

  name                        = local.audit_table_name
  hash_key                    = local.partition_key
  range_key                   = "timestamp"
  billing_mode                = local.capacity.billing_mode
  read_capacity               = local.capacity.read_capacity
  write_capacity              = local.capacity.write_capacity
  deletion_protection_enabled = var.deletion_protection

  # For the archive: an expired record is the deletion's old image.
  stream_enabled   = var.archive == null ? null : true
  stream_view_type = var.archive == null ? null : "OLD_IMAGE"

  attribute {
    name = local.partition_key
    type = local.partition_key_type
  }

  attribute {
    name = "timestamp"
    type = "S"
  }

  dynamic "attribute" {
    for_each = local.indexes

    content {
      name = attribute.value.partition_key
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.indexes

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.partition_key
      range_key          = "timestamp"
      projection_type    = "INCLUDE"
      non_key_attributes = ["actor", "changed_attributes", "event_name", "reason"]
      read_capacity      = local.capacity.read_capacity
      write_capacity     = local.capacity.write_capacity

      dynamic "on_demand_throughput" {
        for_each = local.ceilings

        content {
          max_read_request_units  = on_demand_throughput.value.max_read_request_units
          max_write_request_units = on_demand_throughput.value.max_write_request_units
        }
      }
    }
  }

  dynamic "on_demand_throughput" {
    for_each = local.ceilings

    content {
      max_read_request_units  = on_demand_throughput.value.max_read_request_units
      max_write_request_units = on_demand_throughput.value.max_write_request_units
    }
  }

  # On even where retention is unlimited: no record has the attribute then, and turning retention on needs no change here.
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  # Disabled, DynamoDB encrypts with a key that AWS owns. Enabled without a key of one's own, it would be aws/dynamodb, whose
  # requests are charged; and a key that is taken away would stay: the provider keeps an argument that isn't given.
  server_side_encryption {
    enabled     = var.kms_key != null
    kms_key_arn = one(local.keys)
  }

  tags = merge(var.tags, local.audit_table_tags)

  # DynamoDB builds an index of a large table for hours, or days; the provider would give up after one.
  timeouts {
    update = "24h"
  }

  lifecycle {
    precondition {
      condition     = local.audit_table_name != var.source_table.name
      error_message = "audit_table_name is the source table's own name, ${var.source_table.name}: give the audit table another, or leave it out for ${local.default_audit_table_name}."
    }

    precondition {
      condition     = var.actor_index == null || var.actor_attribute != null
      error_message = "actor_index needs actor_attribute: without it, no record has an actor to be found by."
    }
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

  time_index_shards  = var.time_index == null ? null : coalesce(try(var.time_index.shards, null), 4)
  actor_index_shards = var.actor_index == null ? null : coalesce(try(var.actor_index.shards, null), 4)

  # One partition would take a whole day's or a whole actor's writes; the function spreads them over shards.
  indexes = {
    for name, index in {
      by_time  = { partition_key = "time_bucket", input = var.time_index }
      by_actor = { partition_key = "actor_bucket", input = var.actor_index }
    } : name => index if index.input != null
  }

  ceilings = local.capacity.max_read_request_units != null || local.capacity.max_write_request_units != null ? [local.capacity] : []
}

# What the command line must know about a trail, given the audit table's name alone: among other things each setting of
# the function that decides what a record looks like, so that `trail redrive` writes the same.
locals {
  tag_values = {
    "table-trail:source-table"     = var.source_table.name
    "table-trail:function"         = local.function_name # not the resource's, which needs this table first
    "table-trail:bucket"           = local.bucket_name
    "table-trail:failures-bucket"  = local.failures_bucket_name
    "table-trail:schema-version"   = "1"
    "table-trail:partition-key"    = local.source_partition_key
    "table-trail:sort-key"         = local.source_sort_key
    "table-trail:actor-attribute"  = var.actor_attribute
    "table-trail:reason-attribute" = var.reason_attribute
    "table-trail:image-storage"    = var.image_storage
    "table-trail:retention-days"   = var.retention_days == null ? null : tostring(var.retention_days)

    "table-trail:time-index-shards"  = try(tostring(local.time_index_shards), null)
    "table-trail:actor-index-shards" = try(tostring(local.actor_index_shards), null)

    "table-trail:archive"   = var.archive == null ? null : local.default_names.archive # their names, for `trail doctor`
    "table-trail:tampering" = var.archive == null ? null : local.default_names.tampering
  }

  # DynamoDB refuses most punctuation in a tag's value, and `aws:` before it. A value that it might refuse is written as
  # `base64:` and its UTF-8 bytes in base64, whose alphabet it takes.
  encoded_tag_values = {
    for key, value in local.tag_values : key =>
    can(regex("^[A-Za-z0-9_.:/=+@-]+$", value)) && !can(regex("(?i)^(aws|base64):", value)) ? value : "base64:${base64encode(value)}"
    if value != null
  }

  # A key's name that needs more than a tag's 256 characters has none: it is also in the source table's description.
  audit_table_tags = { for key, value in local.encoded_tag_values : key => value if length(value) <= 256 }
}

resource "aws_iam_role_policy" "audit_table" {
  name = "audit-table"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AddRecords"
      Effect   = "Allow"
      Action   = "dynamodb:PartiQLInsert"
      Resource = aws_dynamodb_table.audit.arn
    }]
  })
}
