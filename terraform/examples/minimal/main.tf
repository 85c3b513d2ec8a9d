# The least: a table, and one block that audits it.

resource "aws_dynamodb_table" "orders" {
  # checkov:skip=CKV_AWS_119: it stands for a table of yours, with its own key.
  # checkov:skip=CKV_AWS_28: it stands for a table of yours, with its own backups.
  # checkov:skip=CKV2_AWS_16: its capacity is on demand.

  name         = "minimal-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "order_id"

  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "order_id"
    type = "N"
  }
}

module "orders_audit" {
  source = "../../modules/audit_trail"

  source_table = aws_dynamodb_table.orders
  handler_zip  = var.handler_zip
}

output "trail_command" {
  description = "The line that points the command line `trail` at this trail."
  value       = module.orders_audit.trail_command
}
