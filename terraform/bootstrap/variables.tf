variable "state_bucket_name" {
  description = "Name of the bucket for Terraform's state, unique among all of AWS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket_name))
    error_message = "state_bucket_name must have 3 to 63 characters, of lower-case letters, digits and -, with a letter or digit at both ends."
  }
}

variable "github_repository" {
  description = "The repository whose workflows may deploy, as OWNER/NAME."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository must be OWNER/NAME, without wildcards: whatever it matches may deploy."
  }
}

variable "github_subject_prefix" {
  description = "What the subject of the repository's OIDC tokens begins with: `repo:OWNER/NAME`, or `repo:OWNER@ID/NAME@ID` where GitHub puts the owner's and the repository's ids in. Null: `repo:` and github_repository."
  type        = string
  default     = null

  validation {
    condition     = var.github_subject_prefix == null ? true : can(regex("^repo:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:/[A-Za-z0-9_.-]+|@[0-9]+/[A-Za-z0-9_.-]+@[0-9]+)$", var.github_subject_prefix))
    error_message = "github_subject_prefix must be repo:OWNER/NAME or repo:OWNER@ID/NAME@ID, without wildcards and with nothing behind it."
  }
}

variable "branch" {
  description = "The branch that is deployed."
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]+$", var.branch))
    error_message = "branch must be one branch's name, of letters, digits, _ . / and -: a wildcard would let other branches plan."
  }
}

variable "environment" {
  description = "The GitHub environment, with reviewers, whose jobs may deploy."
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+$", var.environment))
    error_message = "environment must be one environment's name, of letters, digits, _ . and -: a wildcard would let others deploy."
  }
}

variable "github_oidc_provider_arn" {
  description = "ARN of the account's OIDC provider for GitHub, of which there can be only one. Null: it has none yet, and gets one."
  type        = string
  default     = null

  validation {
    condition     = var.github_oidc_provider_arn == null ? true : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github_oidc_provider_arn))
    error_message = "github_oidc_provider_arn must end with :oidc-provider/token.actions.githubusercontent.com."
  }
}

variable "source_table_name" {
  description = "Whole name of the source table that the root makes, with its prefix."
  type        = string
  default     = "orders"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.source_table_name))
    error_message = "source_table_name must have 3 to 255 characters, of letters, digits, _ . and -."
  }
}

variable "audit_table_name" {
  description = "Whole name of the audit table, with its prefix. All other names come from it. At most 29 characters: a longer name's others have a hash in them, which no policy here knows."
  type        = string
  default     = "audit"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,27}[a-z0-9]$", var.audit_table_name))
    error_message = "audit_table_name must have 3 to 29 characters, of lower-case letters, digits and -, with a letter or digit at both ends."
  }
}

variable "lock_history" {
  description = "Deny the role that deploys what would erase history without deleting a table: changes of the audit table's TTL, backups and resource policy, and of the bucket's lifecycle, versioning, lock and policy. Making a trail needs them, so true is for after the first deployment."
  type        = bool
  default     = false
  nullable    = false
}
