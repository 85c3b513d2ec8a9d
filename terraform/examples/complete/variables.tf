variable "handler_zip" {
  description = "Path of the function's zip. `make package` builds it."
  type        = string
  default     = "../../../build/handler.zip"
  nullable    = false
}

variable "alarms" {
  description = "Alarms, as module audit_trail's `alarms`. Null: none."
  type        = map(number)
  default     = { silence_minutes = 60 }
}

variable "people_may_be_assumed_by" {
  description = "ARNs of who may take the roles operators and break-glass. Empty: this account, for those whom its own policies let."
  type        = list(string)
  default     = []
  nullable    = false
}
