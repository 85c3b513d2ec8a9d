# The bucket of Terraform's state, its lock (use_lockfile) and, under plans/, what waits for approval.

locals {
  state_key = "table-trail/terraform.tfstate"
  state_arn = "${aws_s3_bucket.state.arn}/${local.state_key}"
  plans     = "table-trail/plans"
}

resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV_AWS_18: who opened an object is for CloudTrail's data events to tell.
  # checkov:skip=CKV2_AWS_62: nobody waits for its objects.
  # checkov:skip=CKV_AWS_144: its versions are the copies; a copy in another region is the deployer's to want.
  # checkov:skip=CKV_AWS_145: encrypted with SSE-S3; a key of one's own would have to be there before the first state.

  bucket = var.state_bucket_name
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "plans"
    status = "Enabled"

    filter {
      prefix = "${local.plans}/"
    }

    expiration {
      days = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "old-states"
    status = "Enabled"

    filter {
      prefix = local.state_key
    }

    noncurrent_version_expiration {
      noncurrent_days = 365
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

locals {
  tls_only_statements = [{
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]

  # The bucket deletes nothing for good but by its lifecycle: a state that was overwritten can be brought back.
  keep_versions_statements = [{
    Sid       = "KeepVersions"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:DeleteObjectVersion"
    Resource  = "${aws_s3_bucket.state.arn}/${local.state_key}*"
  }]
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.tls_only_statements, local.keep_versions_statements)
  })

  # S3 answers two configuration changes of one bucket at the same time with a conflict.
  depends_on = [aws_s3_bucket_public_access_block.state]
}
