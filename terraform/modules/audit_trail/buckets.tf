# The trail's bucket: aws/lambda/ (payloads that Lambda gave up on), quarantine/ (records that can never be stored),
# redriven/ (either, after it was put back), images/ (what doesn't fit an item), archive/ (expired records).

resource "aws_s3_bucket" "history" {
  # checkov:skip=CKV_AWS_18: who opened an object is for CloudTrail's data events to tell; a bucket for access logs is the deployer's.
  # checkov:skip=CKV2_AWS_62: nobody waits for its objects: alarms tell of what went to it.
  # checkov:skip=CKV2_AWS_61: nothing in it may expire by itself: images belong to records, and failures wait for a redrive.
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

locals {
  tls_only_statements = [{
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [aws_s3_bucket.history.arn, "${aws_s3_bucket.history.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]

  # An object here is named by its content and never written again. Without the header a second write would replace it;
  # multipart uploads can't carry the header where they begin, and the function makes none.
  write_once_statements = [{
    Sid       = "WriteOnce"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = [for prefix in ["archive", "images", "quarantine"] : "${aws_s3_bucket.history.arn}/${prefix}/*"]
    Condition = { Null = { "s3:if-none-match" = "true" } }
  }]
}

resource "aws_s3_bucket_policy" "history" {
  bucket = aws_s3_bucket.history.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.tls_only_statements, local.write_once_statements, local.bucket_append_only_statements)
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

resource "aws_iam_role_policy" "bucket" {
  name = "bucket"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Quarantine"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.history.arn}/quarantine/*"
      },
      {
        Sid      = "StoreImages"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.history.arn}/images/*"
      },
      {
        # Lambda writes the payloads of its on-failure destination with the function's role, under a prefix of its own.
        Sid      = "OnFailureDestination"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.history.arn}/aws/lambda/*"
      },
      {
        Sid      = "FindOnFailureDestination"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.history.arn
      },
    ]
  })
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
