# The trail's two buckets. The history bucket: images/ (what doesn't fit an item), archive/ (expired records). The failures
# bucket: aws/lambda/ (payloads that Lambda gave up on), quarantine/ (records that can never be stored), redriven/ (either,
# after it was put back). They differ in who may read them, in their key, in how long they live, and in Object Lock, which
# Lambda, writing to its on-failure destination, may not satisfy.

resource "aws_s3_bucket" "history" {
  # checkov:skip=CKV_AWS_18: who opened an object is for CloudTrail's data events to tell; a bucket for access logs is the deployer's.
  # checkov:skip=CKV2_AWS_62: nobody waits for its objects: alarms tell of what went to it.
  # checkov:skip=CKV2_AWS_61: nothing in it may expire by itself: images belong to records, and the archive is the history.
  # checkov:skip=CKV_AWS_144: a copy in another region is the deployer's to want, and to pay for.
  # checkov:skip=CKV_AWS_145: encrypted with SSE-S3: whoever could disable a key of the deployer's could take the history away.

  bucket        = local.bucket_name
  force_destroy = var.force_destroy
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "history" {
  bucket = aws_s3_bucket.history.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "history" {
  bucket = aws_s3_bucket.history.id

  rule {
    bucket_key_enabled = var.kms_key != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key == null ? "AES256" : "aws:kms"
      kms_master_key_id = one(local.keys)
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "history" {
  bucket = aws_s3_bucket.history.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "history" {
  bucket = aws_s3_bucket.history.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket" "failures" {
  # checkov:skip=CKV_AWS_18: who opened an object is for CloudTrail's data events to tell; a bucket for access logs is the deployer's.
  # checkov:skip=CKV2_AWS_62: nobody waits for its objects: alarms tell of what went to it.
  # checkov:skip=CKV2_AWS_61: what was put back expires, unless the deployer keeps it; what waits for a redrive never may.
  # checkov:skip=CKV_AWS_144: a copy in another region is the deployer's to want, and to pay for.
  # checkov:skip=CKV_AWS_145: encrypted with SSE-S3 unless the deployer gives a key.

  bucket        = local.failures_bucket_name
  force_destroy = var.force_destroy
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "failures" {
  bucket = aws_s3_bucket.failures.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "failures" {
  bucket = aws_s3_bucket.failures.id

  rule {
    bucket_key_enabled = length(local.failures_keys) > 0

    apply_server_side_encryption_by_default {
      sse_algorithm     = length(local.failures_keys) > 0 ? "aws:kms" : "AES256"
      kms_master_key_id = one(local.failures_keys)
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "failures" {
  bucket = aws_s3_bucket.failures.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "failures" {
  bucket = aws_s3_bucket.failures.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Redriving copies an object under redriven/ and deletes the first one, which stays as a noncurrent version: both go so many
# days later. What waits never expires.
resource "aws_s3_bucket_lifecycle_configuration" "failures" {
  # checkov:skip=CKV_AWS_300: objects are put whole, never uploaded in parts.

  count = local.failures.redriven_days == 0 ? 0 : 1

  bucket = aws_s3_bucket.failures.id

  rule {
    id     = "redriven"
    status = "Enabled"

    filter {
      prefix = "redriven/"
    }

    expiration {
      days = local.failures.redriven_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  dynamic "rule" {
    for_each = { given-up = "aws/lambda/", quarantined = "quarantine/" }

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        expired_object_delete_marker = true
      }

      noncurrent_version_expiration {
        noncurrent_days = local.failures.redriven_days
      }
    }
  }

  # S3 answers two configuration changes of one bucket at the same time with a conflict.
  depends_on = [aws_s3_bucket_versioning.failures, aws_s3_bucket_policy.failures]
}

locals {
  failures = {
    bucket_name      = try(var.failures.bucket_name, null)
    kms_key          = try(var.failures.kms_key, null)
    reader_role_arns = try([for arn in var.failures.reader_role_arns : arn], [])
    redriven_days    = try(coalesce(var.failures.redriven_days), 30)
  }

  tls_only_statements = { for name, arn in { history = aws_s3_bucket.history.arn, failures = aws_s3_bucket.failures.arn } : name => [{
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [arn, "${arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }] }

  # An object here is named by its content and never written again. Without the header a second write would replace it;
  # multipart uploads can't carry the header where they begin, and the function makes none. The history bucket has a
  # quarantine/ where the trail had no other bucket before.
  written_once = {
    history  = [for prefix in ["archive", "images", "quarantine"] : "${aws_s3_bucket.history.arn}/${prefix}/*"]
    failures = ["${aws_s3_bucket.failures.arn}/quarantine/*"]
  }
  write_once_statements = { for name, objects in local.written_once : name => [{
    Sid       = "WriteOnce"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = objects
    Condition = { Null = { "s3:if-none-match" = "true" } }
  }] }

  # aws:PrincipalArn is the role's ARN in every session of it.
  failures_readers = length(local.failures.reader_role_arns) == 0 ? [] : [{
    Sid       = "ReadersOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["s3:GetObject", "s3:GetObjectVersion"]
    Resource  = "${aws_s3_bucket.failures.arn}/*"
    Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.failures.reader_role_arns } }
  }]
}

resource "aws_s3_bucket_policy" "history" {
  bucket = aws_s3_bucket.history.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.tls_only_statements.history, local.write_once_statements.history, local.bucket_append_only_statements)
  })

  # S3 answers two configuration changes of one bucket at the same time with a conflict. And append_only denies three of
  # them, which therefore come before it.
  depends_on = [
    aws_s3_bucket_public_access_block.history,
    aws_s3_bucket_versioning.history,
    aws_s3_bucket_lifecycle_configuration.archive,
    aws_s3_bucket_object_lock_configuration.archive,
  ]
}

resource "aws_s3_bucket_policy" "failures" {
  bucket = aws_s3_bucket.failures.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.tls_only_statements.failures, local.write_once_statements.failures, local.failures_readers)
  })

  depends_on = [aws_s3_bucket_public_access_block.failures]
}

resource "aws_iam_role_policy" "bucket" {
  name = "bucket"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{
      Sid      = "StoreImages"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${aws_s3_bucket.history.arn}/images/*"
    }], local.keep_failures_statements)
  })
}

locals {
  # For each function that reads a stream. Lambda writes the payloads of its on-failure destination with the function's role,
  # under a prefix of its own, and asks whether it may list the bucket.
  keep_failures_statements = [
    {
      Sid      = "Quarantine"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${aws_s3_bucket.failures.arn}/quarantine/*"
    },
    {
      # Into the history bucket too: there it sends them until an upgrade has changed a mapping of before, and what it could
      # not write would be lost.
      Sid      = "OnFailureDestination"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = [for bucket in local.buckets_with_failures : "${bucket.arn}/aws/lambda/*"]
    },
    {
      Sid      = "FindOnFailureDestination"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = aws_s3_bucket.failures.arn
    },
  ]

  # A trail that had one bucket may have failures in it that wait.
  buckets_with_failures = [aws_s3_bucket.failures, aws_s3_bucket.history]
}

moved {
  from = aws_s3_bucket.trail
  to   = aws_s3_bucket.history
}

moved {
  from = aws_s3_bucket_versioning.trail
  to   = aws_s3_bucket_versioning.history
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.trail
  to   = aws_s3_bucket_server_side_encryption_configuration.history
}

moved {
  from = aws_s3_bucket_ownership_controls.trail
  to   = aws_s3_bucket_ownership_controls.history
}

moved {
  from = aws_s3_bucket_public_access_block.trail
  to   = aws_s3_bucket_public_access_block.history
}

moved {
  from = aws_s3_bucket_policy.trail
  to   = aws_s3_bucket_policy.history
}
