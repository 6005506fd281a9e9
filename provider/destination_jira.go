// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// jiraIssue is the part of a model that says what an issue is made with, in whichever Jira.
type jiraIssue struct {
	ProjectKey         types.String `tfsdk:"project_key"`
	IssueType          types.String `tfsdk:"issue_type"`
	Labels             types.Set    `tfsdk:"labels"`
	Components         types.Set    `tfsdk:"components"`
	Assignee           types.String `tfsdk:"assignee"`
	SendPriority       types.Bool   `tfsdk:"send_priority"`
	PriorityBySeverity types.Map    `tfsdk:"priority_by_severity"`
	ParentKey          types.String `tfsdk:"parent_key"`
	SecurityLevel      types.String `tfsdk:"security_level"`
	CustomFields       types.String `tfsdk:"custom_fields"`
}

// The forms of what names a thing in Jira, as the contract has them.
var (
	jiraProjectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,254}$`)
	jiraIssueKey   = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,254}-[1-9][0-9]{0,17}$`)
	jiraLabel      = regexp.MustCompile(`^[^\s\pC]{1,255}$`)
)

// jiraIssueAttributes are the attributes of jiraIssue.
func jiraIssueAttributes(schemaName string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"project_key": schema.StringAttribute{
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(jiraProjectKey, "must be the key of a project: capital letters, digits and _, such as SEC")},
			MarkdownDescription: describe(schemaName + ".project_key"),
		},
		"issue_type": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("Task"),
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 255)},
			MarkdownDescription: describe(schemaName+".issue_type", "Defaults to `Task`."),
		},
		"labels":     optionalTexts(schemaName+".labels", 50, stringvalidator.RegexMatches(jiraLabel, "must be a word of at most 255 characters: labels have no spaces")),
		"components": optionalTexts(schemaName+".components", 50, stringvalidator.UTF8LengthBetween(1, 255)),
		"assignee":   optionalText(schemaName+".assignee", stringvalidator.UTF8LengthBetween(1, 255)),
		"send_priority": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(true),
			MarkdownDescription: describe(schemaName+".send_priority", "Defaults to `true`."),
		},
		"priority_by_severity": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          bySeverity(stringvalidator.UTF8LengthBetween(1, 255)),
			MarkdownDescription: describe(schemaName + ".priority_by_severity"),
		},
		"parent_key":     optionalText(schemaName+".parent_key", stringvalidator.RegexMatches(jiraIssueKey, "must be the key of an issue, such as SEC-123")),
		"security_level": optionalText(schemaName+".security_level", digits(18, "must be the id of a security level: digits, such as 10021")),
		"custom_fields": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(2, 32<<10), jsonObject{}},
			PlanModifiers:       []planmodifier.String{sameJSON{}},
			MarkdownDescription: describe(schemaName+".custom_fields", "`jsonencode` makes the text."),
		},
	}
}
