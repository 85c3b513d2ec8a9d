# A second table, with a composite key and with alarms, put beside the example for the end-to-end tests.

module "visits" {
  source = "./modules/source_table"

  name                = "${var.name_prefix}visits"
  partition_key       = { name = "shop", type = "S" }
  sort_key            = { name = "visit", type = "B" }
  deletion_protection = false
}

module "visits_audit" {
  source = "./modules/audit_trail"

  source_table        = module.visits.table
  handler_zip         = var.handler_zip
  deletion_protection = false
  force_destroy       = true
  failures            = { redriven_days = 0 }

  alarms        = { silence_minutes = 30 }
  alarm_actions = ["arn:aws:sns:us-east-1:000000000000:on-call"]
  dashboard     = true
}

output "composite_source_table_name" {
  value = module.visits.table.name
}

output "composite_audit_table_name" {
  value = module.visits_audit.audit_table_name
}

output "composite_function_name" {
  value = module.visits_audit.function_name
}

output "composite_stream_check_function_name" {
  value = module.visits_audit.stream_check_function_name
}

output "composite_event_source_mapping_uuid" {
  value = module.visits_audit.event_source_mapping_uuid
}

output "composite_failures_bucket_name" {
  value = module.visits_audit.failures_bucket_name
}

output "composite_bucket_name" {
  value = module.visits_audit.bucket_name
}
