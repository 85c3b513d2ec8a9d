# The function's role. Each of its policies stands beside the resource that it opens.

resource "aws_iam_role" "function" {
  name        = local.role_name
  description = "What the function ${local.function_name} may do."
  tags        = var.tags

  permissions_boundary = var.permissions_boundary_arn

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

  # What decides the name may get better, and a role that is there keeps its own: another name would be another role. With
  # another audit table it follows.
  lifecycle {
    ignore_changes       = [name]
    replace_triggered_by = [aws_dynamodb_table.audit.name]
  }
}

# Policies to attach to people and programs, handed out as outputs. Whoever reads the source table can't read its
# history, and the other way round, unless they are given both.

locals {
  reader_policy = {
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ReadHistory"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
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
        Resource = "${aws_s3_bucket.history.arn}/images/*"
      },
    ], local.search_statements, local.archive_reader_statements, local.read_key_statements)
  }

  search_statements = length(local.indexes) == 0 ? [] : [{
    Sid      = "SearchHistory"
    Effect   = "Allow"
    Action   = "dynamodb:Query"
    Resource = [for name in keys(local.indexes) : "${aws_dynamodb_table.audit.arn}/index/${name}"]
  }]

  # Looks at everything that `trail doctor` judges, and reads neither items nor objects. Neither mappings nor metrics can be
  # named for these two actions, and alarms no closer than all of the region's:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
  doctor_statements = concat([
    {
      Sid    = "SeeTrail"
      Effect = "Allow"
      Action = [
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
      ]
      Resource = aws_dynamodb_table.audit.arn
    },
    {
      Sid      = "SeeSourceTable"
      Effect   = "Allow"
      Action   = "dynamodb:DescribeTable"
      Resource = var.source_table.arn
    },
    {
      Sid      = "SeeFunction"
      Effect   = "Allow"
      Action   = "lambda:GetFunctionConfiguration"
      Resource = aws_lambda_function.trail.arn
    },
    {
      Sid      = "SeeMappingsAndMetrics"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "lambda:ListEventSourceMappings"]
      Resource = "*"
    },
    {
      Sid      = "SeeAlarms"
      Effect   = "Allow"
      Action   = "cloudwatch:DescribeAlarms"
      Resource = "arn:${data.aws_partition.current.partition}:cloudwatch:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:alarm:*"
    },
    {
      Sid      = "SeeRole"
      Effect   = "Allow"
      Action   = "iam:SimulatePrincipalPolicy"
      Resource = aws_iam_role.function.arn
    },
    {
      # Without ListBucket, S3 answers for an object that is gone as for one that is forbidden, which redrive must tell apart.
      Sid    = "SeeBuckets"
      Effect = "Allow"
      Action = [
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketVersioning",
        "s3:GetLifecycleConfiguration",
        "s3:ListBucket",
      ]
      Resource = [for bucket in local.buckets_with_failures : bucket.arn]
    },
  ], local.archive_doctor_statements)

  doctor_policy = {
    Version   = "2012-10-17"
    Statement = local.doctor_statements
  }

  # `trail restore` puts items of the source table back, one by one, each on a condition. It finds out how they stood by
  # the reader policy, which goes beside this one.
  restore_statements = [{
    Sid    = "RestoreItems"
    Effect = "Allow"
    Action = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
    ]
    Resource = var.source_table.arn
  }]

  # Puts back what could not be stored and items as they stood, and sees what the doctor sees.
  operator_policy = {
    Version = "2012-10-17"
    Statement = concat(local.doctor_statements, [
      {
        Sid      = "AddRecords"
        Effect   = "Allow"
        Action   = "dynamodb:PartiQLInsert"
        Resource = aws_dynamodb_table.audit.arn
      },
      {
        Sid      = "TakeFailures"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject"]
        Resource = flatten([for bucket in local.buckets_with_failures : ["${bucket.arn}/aws/lambda/*", "${bucket.arn}/quarantine/*"]])
      },
      {
        Sid      = "KeepRedriven"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.failures.arn}/redriven/*"
      },
      {
        Sid      = "StoreImages"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.history.arn}/images/*"
      },
    ], local.restore_statements, local.archive_operator_statements, local.use_key_statements, local.source_key_statements)
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
