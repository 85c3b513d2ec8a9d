variable "handler_zip" {
  description = "Path of the function's zip. `make package` builds it."
  type        = string
  default     = "../../../build/handler.zip"
  nullable    = false
}
