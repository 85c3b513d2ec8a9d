module "orders" {
  source = "./modules/source_table"

  name                   = "${var.name_prefix}${var.source_table_name}"
  partition_key          = { name = "order_id", type = "N" }
  point_in_time_recovery = var.point_in_time_recovery
  deletion_protection    = var.deletion_protection
}

module "audit" {
  source = "./modules/audit_trail"

  source_table     = module.orders.table
  audit_table_name = "${var.name_prefix}${var.audit_table_name}"
  handler_zip      = coalesce(var.handler_zip, "${path.root}/../build/handler.zip")

  actor_attribute  = var.actor_attribute
  reason_attribute = var.reason_attribute
  image_storage    = var.image_storage
  retention_days   = var.retention_days
  archive          = var.archive
  failures         = var.failures

  time_index  = var.time_index
  actor_index = var.actor_index

  capacity               = var.audit_capacity
  point_in_time_recovery = var.point_in_time_recovery
  deletion_protection    = var.deletion_protection
  force_destroy          = var.force_destroy

  runtime            = var.runtime
  architecture       = var.architecture
  memory_size        = var.memory_size
  timeout            = var.timeout
  log_retention_days = var.log_retention_days
  log_level          = var.log_level

  batch_size                 = var.batch_size
  batching_window_seconds    = var.batching_window_seconds
  parallelization_factor     = var.parallelization_factor
  maximum_record_age_seconds = var.maximum_record_age_seconds

  alarms        = var.alarms
  alarm_actions = var.alarm_actions
  dashboard     = var.dashboard

  permissions_boundary_arn = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn
  append_only              = var.append_only
}
