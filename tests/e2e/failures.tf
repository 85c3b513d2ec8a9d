# A third trail, put beside the example for the end-to-end tests that take it apart.

module "parcels" {
  source = "./modules/source_table"

  name                = "${var.name_prefix}parcels"
  partition_key       = { name = "parcel", type = "N" }
  deletion_protection = false
}

module "parcels_audit" {
  source = "./modules/audit_trail"

  source_table        = module.parcels.table
  handler_zip         = var.handler_zip
  deletion_protection = false
  force_destroy       = true
  failures            = { redriven_days = 0 }
  alarms              = null
}

output "parcels" {
  value = {
    source_table    = module.parcels.table.name
    audit_table     = module.parcels_audit.audit_table_name
    function        = module.parcels_audit.function_name
    bucket          = module.parcels_audit.bucket_name
    failures_bucket = module.parcels_audit.failures_bucket_name
    mapping         = module.parcels_audit.event_source_mapping_uuid
  }
}
