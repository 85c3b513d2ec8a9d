# Which attribute is the audit table's partition key. The function applies the same rule (audit_trail.core.keys).

locals {
  # Attributes that a record has of its own.
  reserved_names = [
    "actor",
    "actor_bucket",
    "actor_source",
    "approximate_creation_date_time",
    "aws_region",
    "changed_attributes",
    "diff",
    "event_id",
    "event_name",
    "event_source",
    "event_source_arn",
    "event_version",
    "expires_at",
    "images",
    "keys",
    "new_image",
    "new_image_sha256",
    "old_image",
    "old_image_sha256",
    "other",
    "reason",
    "reason_source",
    "schema_version",
    "sequence_number",
    "size_bytes",
    "stream_view_type",
    "time_bucket",
    "timestamp",
    "user_identity",
  ]

  source_partition_key = var.source_table.hash_key
  # The resource says null where there is no sort key, the data source an empty string.
  source_sort_key = var.source_table.range_key == "" ? null : var.source_table.range_key
  source_types    = { for attribute in var.source_table.attribute : attribute.name => attribute.type }

  # HCL counts characters, DynamoDB bytes: n bytes are 4 * ceil(n / 3) characters of base64, so at most 255 are at most 340.
  source_partition_key_fits = length(base64encode(local.source_partition_key)) <= 340

  wanted_partition_key = (
    local.source_sort_key != null ? "${local.source_partition_key}#${local.source_sort_key}" :
    contains(local.reserved_names, local.source_partition_key) || !local.source_partition_key_fits ? "source#${local.source_partition_key}" :
    local.source_partition_key
  )
  wanted_code_points = regexall("(?s).", local.wanted_partition_key)

  partition_key = join("", slice(local.wanted_code_points, 0, max([
    for count in range(min(255, length(local.wanted_code_points)) + 1) :
    count if length(base64encode(join("", slice(local.wanted_code_points, 0, count)))) <= 340
  ]...)))
  partition_key_type = local.source_sort_key != null ? "S" : local.source_types[local.source_partition_key]
}
