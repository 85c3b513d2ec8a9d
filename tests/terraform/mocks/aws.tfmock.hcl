# Valid ARNs and ids for what AWS would answer, known at plan already.

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn        = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
    stream_arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    id  = "audit-trail-123456789012-eu-central-1"
    arn = "arn:aws:s3:::audit-trail-123456789012-eu-central-1"
  }
}

override_resource {
  target = aws_s3_bucket.failures
  values = {
    id  = "audit-failures-123456789012-eu-central-1"
    arn = "arn:aws:s3:::audit-failures-123456789012-eu-central-1"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    id  = "audit-trail-eu-central-1"
    arn = "arn:aws:iam::123456789012:role/audit-trail-eu-central-1"
  }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = {
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:audit-trail"
  }
}

mock_resource "aws_lambda_event_source_mapping" {
  defaults = {
    arn  = "arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:00000000-0000-4000-8000-000000000000"
    uuid = "00000000-0000-4000-8000-000000000000"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:eu-central-1:123456789012:rule/audit-stream-check"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/audit-trail"
  }
}

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_region" {
  defaults = {
    id = "eu-central-1"
  }
}

mock_data "aws_dynamodb_table" {
  defaults = {
    stream_arn     = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
    stream_enabled = true
  }
}
