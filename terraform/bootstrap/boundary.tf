# The most that the functions' roles may ever do, whatever their own policies say. The role that deploys writes those
# policies, so without this it could write itself an administrator.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html

locals {
  boundary_name = "${var.audit_table_name}-trail-boundary"
  boundary_arn  = "${local.arn}:iam::${local.account}:policy/${local.boundary_name}"

  boundary_statements = [
    {
      Sid      = "AddRecords"
      Effect   = "Allow"
      Action   = ["dynamodb:PartiQLInsert"]
      Resource = [local.audit_table]
    },
    {
      Sid      = "DescribeTables"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeTable"]
      Resource = [local.source_table, local.audit_table]
    },
    {
      Sid      = "ReadStreams"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
      Resource = ["${local.source_table}/stream/*", "${local.audit_table}/stream/*"]
    },
    {
      Sid      = "AddObjects"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = flatten([for bucket in local.buckets : [for prefix in ["archive", "aws/lambda", "images", "quarantine"] : "${bucket}/${prefix}/*"]])
    },
    {
      Sid      = "FindOnFailureDestination"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = local.buckets
    },
    {
      Sid      = "SeeMappings"
      Effect   = "Allow"
      Action   = ["lambda:GetEventSourceMapping"]
      Resource = [local.mappings]
    },
    {
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = [for name in local.functions : "${local.arn}:logs:${local.here}:log-group:/aws/lambda/${name}:*"]
    },
  ]

  # What keeps the boundary in its place. Which actions know the condition key:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
  role_statements = [
    {
      Sid       = "WriteBoundedRoles"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = local.roles
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
    },
    {
      Sid      = "KeepBoundaries"
      Effect   = "Deny"
      Action   = ["iam:DeleteRolePermissionsBoundary"]
      Resource = ["*"]
    },
    {
      Sid      = "KeepTheBoundarysPolicy"
      Effect   = "Deny"
      Action   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"]
      Resource = [local.boundary_arn]
    },
    {
      Sid       = "GiveRolesToFunctions"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = local.roles
      Condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } }
    },
  ]
}

resource "aws_iam_policy" "boundary" {
  name        = local.boundary_name
  description = "The most that the roles of the trail of ${var.source_table_name} may do."
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.boundary_statements })
}
