// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
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
	jiraID         = regexp.MustCompile(`^[0-9]{1,18}$`)
	jiraLabel      = regexp.MustCompile(`^[^\s\pC]{1,255}$`)
)

// jiraIssueAttributes are the attributes of jiraIssue.
func jiraIssueAttributes(schemaName string) map[string]schema.Attribute {
	text := func(member string, check validator.String) schema.Attribute {
		return schema.StringAttribute{Optional: true, Validators: []validator.String{check}, MarkdownDescription: describe(schemaName + "." + member)}
	}
	names := func(member string, each ...validator.String) schema.Attribute {
		return schema.SetAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.Set{setvalidator.SizeBetween(1, 50), setvalidator.NoNullValues(), setvalidator.ValueStringsAre(each...)},
			MarkdownDescription: describe(schemaName + "." + member),
		}
	}
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
		"labels":     names("labels", stringvalidator.RegexMatches(jiraLabel, "must be a word of at most 255 characters: labels have no spaces")),
		"components": names("components", stringvalidator.UTF8LengthBetween(1, 255)),
		"assignee":   text("assignee", stringvalidator.UTF8LengthBetween(1, 255)),
		"send_priority": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(true),
			MarkdownDescription: describe(schemaName+".send_priority", "Defaults to `true`."),
		},
		"priority_by_severity": schema.MapAttribute{
			Optional:    true,
			ElementType: types.StringType,
			Validators: []validator.Map{
				mapvalidator.SizeAtLeast(1),
				mapvalidator.NoNullValues(),
				mapvalidator.KeysAre(stringvalidator.OneOf(severities...)),
				mapvalidator.ValueStringsAre(stringvalidator.UTF8LengthBetween(1, 255)),
			},
			MarkdownDescription: describe(schemaName + ".priority_by_severity"),
		},
		"parent_key":     text("parent_key", stringvalidator.RegexMatches(jiraIssueKey, "must be the key of an issue, such as SEC-123")),
		"security_level": text("security_level", stringvalidator.RegexMatches(jiraID, "must be the id of a security level: digits, such as 10021")),
		"custom_fields": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(2, 32<<10), jsonObject{}},
			MarkdownDescription: describe(schemaName+".custom_fields", "`jsonencode` makes the text."),
		},
	}
}

// textsUnlessNull returns the texts of a set whose elements are known, and nil where it is not set.
func textsUnlessNull(set types.Set) []string {
	if set.IsNull() {
		return nil
	}
	return textsOf[string](set)
}

// jsonObject accepts the text of a JSON object.
type jsonObject struct{}

func (jsonObject) Description(context.Context) string {
	return "must be the text of a JSON object, as jsonencode makes of one"
}

func (v jsonObject) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v jsonObject) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(req.ConfigValue.ValueString()), &members); err != nil || members == nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Not a JSON object", "The value "+v.Description(ctx)+".")
	}
}
