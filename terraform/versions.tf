terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from `terraform init -backend-config=FILE`.
  backend "s3" {}
}

provider "aws" {}
