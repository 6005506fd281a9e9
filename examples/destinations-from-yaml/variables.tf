# SPDX-License-Identifier: MPL-2.0

variable "file" {
  type        = string
  description = "The YAML file of destinations and overrides, seen from this directory."
  default     = "destinations.yaml"
}

variable "secrets" {
  type        = map(string)
  description = "The secrets, by the names that the file gives them. They are in no state and no plan."
  sensitive   = true
  ephemeral   = true

  validation {
    condition = alltrue(flatten([
      for d in values(try(yamldecode(file("${path.module}/${var.file}")).destinations, {})) : [
        for name in try(values(d.secrets), []) : contains(keys(var.secrets), name)
      ]
    ]))
    error_message = "The variable secrets must have each of: ${join(", ", sort(flatten([
      for d in values(try(yamldecode(file("${path.module}/${var.file}")).destinations, {})) : try(values(d.secrets), [])
    ])))}."
  }
}
