# An object type drops a misspelled field without a word. So inputs with optional fields are maps, or `any`, and a validation
# knows the fields; locals have them with their defaults.

# What is audited, and under which names.

variable "source_table" {
  description = "The table to audit: the resource aws_dynamodb_table, its data source, or module source_table's output `table`. Its stream must be on, with view type NEW_AND_OLD_IMAGES. A data source must be readable at plan: for a table made in the same configuration, pass the resource."
  nullable    = false
  type = object({
    name             = string
    arn              = string
    stream_arn       = string
    stream_enabled   = bool
    stream_view_type = string
    hash_key         = string
    range_key        = optional(string)
    attribute        = set(object({ name = string, type = string }))
  })

  validation {
    condition = alltrue([
      for key in compact([var.source_table.hash_key, var.source_table.range_key]) :
      contains([for attribute in var.source_table.attribute : attribute.name], key)
    ])
    error_message = "source_table.attribute must hold name and type of hash_key and, where there is one, of range_key."
  }
}

variable "audit_table_name" {
  description = "Name of the audit table. Null: `<source table>-audit`, shortened and made distinct by a hash beyond 255 characters. Not the source table's own. Another name later means another table: the history stays in the old one."
  type        = string
  default     = null

  validation {
    condition     = var.audit_table_name == null || can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.audit_table_name))
    error_message = "audit_table_name must have 3 to 255 characters, of letters, digits, _ . and -."
  }
}

variable "function_name" {
  description = "Name of the function. Null: `<audit table>-trail`, shortened and made distinct by a hash where Lambda's 64 characters don't suffice."
  type        = string
  default     = null

  validation {
    condition     = var.function_name == null || can(regex("^[a-zA-Z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must have 1 to 64 characters, of letters, digits, _ and -."
  }
}

variable "bucket_name" {
  description = "Name of the history bucket, unique among all of AWS. Null: `<audit table>-trail-<account id>-<region>`, shortened and made distinct by a hash where S3's 63 characters or its alphabet don't suffice."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must have 3 to 63 characters, of lower-case letters, digits and -, and begin and end with a letter or digit."
  }
}

# What a record holds, and for how long.

variable "retention_days" {
  description = "Days after which a record may expire (DynamoDB's TTL deletes within days of it). Null: never. It is written into each record: a change holds for records from then on."
  type        = number
  default     = null

  validation {
    condition     = var.retention_days == null ? true : var.retention_days >= 1 && var.retention_days <= 36500 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be null (never) or a whole number from 1 to 36500."
  }
}

variable "archive" {
  description = "Keep records that expire, under archive/ in the history bucket; needs retention_days. {} turns it on. batching_window_seconds: how long deletions are gathered for one object. transitions: after how many days objects move to which storage class, of those that can be read at once. object_lock: mode (GOVERNANCE or COMPLIANCE) and days for which no object version of the whole history bucket can be deleted; COMPLIANCE binds everybody, and can't be taken back. glue: make a Glue table and a query for Athena. Null: what expires is gone."
  type        = any
  default     = null

  validation {
    condition = var.archive == null ? true : alltrue([
      can(keys(var.archive)),
      length(setsubtract(try(keys(var.archive), []), ["batching_window_seconds", "glue", "object_lock", "transitions"])) == 0,
      alltrue([for one in try(var.archive.transitions, null) == null ? [] : var.archive.transitions : try(join(" ", sort(keys(one))) == "days storage_class", false)]),
      try(var.archive.object_lock, null) == null ? true : try(join(" ", sort(keys(var.archive.object_lock))) == "days mode", false),
      try(var.archive.glue, null) == null ? true : can(tobool(var.archive.glue)),
    ])
    error_message = "archive may have batching_window_seconds, glue (true or false), object_lock (mode and days) and transitions (a list of days and storage_class), and no other field."
  }

  validation {
    condition     = try(var.archive.batching_window_seconds, null) == null ? true : try(var.archive.batching_window_seconds >= 0 && var.archive.batching_window_seconds <= 300 && floor(var.archive.batching_window_seconds) == tonumber(var.archive.batching_window_seconds), false)
    error_message = "archive.batching_window_seconds must be a whole number from 0 to 300."
  }

  validation {
    condition     = try(var.archive.transitions, null) == null ? true : try(alltrue([for one in var.archive.transitions : contains(["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], one.storage_class)]), false)
    error_message = "archive.transitions: storage_class must be STANDARD_IA, INTELLIGENT_TIERING or GLACIER_IR. Objects in other classes must be restored before anyone can read them, or lie in one zone alone."
  }

  validation {
    condition     = try(var.archive.transitions, null) == null ? true : try(alltrue([for one in var.archive.transitions : floor(one.days) == tonumber(one.days) && one.days >= (one.storage_class == "STANDARD_IA" ? 30 : 0)]), false)
    error_message = "archive.transitions: days must be a whole number from 0, for STANDARD_IA from 30."
  }

  validation {
    condition     = try(var.archive.object_lock, null) == null ? true : try(contains(["GOVERNANCE", "COMPLIANCE"], var.archive.object_lock.mode), false)
    error_message = "archive.object_lock.mode must be GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = try(var.archive.object_lock, null) == null ? true : try(var.archive.object_lock.days >= 1 && var.archive.object_lock.days <= 36500 && floor(var.archive.object_lock.days) == tonumber(var.archive.object_lock.days), false)
    error_message = "archive.object_lock.days must be a whole number from 1 to 36500."
  }
}

variable "failures" {
  description = "The bucket of what could not be stored, raw data of items. bucket_name: its name, unique among all of AWS (null: `<audit table>-failures-<account id>-<region>`, shortened as bucket_name is). kms_key: its own key, as kms_key otherwise (null: kms_key's). redriven_days: days after which what `trail redrive` put back expires; 0 keeps it for ever. reader_role_arns: the only roles that may read its objects, whatever other policies allow (empty: those policies decide)."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = can(keys(var.failures)) && length(setsubtract(try(keys(var.failures), []), ["bucket_name", "kms_key", "reader_role_arns", "redriven_days"])) == 0
    error_message = "failures may have bucket_name, kms_key, redriven_days and reader_role_arns, and no other field."
  }

  validation {
    condition     = try(var.failures.bucket_name, null) == null ? true : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.failures.bucket_name))
    error_message = "failures.bucket_name must have 3 to 63 characters, of lower-case letters, digits and -, and begin and end with a letter or digit."
  }

  validation {
    condition     = try(var.failures.kms_key, null) == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.failures.kms_key.arn))
    error_message = "failures.kms_key.arn must be a key's ARN (not an alias), such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab."
  }

  validation {
    condition     = try(var.failures.redriven_days, null) == null ? true : try(var.failures.redriven_days >= 0 && var.failures.redriven_days <= 36500 && floor(var.failures.redriven_days) == tonumber(var.failures.redriven_days), false)
    error_message = "failures.redriven_days must be a whole number from 0 (for ever) to 36500."
  }

  validation {
    condition = try(var.failures.reader_role_arns, null) == null ? true : try(alltrue([
      for arn in var.failures.reader_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))
    ]), false)
    error_message = "failures.reader_role_arns takes whole ARNs of IAM roles, such as arn:aws:iam::123456789012:role/operators: no wildcards, no users, no sessions (arn:aws:sts::…:assumed-role/…)."
  }
}

