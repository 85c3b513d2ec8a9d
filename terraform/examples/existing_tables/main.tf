# Tables that are there already, whoever manages them, one trail each: nothing of theirs is changed.

data "aws_dynamodb_table" "audited" {
  for_each = var.tables

  name = each.key
}

module "audit" {
  source   = "../../modules/audit_trail"
  for_each = var.tables

  source_table    = data.aws_dynamodb_table.audited[each.key]
  handler_zip     = var.handler_zip
  actor_attribute = lookup(each.value, "actor_attribute", null)
  retention_days  = lookup(each.value, "retention_days", null)
  append_only     = var.append_only
  alarms          = var.alarms
}

output "trail_commands" {
  description = "For each table, the line that points the command line `trail` at its trail."
  value       = { for name, trail in module.audit : name => trail.trail_command }
}
