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
  description = "Name of the trail's bucket."
  value       = aws_s3_bucket.trail.id
}

output "bucket_arn" {
  description = "ARN of the trail's bucket."
  value       = aws_s3_bucket.trail.arn
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

output "application_policy_json" {
  description = "IAM policy for the application: it reads and writes the source table's items, and opens nothing of the trail."
  value       = jsonencode(local.application_policy)
}

output "trail_command" {
  description = "The line that points the command line `trail` at this trail."
  value       = "export TRAIL_AUDIT_TABLE=${aws_dynamodb_table.audit.name}"
}
