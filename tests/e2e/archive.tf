# A fourth trail, whose records expire into an archive, put beside the example for the end-to-end tests.

module "letters" {
  source = "./modules/source_table"

  name                = "${var.name_prefix}letters"
  partition_key       = { name = "letter", type = "S" }
  deletion_protection = false
}

module "letters_audit" {
  source = "./modules/audit_trail"

  source_table        = module.letters.table
  handler_zip         = var.handler_zip
  actor_attribute     = "updated_by"
  reason_attribute    = "reason"
  retention_days      = 365
  archive             = {}
  deletion_protection = false
  force_destroy       = true
  failures            = { redriven_days = 0 }
  alarms              = null
}

output "letters" {
  value = {
    source_table    = module.letters.table.name
    audit_table     = module.letters_audit.audit_table_name
    function        = module.letters_audit.function_name
    function_role   = module.letters_audit.function_role_name
    bucket          = module.letters_audit.bucket_name
    failures_bucket = module.letters_audit.failures_bucket_name
    archive         = module.letters_audit.archive_function_name
    archive_mapping = module.letters_audit.archive_event_source_mapping_uuid
    tampering       = module.letters_audit.tampering_function_name
    reader_policy   = module.letters_audit.reader_policy_json
    verifier_policy = module.letters_audit.verifier_policy_json
    operator_policy = module.letters_audit.operator_policy_json
  }
}
