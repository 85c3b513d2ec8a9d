# What Terraform asks of AWS for the root: to read all of it (plan), and to make and change it (deploy). Neither opens an
# item, an object or a log line, and neither may delete a table or a bucket.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  region     = data.aws_region.current.id
  account    = data.aws_caller_identity.current.account_id
  arn        = "arn:${data.aws_partition.current.partition}"
  here       = "${local.region}:${local.account}"
  functions  = [for part in ["trail", "stream-check", "archive", "tampering"] : "${var.audit_table_name}-${part}"]
  roles      = [for name in local.functions : "${local.arn}:iam::${local.account}:role/${name}-${local.region}"]
  mappings   = "${local.arn}:lambda:${local.here}:event-source-mapping:*"
  buckets    = [for part in ["trail", "failures"] : "${local.arn}:s3:::${var.audit_table_name}-${part}-${local.account}-${local.region}"]
  of_mapping = { ArnEquals = { "lambda:FunctionArn" = [for name in local.functions : "${local.arn}:lambda:${local.here}:function:${name}"] } }

  source_table = "${local.arn}:dynamodb:${local.here}:table/${var.source_table_name}"
  audit_table  = "${local.arn}:dynamodb:${local.here}:table/${var.audit_table_name}"

  # Kind of resource → which ones, and what may be done to them.
  permissions = {
    Tables = {
      resources = [local.source_table, local.audit_table]
      read      = ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:GetResourcePolicy", "dynamodb:ListTagsOfResource"]
      write     = ["dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"]
    }
    Buckets = {
      resources = local.buckets
      read = [
        "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketRequestPayment", "s3:GetBucketTagging",
        "s3:GetBucketVersioning", "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
        "s3:ListBucket", # HeadBucket
      ]
      write = [
        "s3:CreateBucket", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging",
        "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
      ]
    }
    Functions = {
      resources = [for name in local.functions : "${local.arn}:lambda:${local.here}:function:${name}"]
      read      = ["lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction"]
      write = [
        "lambda:AddPermission", "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource",
        "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
      ]
    }
    Roles = {
      # A trust policy is nobody's to change here: each of the module's says Lambda, from the role's creation on.
      resources = local.roles
      read      = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies"]
      write     = ["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"]
    }
    Logs = {
      # With :* for most actions, without it for tags:
      # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
      resources = flatten([for name in local.functions : [for end in ["", ":*"] : "${local.arn}:logs:${local.here}:log-group:/aws/lambda/${name}${end}"]])
      read      = ["logs:ListTagsForResource"]
      write     = ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"]
    }
    Schedule = {
      resources = ["${local.arn}:events:${local.here}:rule/${local.functions[1]}"]
      read      = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
      write     = ["events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource", "events:UntagResource"]
    }
    Alarms = {
      resources = ["${local.arn}:cloudwatch:${local.here}:alarm:${local.functions[0]}-*"]
      read      = ["cloudwatch:ListTagsForResource"]
      write     = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"]
    }
    Dashboard = {
      resources = ["${local.arn}:cloudwatch::${local.account}:dashboard/${local.functions[0]}"]
      read      = ["cloudwatch:GetDashboard"]
      write     = ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"]
    }
  }

  # What AWS lets nobody narrow further: lists are of everything, and a mapping's id is not known before it is made.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
  seeing_statements = [
    {
      Sid      = "FindLogs"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogGroups"]
      Resource = ["${local.arn}:logs:${local.here}:log-group:*"]
    },
    {
      Sid      = "FindAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms"]
      Resource = ["${local.arn}:cloudwatch:${local.here}:alarm:*"]
    },
    {
      Sid      = "SeeMapping"
      Effect   = "Allow"
      Action   = ["lambda:GetEventSourceMapping", "lambda:ListTags"]
      Resource = [local.mappings]
    },
  ]

  planner_statements = concat(local.seeing_statements, [
    for kind, one in local.permissions : { Sid = "See${kind}", Effect = "Allow", Action = one.read, Resource = one.resources }
  ])

  trail_statements = {
    pull-request = local.planner_statements
    plan         = local.planner_statements
    deploy = concat(local.seeing_statements, local.mapping_statements, local.role_statements, local.history_statements, [
      for kind, one in local.permissions : { Sid = "Manage${kind}", Effect = "Allow", Action = concat(one.read, one.write), Resource = one.resources }
    ])
  }

  mapping_statements = [
    {
      Sid       = "MakeMapping"
      Effect    = "Allow"
      Action    = ["lambda:CreateEventSourceMapping"]
      Resource  = ["*"]
      Condition = local.of_mapping
    },
    {
      Sid       = "ManageMapping"
      Effect    = "Allow"
      Action    = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      Resource  = [local.mappings]
      Condition = local.of_mapping
    },
  ]

  # What would erase history and leave every table and bucket standing. Making a trail needs most of it once.
  history_statements = slice([{
    Sid    = "KeepHistory"
    Effect = "Deny"
    Action = [
      "dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive",
      "s3:DeleteBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ]
    Resource = concat([local.audit_table], local.buckets)
  }], 0, var.lock_history ? 1 : 0)
}
