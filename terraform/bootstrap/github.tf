# Three roles for the workflow deploy.yml, which GitHub's tokens open: one that plans a pull request, one that plans the branch
# and keeps the plan for approval, and one that deploys.
# https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws

locals {
  issuer = "token.actions.githubusercontent.com"

  subject_prefix = coalesce(var.github_subject_prefix, "repo:${var.github_repository}")

  # The token's subject, whole: StringEquals knows no wildcards.
  subjects = {
    # A pull request's code runs with this one, unapproved: it must not reach a plan that waits for approval.
    pull-request = ["${local.subject_prefix}:pull_request"]
    plan         = ["${local.subject_prefix}:ref:refs/heads/${var.branch}"]
    deploy       = ["${local.subject_prefix}:environment:${var.environment}"]
  }

  oidc_provider_arn = one(coalescelist(aws_iam_openid_connect_provider.github[*].arn, [var.github_oidc_provider_arn]))
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "ci" {
  for_each = local.subjects

  name                 = "${var.audit_table_name}-trail-ci-${each.key}"
  description          = "What ${var.github_repository} may do to ${each.key} the trail of ${var.source_table_name}."
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "GitHubOnly"
      Effect    = "Allow"
      Principal = { Federated = local.oidc_provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = each.value
        }
      }
    }]
  })

  lifecycle {
    precondition {
      condition     = replace(local.subject_prefix, "/@[0-9]+/", "") == "repo:${var.github_repository}"
      error_message = "github_subject_prefix names another repository than github_repository, ${var.github_repository}."
    }
  }
}

resource "aws_iam_role_policy" "state" {
  for_each = local.state_statements

  name   = "state"
  role   = aws_iam_role.ci[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy" "trail" {
  for_each = local.trail_statements

  name   = "trail"
  role   = aws_iam_role.ci[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

locals {
  read_state_statements = [
    {
      Sid      = "FindState"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = aws_s3_bucket.state.arn
    },
    {
      Sid      = "ReadState"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = local.state_arn
    },
  ]

  state_statements = {
    pull-request = local.read_state_statements
    plan = concat(local.read_state_statements, [{
      Sid      = "KeepPlans"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${aws_s3_bucket.state.arn}/${local.plans}/*"
    }])
    deploy = [
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.state.arn
      },
      {
        Sid      = "WriteState"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = local.state_arn
      },
      {
        Sid      = "LockState"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "${local.state_arn}.tflock"
      },
      {
        Sid      = "TakePlans"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject"]
        Resource = "${aws_s3_bucket.state.arn}/${local.plans}/*"
      },
    ]
  }
}