variable "actor_attribute" {
  description = "Name of the source table's attribute that says who made a change, such as `updated_by`, or a JSON Pointer to it, such as `/meta/user`. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.actor_attribute == null ? true : length(var.actor_attribute) > 0 && length(base64encode(var.actor_attribute)) <= 248
    error_message = "actor_attribute must be null (none) or a name of 1 to 186 bytes."
  }

  validation {
    condition     = var.actor_attribute == null ? true : !startswith(var.actor_attribute, "/") || can(regex("^(/([^~/]|~[01])*)+$", var.actor_attribute))
    error_message = "actor_attribute begins with /, which makes it a JSON Pointer: each ~ in it must be written ~0, and each / of a name ~1."
  }
}

variable "reason_attribute" {
  description = "Name of the source table's attribute that says why a change was made, such as `reason`, or a JSON Pointer to it. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.reason_attribute == null ? true : length(var.reason_attribute) > 0 && length(base64encode(var.reason_attribute)) <= 248
    error_message = "reason_attribute must be null (none) or a name of 1 to 186 bytes."
  }

  validation {
    condition     = var.reason_attribute == null ? true : !startswith(var.reason_attribute, "/") || can(regex("^(/([^~/]|~[01])*)+$", var.reason_attribute))
    error_message = "reason_attribute begins with /, which makes it a JSON Pointer: each ~ in it must be written ~0, and each / of a name ~1."
  }
}

variable "image_storage" {
  description = "What a MODIFY's record holds beside its diff: old_and_new, or new_and_diff, which takes about half the room for large items and small changes. `trail` rebuilds the old image exactly; filters, PartiQL and the console can't look into it."
  type        = string
  default     = "old_and_new"
  nullable    = false

  validation {
    condition     = contains(["old_and_new", "new_and_diff"], var.image_storage)
    error_message = "image_storage must be old_and_new or new_and_diff."
  }
}

