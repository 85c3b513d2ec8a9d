# terraform/bootstrap: who gets the roles, and what they may do. test_policies.py looks through the policies.

mock_provider "aws" {
  source          = "./mocks"
  override_during = plan
}

variables {
  state_bucket_name = "example-state"
  github_repository = "example/table-trail"
}

run "bootstrap_defaults" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  assert {
    condition = jsondecode(aws_iam_role.ci["deploy"].assume_role_policy).Statement == [{
      Sid       = "GitHubOnly"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = ["repo:example/table-trail:environment:production"]
        }
      }
    }]
    error_message = "Jobs of the environment alone take the role that deploys."
  }

  assert {
    condition = { for kind in ["plan", "pull-request"] : kind => jsondecode(aws_iam_role.ci[kind].assume_role_policy).Statement[0].Condition } == {
      plan = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = ["repo:example/table-trail:ref:refs/heads/main"]
        }
      }
      pull-request = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = ["repo:example/table-trail:pull_request"]
        }
      }
    }
    error_message = "The branch alone takes the role that plans it, and pull requests alone the one that plans them."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && tolist(aws_iam_openid_connect_provider.github[0].client_id_list) == tolist(["sts.amazonaws.com"])
    error_message = "The provider is GitHub's, for AWS."
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled" && alltrue([for one in aws_s3_bucket_server_side_encryption_configuration.state.rule : one.apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"])
    error_message = "The state's bucket is versioned and encrypted."
  }

  assert {
    condition     = alltrue([aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy, aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets])
    error_message = "The state's bucket is never public."
  }

  assert {
    condition = contains(jsondecode(aws_s3_bucket_policy.state.policy).Statement, {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    })
    error_message = "The state's bucket answers over TLS only."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.filter[0].prefix if rule.id == "plans" || rule.id == "old-states"] == ["table-trail/plans/", "table-trail/terraform.tfstate"]
    error_message = "Plans expire, and old versions of the state."
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.id => try(rule.expiration[0].days, null) } == { plans = 7, old-states = null, unfinished-uploads = null }
    error_message = "The state itself never expires."
  }
}

run "bootstrap_with_the_accounts_provider" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    branch                   = "release/1.x"
    environment              = "live"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && jsondecode(aws_iam_role.ci["plan"].assume_role_policy).Statement[0].Principal.Federated == var.github_oidc_provider_arn
    error_message = "An account's own provider is taken, and no second one made."
  }

  assert {
    condition = (
      jsondecode(aws_iam_role.ci["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/table-trail:environment:live"] &&
      contains(jsondecode(aws_iam_role.ci["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"], "repo:example/table-trail:ref:refs/heads/release/1.x")
    )
    error_message = "Branch and environment are those that were named."
  }
}

run "bootstrap_with_immutable_subjects" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_subject_prefix = "repo:example@123456/table-trail@456789"
  }

  assert {
    condition = { for kind, role in aws_iam_role.ci : kind => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] } == {
      pull-request = ["repo:example@123456/table-trail@456789:pull_request"]
      plan         = ["repo:example@123456/table-trail@456789:ref:refs/heads/main"]
      deploy       = ["repo:example@123456/table-trail@456789:environment:production"]
    }
    error_message = "With ids in the subject, each role takes that subject alone."
  }
}

run "bootstrap_takes_the_older_subject" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_subject_prefix = "repo:example/table-trail"
  }

  assert {
    condition     = jsondecode(aws_iam_role.ci["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/table-trail:environment:production"]
    error_message = "The prefix is what GitHub says, with ids or without."
  }
}

run "bootstrap_locks_history" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    lock_history = true
  }
}

run "bootstrap_refuses_another_repositorys_subject" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_subject_prefix = "repo:example@123456/another@456789"
  }

  expect_failures = [aws_iam_role.ci]
}

run "bootstrap_refuses_github_subject_prefix" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_subject_prefix = "repo:example@*/table-trail@456789"
  }

  expect_failures = [var.github_subject_prefix]
}

run "bootstrap_refuses_a_subject_with_one_id" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_subject_prefix = "repo:example@123456/table-trail"
  }

  expect_failures = [var.github_subject_prefix]
}

run "bootstrap_refuses_state_bucket_name" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    state_bucket_name = "Not_A_Bucket"
  }

  expect_failures = [var.state_bucket_name]
}

run "bootstrap_refuses_github_repository" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_repository = "example/*"
  }

  expect_failures = [var.github_repository]
}

run "bootstrap_refuses_branch" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    branch = "*"
  }

  expect_failures = [var.branch]
}

run "bootstrap_refuses_environment" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    environment = "prod*"
  }

  expect_failures = [var.environment]
}

run "bootstrap_refuses_github_oidc_provider_arn" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.com"
  }

  expect_failures = [var.github_oidc_provider_arn]
}

run "bootstrap_refuses_source_table_name" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    source_table_name = "or"
  }

  expect_failures = [var.source_table_name]
}

run "bootstrap_refuses_audit_table_name" {
  command = plan

  module {
    source = "../../terraform/bootstrap"
  }

  variables {
    audit_table_name = "Audit"
  }

  expect_failures = [var.audit_table_name]
}
