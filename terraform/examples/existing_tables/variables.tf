variable "handler_zip" {
  description = "Path of the function's zip. `make package` builds it."
  type        = string
  default     = "../../../build/handler.zip"
  nullable    = false
}

# Maps, since an object type would drop a misspelled field without a word.
variable "tables" {
  description = "The tables to audit: name, and what differs from the module's defaults, of actor_attribute and retention_days. Each needs a stream with NEW_AND_OLD_IMAGES."
  type        = map(map(string))
  nullable    = false

  validation {
    condition     = length(setsubtract(flatten([for table in var.tables : keys(table)]), ["actor_attribute", "retention_days"])) == 0
    error_message = "Each table in tables may have actor_attribute and retention_days, and no other field."
  }
}

variable "alarms" {
  description = "Alarms of each trail, as module audit_trail's `alarms`. Null: none."
  type        = map(number)
  default     = {}
}

variable "append_only" {
  description = "Who may still change and delete history (break_glass_role_arns), and who may add to it (operator_role_arns): for production. Null: whoever has the permissions."
  default     = null
  type = object({
    break_glass_role_arns = list(string)
    operator_role_arns    = optional(list(string), [])
  })
}