# The audit table.

variable "capacity" {
  description = "Capacity of the audit table. On demand (PAY_PER_REQUEST), with max_read_request_units and max_write_request_units as optional ceilings; or PROVISIONED with read_capacity and write_capacity. Each index has the same for itself. To take a ceiling away, apply -1 for it, and leave it out only after that: a ceiling that is merely left out stays, or AWS refuses the change, and a new table takes no -1."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.capacity), ["billing_mode", "max_read_request_units", "max_write_request_units", "read_capacity", "write_capacity"])) == 0
    error_message = "capacity may have billing_mode, max_read_request_units, max_write_request_units, read_capacity and write_capacity, and no other field."
  }

  validation {
    condition     = contains(["PAY_PER_REQUEST", "PROVISIONED"], try(coalesce(var.capacity.billing_mode), "PAY_PER_REQUEST"))
    error_message = "capacity.billing_mode must be PAY_PER_REQUEST or PROVISIONED."
  }

  validation {
    condition     = (try(coalesce(var.capacity.billing_mode), "PAY_PER_REQUEST") == "PROVISIONED") == (try(var.capacity.read_capacity, null) != null && try(var.capacity.write_capacity, null) != null) && (try(var.capacity.read_capacity, null) == null) == (try(var.capacity.write_capacity, null) == null)
    error_message = "capacity.read_capacity and capacity.write_capacity must both be given with PROVISIONED, and neither without."
  }

  validation {
    condition     = try(coalesce(var.capacity.billing_mode), "PAY_PER_REQUEST") != "PROVISIONED" || (try(var.capacity.max_read_request_units, null) == null && try(var.capacity.max_write_request_units, null) == null)
    error_message = "capacity.max_read_request_units and capacity.max_write_request_units are ceilings for PAY_PER_REQUEST: leave them out with PROVISIONED."
  }

  validation {
    condition = alltrue([
      for units in [try(var.capacity.read_capacity, null), try(var.capacity.write_capacity, null)] :
      units == null ? true : try(units >= 1 && floor(units) == tonumber(units), false)
    ])
    error_message = "capacity.read_capacity and capacity.write_capacity must be whole numbers from 1."
  }

  validation {
    condition = alltrue([
      for units in [try(var.capacity.max_read_request_units, null), try(var.capacity.max_write_request_units, null)] :
      units == null ? true : try((units >= 1 || tonumber(units) == -1) && floor(units) == tonumber(units), false)
    ])
    error_message = "capacity.max_read_request_units and capacity.max_write_request_units must be whole numbers from 1, or -1 for no ceiling."
  }
}

variable "time_index" {
  description = "Index of all changes by time, for `trail search` and `trail tail`: {} turns it on, with 4 shards. Each takes 1,000 changes a second (half of that for index entries over 1 KB), and an index that takes no more holds up the table: docs/sizing.md. It knows the changes recorded from then on. The number of shards may only grow: readers look for older changes in as many. Null: none."
  type        = map(number)
  default     = null

  validation {
    condition     = var.time_index == null ? true : length(setsubtract(keys(var.time_index), ["shards"])) == 0
    error_message = "time_index may have shards, and no other field."
  }

  validation {
    condition     = try(var.time_index.shards, null) == null ? true : var.time_index.shards >= 1 && var.time_index.shards <= 100 && floor(var.time_index.shards) == var.time_index.shards
    error_message = "time_index.shards must be a whole number from 1 to 100."
  }
}

variable "actor_index" {
  description = "Index of changes by actor, for `trail search --actor`; needs actor_attribute. As time_index otherwise. Null: none."
  type        = map(number)
  default     = null

  validation {
    condition     = var.actor_index == null ? true : length(setsubtract(keys(var.actor_index), ["shards"])) == 0
    error_message = "actor_index may have shards, and no other field."
  }

  validation {
    condition     = try(var.actor_index.shards, null) == null ? true : var.actor_index.shards >= 1 && var.actor_index.shards <= 100 && floor(var.actor_index.shards) == var.actor_index.shards
    error_message = "actor_index.shards must be a whole number from 1 to 100."
  }
}

variable "point_in_time_recovery" {
  description = "Keep continuous backups of the audit table."
  type        = bool
  default     = true
  nullable    = false
}

variable "deletion_protection" {
  description = "Have DynamoDB refuse to delete the audit table. To delete the history, apply false first, then destroy."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy" {
  description = "Let destroy delete the buckets while they hold objects."
  type        = bool
  default     = false
  nullable    = false
}

# The function.

