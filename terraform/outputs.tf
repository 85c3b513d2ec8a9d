data "aws_region" "current" {}

output "region" {
  description = "Region of the deployment."
  value       = data.aws_region.current.id
}

output "source_table_name" {
  description = "Name of the source table."
  value       = module.orders.table.name
}

output "source_table_arn" {
  description = "ARN of the source table."
  value       = module.orders.table.arn
}

output "audit_table_name" {
  description = "Name of the audit table."
  value       = module.audit.audit_table_name
}

output "audit_table_arn" {
  description = "ARN of the audit table."
  value       = module.audit.audit_table_arn
}

output "function_name" {
  description = "Name of the function."
  value       = module.audit.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = module.audit.function_arn
}

output "function_role_name" {
  description = "Name of the function's role."
  value       = module.audit.function_role_name
}

output "stream_check_function_name" {
  description = "Name of the function that checks the stream. Null: alarms are off."
  value       = module.audit.stream_check_function_name
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.audit.log_group_name
}

output "event_source_mapping_uuid" {
  description = "UUID of the event source mapping."
  value       = module.audit.event_source_mapping_uuid
}

output "bucket_name" {
  description = "Name of the history bucket."
  value       = module.audit.bucket_name
}

output "failures_bucket_name" {
  description = "Name of the failures bucket."
  value       = module.audit.failures_bucket_name
}

output "reader_policy_json" {
  description = "IAM policy for those who may read the history."
  value       = module.audit.reader_policy_json
}

output "doctor_policy_json" {
  description = "IAM policy for `trail doctor`: it sees how the trail is set up, and no data."
  value       = module.audit.doctor_policy_json
}

output "operator_policy_json" {
  description = "IAM policy for those who put back what could not be stored, and, with the reader policy, items as they stood."
  value       = module.audit.operator_policy_json
}

output "verifier_policy_json" {
  description = "IAM policy for `trail verify`; `trail baseline` needs it beside operator_policy_json."
  value       = module.audit.verifier_policy_json
}

output "application_policy_json" {
  description = "IAM policy for the application that writes orders."
  value       = module.audit.application_policy_json
}

output "next_steps" {
  description = "What to do once after the first apply, and after the stream was switched off and on again."
  value       = module.audit.next_steps
}

output "trail_command" {
  description = "The line that points the command line `trail` at this trail."
  value       = module.audit.trail_command
}
