data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # Both names may have 255 characters, so a source table's name may leave no room for the suffix.
  default_audit_table_name = (
    length(var.source_table.name) <= 249
    ? "${var.source_table.name}-audit"
    : "${substr(var.source_table.name, 0, 240)}-${substr(sha256(var.source_table.name), 0, 8)}-audit"
  )
  audit_table_name = coalesce(var.audit_table_name, local.default_audit_table_name)

  # Table names may be longer than other names and hold characters that those may not. What has to be cut or changed
  # gets a hash of the whole name, so that two tables never meet in one name. Neither do two that differ in case alone:
  # IAM takes Orders and orders for the same role.
  dashed_name    = trim(replace(local.audit_table_name, "/[^a-zA-Z0-9-]/", "-"), "-")
  name_hash      = substr(sha256(local.audit_table_name), 0, 8)
  case_sensitive = ["function", "stream_check", "archive", "tampering"]
  name_parts = {
    function          = { stem = local.dashed_name, suffix = "-trail", limit = 64 }
    role              = { stem = local.dashed_name, suffix = "-trail-${data.aws_region.current.id}", limit = 64 }
    stream_check      = { stem = local.dashed_name, suffix = "-stream-check", limit = 64 }
    stream_check_role = { stem = local.dashed_name, suffix = "-stream-check-${data.aws_region.current.id}", limit = 64 }
    archive           = { stem = local.dashed_name, suffix = "-archive", limit = 64 }
    archive_role      = { stem = local.dashed_name, suffix = "-archive-${data.aws_region.current.id}", limit = 64 }
    tampering         = { stem = local.dashed_name, suffix = "-tampering", limit = 64 }
    tampering_role    = { stem = local.dashed_name, suffix = "-tampering-${data.aws_region.current.id}", limit = 64 }
    failures_bucket   = { stem = lower(local.dashed_name), suffix = "-failures-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.id}", limit = 63 }
    bucket            = { stem = lower(local.dashed_name), suffix = "-trail-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.id}", limit = 63 }
  }
  default_names = {
    for kind, part in local.name_parts : kind =>
    (contains(local.case_sensitive, kind) ? part.stem : lower(part.stem)) == local.audit_table_name && length("${part.stem}${part.suffix}") <= part.limit
    ? "${part.stem}${part.suffix}"
    : trim("${trim(substr(part.stem, 0, part.limit - length(part.suffix) - 9), "-")}-${local.name_hash}${part.suffix}", "-")
  }

  function_name = coalesce(var.function_name, local.default_names.function)
  role_name     = local.default_names.role
  bucket_name   = coalesce(var.bucket_name, local.default_names.bucket)

  failures_bucket_name = coalesce(local.failures.bucket_name, local.default_names.failures_bucket)
}
