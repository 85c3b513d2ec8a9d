# What `trail verify` needs: it reads both tables whole, so it's a policy of its own.

locals {
  verifier_policy = {
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "VerifyHistory"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:Query", "dynamodb:Scan"]
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "CompareItems"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Scan"]
        Resource = var.source_table.arn
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.history.arn}/images/*"
      },
      {
        # Without ListBucket, S3 answers for an object that is gone as for one that is forbidden. It lists the archive, too.
        Sid      = "TellGoneFromForbidden"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.history.arn
      },
    ], local.read_archive_statements, local.read_key_statements, local.source_key_statements)
  }
}
