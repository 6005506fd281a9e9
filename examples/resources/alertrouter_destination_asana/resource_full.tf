# SPDX-License-Identifier: MPL-2.0

variable "asana_soc_token" {
  type        = string
  description = "A personal access token of the SOC's user in Asana."
  sensitive   = true
  ephemeral   = true
}

# Everything a task can have; custom fields need a paid workspace.
resource "alertrouter_destination_asana" "incidents" {
  display_name = "Incidents in Asana"
  severities   = ["MEDIUM", "HIGH", "CRITICAL"]
  project_gids = ["1200000000000010", "1200000000000011"]
  section_gid  = "1200000000000020" # of the first project
  parent_gid   = "1200000000000030"
  assignee     = "soc@example.com"
  followers    = ["1200000000000040"]
  tag_gids     = ["1200000000000050"]

  # The severity as an option of a single-select field.
  severity_custom_field_gid = "1200000000000070"
  severity_enum_option_gids = {
    CRITICAL = "1200000000000071"
    HIGH     = "1200000000000072"
    MEDIUM   = "1200000000000073"
  }

  custom_fields = jsonencode({
    "1200000000000060" = "Detections"         # text
    "1200000000000061" = 4.5                  # number
    "1200000000000062" = ["1200000000000063"] # options of a multi-select field
  })

  title_template = "{{ .severity }}: {{ .title }}"
  body_template  = "<h2>What happened</h2>{{ .description }}\n\n<strong>Detection</strong>: <code>{{ .detection.id }}</code>"

  access_token_wo         = var.asana_soc_token
  access_token_wo_version = 1
}
