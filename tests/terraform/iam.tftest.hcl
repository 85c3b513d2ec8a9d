# Module audit_trail: who may do what. test_terraform.py looks through these plans for anything beyond it.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

run "policies" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  assert {
    condition = jsondecode(aws_iam_role.function.assume_role_policy).Statement == [{
      Sid       = "LambdaOnly"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
    error_message = "Lambda alone takes the function's role."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.audit_table.policy).Statement == [{
      Sid      = "AddRecords"
      Effect   = "Allow"
      Action   = "dynamodb:PartiQLInsert"
      Resource = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
    }]
    error_message = "The function adds records to the audit table, and nothing else."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.stream.policy).Statement == [
      {
        Sid      = "ReadStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource = var.source_table.stream_arn
      },
      {
        Sid      = "ListStreams"
        Effect   = "Allow"
        Action   = "dynamodb:ListStreams"
        Resource = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/*"
      },
    ]
    error_message = "The function reads this one stream."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.logs.policy).Statement == [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/audit-trail:*"
    }]
    error_message = "The function writes to its own log group."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.bucket.policy).Statement : jsonencode(statement.Resource) => statement.Action } == {
      "\"arn:aws:s3:::audit-trail-123456789012-eu-central-1/images/*\""        = "s3:PutObject"
      "\"arn:aws:s3:::audit-failures-123456789012-eu-central-1/quarantine/*\"" = "s3:PutObject"
      "\"arn:aws:s3:::audit-failures-123456789012-eu-central-1\""              = "s3:ListBucket"
      jsonencode([
        "arn:aws:s3:::audit-failures-123456789012-eu-central-1/aws/lambda/*",
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1/aws/lambda/*",
      ]) = "s3:PutObject"
    }
    error_message = "The function adds images to the history bucket, and what can't be stored to the failures bucket; what Lambda gives up on may still go to the history bucket, as it did before an upgrade."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.stream_check[0].policy).Statement == [
      {
        Sid      = "DescribeSourceTable"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
      },
      {
        Sid      = "SeeMapping"
        Effect   = "Allow"
        Action   = "lambda:GetEventSourceMapping"
        Resource = "arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:00000000-0000-4000-8000-000000000000"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/audit-trail:*"
      },
    ]
    error_message = "The check of the stream sees the source table's description and the mapping."
  }

  assert {
    condition     = aws_iam_role.stream_check[0].name == "orders-audit-stream-check-eu-central-1" && aws_iam_role.stream_check[0].assume_role_policy == aws_iam_role.function.assume_role_policy
    error_message = "The check of the stream has a role of its own, which Lambda alone takes."
  }
}

run "bucket_policy" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  assert {
    condition = contains(jsondecode(aws_s3_bucket_policy.history.policy).Statement, {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource = [
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1",
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1/*",
      ]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    })
    error_message = "The bucket answers over TLS only."
  }

  assert {
    condition = contains(jsondecode(aws_s3_bucket_policy.history.policy).Statement, {
      Sid       = "WriteOnce"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource = [
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1/archive/*",
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1/images/*",
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1/quarantine/*",
      ]
      Condition = { Null = { "s3:if-none-match" = "true" } }
    })
    error_message = "Neither an archived record, an image nor a quarantined record is ever written over."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.history.policy).Statement : statement.Effect == "Deny"])
    error_message = "The bucket policy opens nothing."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.failures.policy).Statement == [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          "arn:aws:s3:::audit-failures-123456789012-eu-central-1",
          "arn:aws:s3:::audit-failures-123456789012-eu-central-1/*",
        ]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "WriteOnce"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = ["arn:aws:s3:::audit-failures-123456789012-eu-central-1/quarantine/*"]
        Condition = { Null = { "s3:if-none-match" = "true" } }
      },
    ]
    error_message = "The failures bucket answers over TLS only, and no quarantined record is ever written over."
  }
}

run "failures_readers" {
  command = plan

  module {
    source = "../../terraform/modules/audit_trail"
  }

  variables {
    failures = { reader_role_arns = ["arn:aws:iam::123456789012:role/operators"] }
  }

  assert {
    condition = contains(jsondecode(aws_s3_bucket_policy.failures.policy).Statement, {
      Sid       = "ReadersOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource  = "arn:aws:s3:::audit-failures-123456789012-eu-central-1/*"
      Condition = { ArnNotEquals = { "aws:PrincipalArn" = ["arn:aws:iam::123456789012:role/operators"] } }
    })
    error_message = "With a list of readers, nobody else reads what could not be stored."
  }

  assert {
    condition     = length(jsondecode(aws_s3_bucket_policy.history.policy).Statement) == 2
    error_message = "The list is the failures bucket's alone."
  }
}