variable "handler_zip" {
  description = "Path of the function's zip, as `make package` builds it. Either this or handler_s3."
  type        = string
  default     = null
}

variable "handler_s3" {
  description = "The function's zip in S3: bucket, key, object_version (of a versioned bucket) and sha256, the zip's SHA-256 in base64 (`openssl dgst -sha256 -binary handler.zip | base64`), by which a new zip is noticed. Either this or handler_zip."
  type        = map(string)
  default     = null

  validation {
    condition = var.handler_s3 == null ? true : alltrue([
      length(setsubtract(keys(var.handler_s3), ["bucket", "key", "object_version", "sha256"])) == 0,
      alltrue([for name in ["bucket", "key", "sha256"] : try(var.handler_s3[name], null) != null]),
    ])
    error_message = "handler_s3 must have bucket, key and sha256, may have object_version, and has no other field."
  }

  validation {
    condition     = var.handler_s3 == null ? true : can(regex("^[A-Za-z0-9+/]{43}=$", var.handler_s3.sha256))
    error_message = "handler_s3.sha256 must be the zip's SHA-256 in base64, 44 characters: openssl dgst -sha256 -binary handler.zip | base64."
  }
}

variable "runtime" {
  description = "Python of the function: python3.11, python3.12, python3.13 or, with AWS provider 6 alone, python3.14 (5.100 refuses it)."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13", "python3.14"], var.runtime)
    error_message = "runtime must be python3.11, python3.12, python3.13 or, with AWS provider 6, python3.14."
  }
}

variable "architecture" {
  description = "Instruction set of the function: arm64 or x86_64. The zip serves both."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "memory_size" {
  description = "Memory of the function, in MB. CPU grows with it."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_size >= 256 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size must be a whole number from 256 (what the largest batch needs) to 10240."
  }
}

variable "timeout" {
  description = "Seconds that one invocation may take. The handler stops two seconds earlier and reports the rest, and one request may take four."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout >= 10 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout must be a whole number of seconds from 10 (the handler stops two earlier, one request may take four) to 900."
  }
}

variable "log_retention_days" {
  description = "Days that the function's logs are kept; 0 keeps them for ever. They hold no data of items."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be 0 (for ever) or one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "log_level" {
  description = "Detail of the function's logs: INFO or DEBUG. Not less: Lambda takes metrics, which are log lines without a level, for INFO and would drop them."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be INFO or DEBUG: at a quieter level Lambda would drop the metrics, which are log lines too."
  }
}

# What an organisation asks of everything that is deployed.

# An object, whose being there is known at plan even where the key is made in the same apply.
variable "kms_key" {
  description = "KMS key of your own for the audit table, the buckets and the logs: the resource aws_kms_key, its data source, or { arn = … }. Its policy must let CloudWatch Logs use it. Null: the services' own keys, for the table one that AWS owns."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = var.kms_key == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key.arn))
    error_message = "kms_key.arn must be a key's ARN (not an alias), such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab."
  }
}

variable "source_kms_key" {
  description = "KMS key of your own that encrypts the source table, and so its stream, which the function's role may then decrypt; as kms_key otherwise. Null: the source table has none."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = var.source_kms_key == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.source_kms_key.arn))
    error_message = "source_kms_key.arn must be a key's ARN (not an alias), such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab."
  }
}

variable "append_only" {
  description = "Resource policies by which the audit table can only be added to, and the history bucket keeps what it has, whatever other policies allow. break_glass_role_arns: the roles that may still change and delete. operator_role_arns: those that may add records, as `trail redrive` does. Null: no such policies."
  type        = map(list(string))
  default     = null

  validation {
    condition     = var.append_only == null ? true : length(setsubtract(keys(var.append_only), ["break_glass_role_arns", "operator_role_arns"])) == 0
    error_message = "append_only may have break_glass_role_arns and operator_role_arns, and no other field."
  }

  validation {
    condition     = var.append_only == null ? true : try(length(var.append_only.break_glass_role_arns) > 0, false)
    error_message = "append_only.break_glass_role_arns must name at least one role: somebody has to be able to mend the table."
  }

  validation {
    condition = var.append_only == null ? true : alltrue([
      for arn in flatten(values(var.append_only)) :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))
    ])
    error_message = "append_only takes whole ARNs of IAM roles, such as arn:aws:iam::123456789012:role/break-glass: no wildcards, no users, no sessions (arn:aws:sts::…:assumed-role/…)."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the managed policy that bounds both functions' roles. It must allow what their own policies do. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be null or a managed policy's ARN, such as arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "tags" {
  description = "Tags of everything that can have some. The audit table has the trail's own besides."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.tags :
      can(regex("^[A-Za-z0-9 _.:/=+@-]{1,128}$", key)) && can(regex("^[A-Za-z0-9 _.:/=+@-]{0,256}$", value)) && !can(regex("(?i)^(aws|table-trail):", key))
    ])
    error_message = "tags must have keys of 1 to 128 and values of up to 256 characters, of letters, digits, space and _ . : / = + @ -, and no key that begins with aws: or table-trail:."
  }

  validation {
    condition     = length(var.tags) <= 30
    error_message = "tags must be at most 30: AWS takes 50, and the audit table has the trail's own."
  }
}

