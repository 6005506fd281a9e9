// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// jiraDataCenterModel is an alertrouter_destination_jira_data_center.
type jiraDataCenterModel struct {
	envelope
	templates
	jiraIssue
	BaseURL                  types.String `tfsdk:"base_url"`
	Username                 types.String `tfsdk:"username"`
	MaxDescriptionCharacters types.Int64  `tfsdk:"max_description_characters"`
}

var jiraDataCenterKind = kind{
	name:       "jira_data_center",
	schemaName: "JiraDataCenterConfig",
	docs:       "How many requests Jira takes is what its administrators set, so there is no limit unless `rate_limit_per_second` sets one. Where there are too many, Jira says when to come back, and nothing is lost.",
	newModel:   func() model { return &jiraDataCenterModel{} },
	attributes: with(templateAttributes("JiraDataCenterConfig"), jiraIssueAttributes("JiraDataCenterConfig"), map[string]schema.Attribute{
		"base_url": schema.StringAttribute{
			Required:            true,
			Validators:          webAddress,
			MarkdownDescription: describe("JiraDataCenterConfig.base_url"),
		},
		"username": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 255)},
			MarkdownDescription: describe("JiraDataCenterConfig.username"),
		},
		"max_description_characters": schema.Int64Attribute{
			Optional:            true,
			Computed:            true,
			Default:             int64default.StaticInt64(32_767),
			Validators:          []validator.Int64{int64validator.Between(4_000, 1_000_000)},
			MarkdownDescription: describe("JiraDataCenterConfig.max_description_characters", "Defaults to `32767`."),
		},
	}),
	secrets: []secret{
		{
			name: "personal_access_token",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] {
				return &c.JiraDataCenter.PersonalAccessToken
			},
			fits: func(m model) bool { return m.(*jiraDataCenterModel).Username.IsNull() },
		},
		{
			name: "password",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.JiraDataCenter.Password },
			fits: func(m model) bool { return m.(*jiraDataCenterModel).Username.ValueString() != "" },
		},
	},
	// That one of the two is there cannot be asked of every configuration: an imported one has no secrets. The server
	// asks for it when the plan is made.
	validators: []resource.ConfigValidator{
		resourcevalidator.Conflicting(path.MatchRoot("personal_access_token_wo"), path.MatchRoot("username")),
	},
}

func (m *jiraDataCenterModel) config() client.DestinationConfig {
	return client.DestinationConfig{JiraDataCenter: &client.JiraDataCenterConfig{
		BaseURL:                  m.BaseURL.ValueString(),
		Username:                 m.Username.ValueStringPointer(),
		MaxDescriptionCharacters: m.MaxDescriptionCharacters.ValueInt64Pointer(),
		ProjectKey:               m.ProjectKey.ValueString(),
		IssueType:                m.IssueType.ValueStringPointer(),
		Labels:                   textsOf[string](m.Labels),
		Components:               textsOf[string](m.Components),
		Assignee:                 m.Assignee.ValueStringPointer(),
		SendPriority:             m.SendPriority.ValueBoolPointer(),
		PriorityBySeverity:       tableOf(m.PriorityBySeverity),
		ParentKey:                m.ParentKey.ValueStringPointer(),
		SecurityLevel:            m.SecurityLevel.ValueStringPointer(),
		CustomFields:             m.CustomFields.ValueStringPointer(),
		TitleTemplate:            m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:             m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *jiraDataCenterModel) setConfig(c client.DestinationConfig) {
	j := c.JiraDataCenter
	m.BaseURL = types.StringValue(j.BaseURL)
	m.Username = types.StringPointerValue(j.Username)
	m.MaxDescriptionCharacters = types.Int64PointerValue(j.MaxDescriptionCharacters)
	m.ProjectKey = types.StringValue(j.ProjectKey)
	m.IssueType = types.StringPointerValue(j.IssueType)
	m.Labels = setUnlessEmpty(j.Labels)
	m.Components = setUnlessEmpty(j.Components)
	m.Assignee = types.StringPointerValue(j.Assignee)
	m.SendPriority = types.BoolPointerValue(j.SendPriority)
	m.PriorityBySeverity = mapUnlessEmpty(j.PriorityBySeverity)
	m.ParentKey = types.StringPointerValue(j.ParentKey)
	m.SecurityLevel = types.StringPointerValue(j.SecurityLevel)
	m.CustomFields = types.StringPointerValue(j.CustomFields)
	m.TitleTemplate = types.StringPointerValue(j.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(j.BodyTemplate)
}
