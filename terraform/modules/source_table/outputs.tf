output "table" {
  description = "The table in the shape that module audit_trail takes as source_table."
  value = {
    name             = aws_dynamodb_table.source.name
    arn              = aws_dynamodb_table.source.arn
    stream_arn       = aws_dynamodb_table.source.stream_arn
    stream_enabled   = aws_dynamodb_table.source.stream_enabled
    stream_view_type = aws_dynamodb_table.source.stream_view_type
    hash_key         = aws_dynamodb_table.source.hash_key
    range_key        = aws_dynamodb_table.source.range_key
    attribute        = aws_dynamodb_table.source.attribute
  }
}
