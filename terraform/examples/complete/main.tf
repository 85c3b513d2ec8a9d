# Everything on: an index by time and by actor, alarms and a dashboard, a key of one's own on both sides, a VPC, a
# permissions boundary, tags, and a history that only break-glass may rewrite.

locals {
  tags = { application = "orders", example = "complete" }
}

resource "aws_dynamodb_table" "orders" {
  # checkov:skip=CKV_AWS_119: it stands for a table of yours, with its own key.
  # checkov:skip=CKV_AWS_28: it stands for a table of yours, with its own backups.
  # checkov:skip=CKV2_AWS_16: its capacity is on demand.

  name         = "complete-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "customer"
  range_key    = "order_id"

  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "order_id"
    type = "N"
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.audit.arn
  }

  tags = local.tags
}

module "orders_audit" {
  source = "../../modules/audit_trail"

  source_table     = aws_dynamodb_table.orders
  audit_table_name = "complete-orders-audit"
  handler_zip      = var.handler_zip

  actor_attribute  = "updated_by"
  reason_attribute = "reason"
  image_storage    = "new_and_diff"
  retention_days   = 3650

  time_index  = { shards = 8 }
  actor_index = {}
  capacity    = { max_write_request_units = 4000 }

  kms_key                  = aws_kms_key.audit
  source_kms_key           = aws_kms_key.audit
  permissions_boundary_arn = aws_iam_policy.boundary.arn
  tags                     = local.tags
  reserved_concurrency     = null # a new account has as few as 10 in all, of which AWS sets none aside: raise that quota first

  vpc = {
    subnet_ids         = [for subnet in aws_subnet.functions : subnet.id]
    security_group_ids = [aws_security_group.functions.id]
  }

  append_only = {
    break_glass_role_arns = [aws_iam_role.people["break-glass"].arn]
    operator_role_arns    = [aws_iam_role.people["operators"].arn]
  }

  alarms        = var.alarms
  alarm_actions = [aws_sns_topic.on_call.arn]
  dashboard     = true
}

resource "aws_sns_topic" "on_call" {
  # checkov:skip=CKV_AWS_26: its messages name an alarm and what to read, no data.

  name = "complete-orders-on-call"
  tags = local.tags
}

output "trail_command" {
  description = "The line that points the command line `trail` at this trail."
  value       = module.orders_audit.trail_command
}
