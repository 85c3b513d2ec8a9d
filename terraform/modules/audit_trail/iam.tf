# The function's role. Each of its policies stands beside the resource that it opens.

resource "aws_iam_role" "function" {
  name        = local.role_name
  description = "What the function ${local.function_name} may do."

  # No aws:SourceAccount or aws:SourceArn: AWS documents neither for execution roles. Only someone of this account who
  # may pass this role (iam:PassRole) can give it to a function.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaOnly"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# Policies to attach to people and programs, handed out as outputs. Whoever reads the source table can't read its
# history, and the other way round, unless they are given both.

locals {
  reader_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadHistory"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:Query"]
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "FindTrail"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"]
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "DescribeKeys"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = var.source_table.arn
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.trail.arn}/images/*"
      },
    ]
  }

  # Puts back what could not be stored. To know that somebody else moved an object, S3 asks for ListBucket on the whole
  # bucket: without it, what is gone is answered like what is forbidden.
  operator_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "AddRecords"
        Effect   = "Allow"
        Action   = "dynamodb:PartiQLInsert"
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "FindTrail"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"]
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "DescribeKeys"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = var.source_table.arn
      },
      {
        Sid      = "ListFailures"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.trail.arn
      },
      {
        Sid      = "TakeFailures"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject"]
        Resource = ["${aws_s3_bucket.trail.arn}/aws/lambda/*", "${aws_s3_bucket.trail.arn}/quarantine/*"]
      },
      {
        Sid      = "KeepRedriven"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.trail.arn}/redriven/*"
      },
      {
        Sid      = "StoreImages"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.trail.arn}/images/*"
      },
    ]
  }

  application_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadItems"
        Effect = "Allow"
        Action = [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DescribeTable",
          "dynamodb:GetItem",
          "dynamodb:Query",
          "dynamodb:Scan",
        ]
        Resource = [var.source_table.arn, "${var.source_table.arn}/index/*"]
      },
      {
        Sid    = "WriteItems"
        Effect = "Allow"
        Action = [
          "dynamodb:BatchWriteItem",
          "dynamodb:DeleteItem",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
        ]
        Resource = var.source_table.arn
      },
    ]
  }
}
