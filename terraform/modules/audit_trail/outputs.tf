output "audit_table_name" {
  description = "Name of the audit table."
  value       = aws_dynamodb_table.audit.name
}

output "audit_table_arn" {
  description = "ARN of the audit table."
  value       = aws_dynamodb_table.audit.arn
}

output "partition_key" {
  description = "Name of the audit table's partition key."
  value       = local.partition_key
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.trail.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.trail.arn
}

output "function_role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.function.name
}

output "function_role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.function.arn
}

output "stream_check_function_name" {
  description = "Name of the function that checks the stream. Null: alarms are off."
  value       = one(aws_lambda_function.stream_check[*].function_name)
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.function.name
}

output "event_source_mapping_uuid" {
  description = "UUID of the event source mapping."
  value       = aws_lambda_event_source_mapping.stream.uuid
}

output "bucket_name" {
  description = "Name of the history bucket."
  value       = aws_s3_bucket.history.id
}

output "bucket_arn" {
  description = "ARN of the history bucket."
  value       = aws_s3_bucket.history.arn
}

output "failures_bucket_name" {
  description = "Name of the failures bucket."
  value       = aws_s3_bucket.failures.id
}

output "failures_bucket_arn" {
  description = "ARN of the failures bucket."
  value       = aws_s3_bucket.failures.arn
}

output "archive_function_name" {
  description = "Name of the function that archives what expires. Null: no archive."
  value       = one(aws_lambda_function.archive[*].function_name)
}

output "tampering_function_name" {
  description = "Name of the function that counts records changed or deleted by hand. Null: no archive."
  value       = one(aws_lambda_function.tampering[*].function_name)
}

output "archive_event_source_mapping_uuid" {
  description = "UUID of the event source mapping between the audit table's stream and the archive. Null: no archive."
  value       = one(aws_lambda_event_source_mapping.archive[*].uuid)
}

output "archive_athena_database" {
  description = "Name of the Glue database with the table `archive`. Null: not asked for."
  value       = one(aws_glue_catalog_database.archive[*].name)
}

output "reader_policy_json" {
  description = "IAM policy for those who may read the history: it opens no item of the source table."
  value       = jsonencode(local.reader_policy)
}

output "doctor_policy_json" {
  description = "IAM policy for `trail doctor`, in CI for instance: it sees how the trail is set up, and no item, object or history."
  value       = jsonencode(local.doctor_policy)
}

output "operator_policy_json" {
  description = "IAM policy for those who put back what could not be stored, and items as they stood: it reads failures, adds records, reads and writes single items of the source table, and opens no history (restoring needs reader_policy_json as well)."
  value       = jsonencode(local.operator_policy)
}

output "verifier_policy_json" {
  description = "IAM policy for `trail verify`: it reads the history and the source table's items whole, and changes nothing. `trail baseline` needs it beside operator_policy_json."
  value       = jsonencode(local.verifier_policy)
}

output "application_policy_json" {
  description = "IAM policy for the application: it reads and writes the source table's items, and opens nothing of the trail."
  value       = jsonencode(local.application_policy)
}

output "next_steps" {
  description = "What to do once after the first apply, and after the stream was switched off and on again."
  value       = "Items that were there before have no history until they change: `trail baseline --dry-run` counts them, `trail baseline` records how each stands."
}

output "trail_command" {
  description = "The line that points the command line `trail` at this trail."
  value       = "export TRAIL_AUDIT_TABLE=${aws_dynamodb_table.audit.name}"
}
