# Who may do more than read, and what no function's role may ever exceed.

resource "aws_iam_role" "people" {
  for_each = toset(["break-glass", "operators"])

  name = "complete-orders-${each.key}"
  tags = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "People"
      Effect    = "Allow"
      Principal = { AWS = length(var.people_may_be_assumed_by) > 0 ? var.people_may_be_assumed_by : ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"] }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "operators" {
  name   = "operators"
  role   = aws_iam_role.people["operators"].name
  policy = module.orders_audit.operator_policy_json
}

resource "aws_iam_policy" "boundary" {
  # checkov:skip=CKV_AWS_290: a boundary allows nothing by itself; the roles' own policies name each resource.
  # checkov:skip=CKV_AWS_355: a boundary allows nothing by itself; the roles' own policies name each resource.

  name = "complete-orders-audit-boundary"
  tags = local.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "AuditFunctions"
      Effect = "Allow"
      Action = [
        "dynamodb:DescribeStream",
        "dynamodb:DescribeTable",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "dynamodb:PartiQLInsert",
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:GetEventSourceMapping",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:ListBucket",
        "s3:PutObject",
      ]
      Resource = "*"
    }]
  })
}
