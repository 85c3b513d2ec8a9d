variable "name" {
  description = "Name of the table."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.name))
    error_message = "name must have 3 to 255 characters, of letters, digits, _ . and -."
  }
}

variable "partition_key" {
  description = "Partition key: name and type (S, N or B)."
  type        = object({ name = string, type = string })
  nullable    = false

  validation {
    condition     = length(var.partition_key.name) > 0 && length(base64encode(var.partition_key.name)) <= 340
    error_message = "partition_key.name must have 1 to 255 bytes."
  }

  validation {
    condition     = contains(["S", "N", "B"], var.partition_key.type)
    error_message = "partition_key.type must be S, N or B."
  }
}

variable "sort_key" {
  description = "Sort key: name and type (S, N or B). Null: none."
  type        = object({ name = string, type = string })
  default     = null

  validation {
    condition     = var.sort_key == null ? true : length(var.sort_key.name) > 0 && length(base64encode(var.sort_key.name)) <= 340
    error_message = "sort_key.name must have 1 to 255 bytes."
  }

  validation {
    condition     = var.sort_key == null ? true : contains(["S", "N", "B"], var.sort_key.type)
    error_message = "sort_key.type must be S, N or B."
  }
}

# A map, since an object type would drop a misspelled field without a word.
variable "capacity" {
  description = "Capacity of the table. On demand (PAY_PER_REQUEST), with max_read_request_units and max_write_request_units as optional ceilings; or PROVISIONED with read_capacity and write_capacity. To take a ceiling away, apply -1 for it, and leave it out only after that: a ceiling that is merely left out stays, or AWS refuses the change, and a new table takes no -1."
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

variable "point_in_time_recovery" {
  description = "Keep continuous backups of the table."
  type        = bool
  default     = true
  nullable    = false
}

variable "deletion_protection" {
  description = "Have DynamoDB refuse to delete the table. To delete it, apply false first, then destroy."
  type        = bool
  default     = true
  nullable    = false
}
