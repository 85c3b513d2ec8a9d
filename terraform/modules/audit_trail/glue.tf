# The archive as a table for Athena: Glue's catalogue has it, and partition projection derives the days from the question,
# so that no crawler runs and no partition is ever added. Its names have neither capitals nor dashes: a name that is more
# than small letters, digits and dashes gets a hash, so that orders-audit, orders_audit and Orders.audit don't meet in one.
# https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html

locals {
  glues         = local.archive.glue ? 1 : 0
  glue_name     = replace(lower(local.audit_table_name), "/[^a-z0-9_]/", "_")
  glue_database = can(regex("^[a-z0-9-]+$", local.audit_table_name)) ? local.glue_name : "${substr(local.glue_name, 0, 246)}_${local.name_hash}"

  # audit_trail.core.archive writes these; each is text, so that no record's attributes need a column.
  archive_columns = {
    key                = "string"
    timestamp          = "string"
    event_name         = "string"
    actor              = "string"
    reason             = "string"
    changed_attributes = "array<string>"
    item               = "string"
  }
}

resource "aws_glue_catalog_database" "archive" {
  count = local.glues

  name        = local.glue_database
  description = "Records that expired from ${local.audit_table_name}."
  tags        = var.tags

  lifecycle {
    ignore_changes       = [name] # as the function's role
    replace_triggered_by = [aws_dynamodb_table.audit.name]
  }
}

resource "aws_glue_catalog_table" "archive" {
  count = local.glues

  name          = "archive"
  database_name = aws_glue_catalog_database.archive[0].name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"                  = "TRUE"
    "projection.enabled"        = "true"
    "projection.dt.type"        = "date"
    "projection.dt.format"      = "yyyy-MM-dd"
    "projection.dt.range"       = "2020-01-01,NOW"
    "storage.location.template" = "s3://${aws_s3_bucket.history.id}/archive/dt=$${dt}/"
  }

  partition_keys {
    name = "dt"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.history.id}/archive/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    dynamic "columns" {
      for_each = local.archive_columns

      content {
        name = columns.key
        type = columns.value
      }
    }

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }
  }
}

# A batch that was delivered twice is archived twice: each record counts once, by key and timestamp, and not at all where
# its copies differ.
resource "aws_athena_named_query" "archive" {
  count = local.glues

  name        = "${local.function_name}-archive"
  description = "One day's archived changes, each once: put the days that you want into the condition on dt."
  database    = aws_glue_catalog_database.archive[0].name
  query       = <<-SQL
    SELECT "timestamp", key, event_name, actor, reason, changed_attributes,
      json_extract(item, '$.old_image.M') AS old_image,
      json_extract(item, '$.new_image.M') AS new_image
    FROM (
      SELECT *, row_number() OVER (PARTITION BY key, "timestamp" ORDER BY item) AS copy,
        min(item) OVER (PARTITION BY key, "timestamp") AS lowest, max(item) OVER (PARTITION BY key, "timestamp") AS highest
      FROM ${aws_glue_catalog_table.archive[0].name}
      WHERE dt BETWEEN '2026-11-24' AND '2026-11-24'
    )
    WHERE copy = 1 AND lowest = highest
    ORDER BY "timestamp"
  SQL
}
