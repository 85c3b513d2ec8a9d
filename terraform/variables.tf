variable "name_prefix" {
  description = "Put before both tables' names, so that several deployments fit in one account, such as `test-`."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{0,64}$", var.name_prefix))
    error_message = "name_prefix must have at most 64 characters, of letters, digits, _ . and -."
  }
}

variable "source_table_name" {
  description = "Name of the source table, after the prefix."
  type        = string
  default     = "orders"
  nullable    = false
}

variable "audit_table_name" {
  description = "Name of the audit table, after the prefix."
  type        = string
  default     = "audit"
  nullable    = false
}

variable "handler_zip" {
  description = "Path of the function's zip. Null: `build/handler.zip`, where `make package` puts it."
  type        = string
  default     = null
}

# For both tables. Null: the modules' default.

variable "point_in_time_recovery" {
  description = "Keep continuous backups of both tables."
  type        = bool
  default     = null
}

variable "deletion_protection" {
  description = "Have DynamoDB refuse to delete either table."
  type        = bool
  default     = null
}

# The rest is module audit_trail's: described and checked there. Null: its default.

variable "actor_attribute" {
  description = "Attribute of an order that says who changed it. Null: none."
  type        = string
  default     = "updated_by"
}

variable "reason_attribute" {
  description = "Attribute of an order that says why it was changed. Null: none."
  type        = string
  default     = "reason"
}

variable "image_storage" {
  description = "What a record holds of a change, as module audit_trail's `image_storage`."
  type        = string
  default     = null
}

variable "retention_days" {
  description = "Days after which a record may expire. Null: never."
  type        = number
  default     = null
}

variable "archive" {
  description = "Keep records that expire, as module audit_trail's `archive`: {} turns it on. Null: what expires is gone."
  type        = any
  default     = null
}

variable "failures" {
  description = "The bucket of what could not be stored, as module audit_trail's `failures`."
  type        = any
  default     = {}
  nullable    = false
}

variable "audit_capacity" {
  description = "Capacity of the audit table, as module audit_trail's `capacity`."
  type        = map(string)
  default     = null
}

variable "time_index" {
  description = "Index of all changes by time, as module audit_trail's `time_index`. Null: none."
  type        = map(number)
  default     = {}
}

variable "actor_index" {
  description = "Index of changes by actor, as module audit_trail's `actor_index`. Null: none."
  type        = map(number)
  default     = {}
}

variable "force_destroy" {
  description = "Let destroy delete the buckets while they hold objects."
  type        = bool
  default     = null
}

variable "runtime" {
  description = "Python of the function."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Instruction set of the function."
  type        = string
  default     = null
}

variable "memory_size" {
  description = "Memory of the function, in MB."
  type        = number
  default     = null
}

variable "timeout" {
  description = "Seconds that one invocation may take."
  type        = number
  default     = null
}

variable "log_retention_days" {
  description = "Days that the function's logs are kept; 0 keeps them for ever."
  type        = number
  default     = null
}

variable "log_level" {
  description = "Detail of the function's logs: INFO or DEBUG."
  type        = string
  default     = null
}

variable "batch_size" {
  description = "Most stream records that one invocation gets."
  type        = number
  default     = null
}

variable "batching_window_seconds" {
  description = "Seconds that Lambda waits for a batch to fill."
  type        = number
  default     = null
}

variable "parallelization_factor" {
  description = "Batches of one shard that are worked on at the same time."
  type        = number
  default     = null
}

variable "maximum_record_age_seconds" {
  description = "Seconds for which a change that can't be stored is tried again."
  type        = number
  default     = null
}

variable "alarms" {
  description = "CloudWatch alarms and the check of the stream, as module audit_trail's `alarms`. Null: none."
  type        = map(number)
  default     = {}
}

variable "alarm_actions" {
  description = "ARNs of the SNS topics that learn when an alarm begins and ends."
  type        = list(string)
  default     = null
}

variable "dashboard" {
  description = "Make a CloudWatch dashboard."
  type        = bool
  default     = null
}

# For a deployment that is locked down: docs/bootstrap.md.

variable "permissions_boundary_arn" {
  description = "ARN of the managed policy that bounds the functions' roles, such as the bootstrap's output of that name. Null or empty: none."
  type        = string
  default     = null
}

variable "append_only" {
  description = "Have the audit table and the bucket refuse to lose history, as module audit_trail's `append_only`. Null: no such policy."
  default     = null
  type = object({
    break_glass_role_arns = list(string)
    operator_role_arns    = optional(list(string), [])
  })
}
