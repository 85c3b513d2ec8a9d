variable "handler_zip" {
  description = "Path of the function's zip. `make package` builds it."
  type        = string
  default     = "../../../build/handler.zip"
  nullable    = false
}

variable "tables" {
  description = "The tables to audit: name, and what differs from the module's defaults. Each needs a stream with NEW_AND_OLD_IMAGES."
  nullable    = false
  type = map(object({
    actor_attribute = optional(string)
    retention_days  = optional(number)
  }))
}

variable "alarms" {
  description = "Alarms of each trail, as module audit_trail's `alarms`. Null: none."
  default     = {}
  type = object({
    iterator_age_seconds = optional(number)
    silence_minutes      = optional(number)
  })
}

variable "append_only" {
  description = "Who may still change and delete history (break_glass_role_arns), and who may add to it (operator_role_arns): for production. Null: whoever has the permissions."
  default     = null
  type = object({
    break_glass_role_arns = list(string)
    operator_role_arns    = optional(list(string), [])
  })
}