variable "vpc" {
  description = "Subnets and security groups for both functions to run in. They need a way to DynamoDB and S3, and the check of the stream one to Lambda. Null: no VPC."
  default     = null
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })

  validation {
    condition     = var.vpc == null ? true : length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0
    error_message = "vpc.subnet_ids and vpc.security_group_ids must each have at least one."
  }
}

variable "reserved_concurrency" {
  description = "Most invocations of the function at the same time, set aside for it from the account's. Fewer than shards times parallelization_factor make shards wait. AWS refuses what leaves the account fewer than 100, and a new account may have 10 in all. Null: what the account has left."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency must be null or a whole number from 1: with 0 the function never runs, and changes are lost after 24 hours."
  }
}

# The event source mapping.

variable "batch_size" {
  description = "Most stream records that one invocation gets (Lambda stops at 6 MB as well)."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000 && floor(var.batch_size) == var.batch_size
    error_message = "batch_size must be a whole number from 1 to 10000."
  }
}

variable "batching_window_seconds" {
  description = "Seconds that Lambda waits for a batch to fill. Longer is cheaper, and later."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300 && floor(var.batching_window_seconds) == var.batching_window_seconds
    error_message = "batching_window_seconds must be a whole number from 0 to 300."
  }
}

variable "parallelization_factor" {
  description = "Batches of one shard that are worked on at the same time. The order within one item stays."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.parallelization_factor >= 1 && var.parallelization_factor <= 10 && floor(var.parallelization_factor) == var.parallelization_factor
    error_message = "parallelization_factor must be a whole number from 1 to 10."
  }
}

variable "maximum_record_age_seconds" {
  description = "Seconds for which a change that can't be stored is tried again, before it goes to the failures bucket. A record that kills the function holds up its shard for as long."
  type        = number
  default     = 21600
  nullable    = false

  validation {
    condition     = var.maximum_record_age_seconds >= 60 && var.maximum_record_age_seconds <= 64800 && floor(var.maximum_record_age_seconds) == var.maximum_record_age_seconds
    error_message = "maximum_record_age_seconds must be a whole number from 60 to 64800 (18 hours: the stream itself keeps 24)."
  }
}

# What tells how the trail is doing.

variable "alarms" {
  description = "CloudWatch alarms, and the check every 15 minutes that the stream is read. iterator_age_seconds: how late changes may be stored (null: 3600, or half of maximum_record_age_seconds if that is less). silence_minutes: without any change stored for so long, something is wrong (null: never). Null: no alarms, no check."
  type        = map(number)
  default     = {}

  validation {
    condition     = var.alarms == null ? true : length(setsubtract(keys(var.alarms), ["iterator_age_seconds", "silence_minutes"])) == 0
    error_message = "alarms may have iterator_age_seconds and silence_minutes, and no other field."
  }

  validation {
    condition     = try(var.alarms.iterator_age_seconds, null) == null ? true : var.alarms.iterator_age_seconds >= 1 && floor(var.alarms.iterator_age_seconds) == var.alarms.iterator_age_seconds
    error_message = "alarms.iterator_age_seconds must be null or a whole number from 1."
  }

  validation {
    condition     = try(var.alarms.silence_minutes, null) == null ? true : var.alarms.silence_minutes >= 5 && var.alarms.silence_minutes <= 1440 && floor(var.alarms.silence_minutes) == var.alarms.silence_minutes
    error_message = "alarms.silence_minutes must be null (silence is never wrong) or a whole number from 5 to 1440 (a day, the longest that CloudWatch looks back)."
  }
}

variable "alarm_actions" {
  description = "ARNs of the SNS topics that learn when an alarm begins and ends. Empty: alarms show in CloudWatch only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", arn))]) && length(var.alarm_actions) <= 5
    error_message = "alarm_actions must be at most five ARNs of standard SNS topics, such as arn:aws:sns:eu-central-1:123456789012:on-call."
  }
}

variable "dashboard" {
  description = "Make a CloudWatch dashboard, named like the function."
  type        = bool
  default     = false
  nullable    = false
}
