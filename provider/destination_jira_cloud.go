// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// jiraCloudModel is an alertrouter_destination_jira_cloud.
type jiraCloudModel struct {
	envelope
	templates
	jiraIssue
	SiteURL types.String `tfsdk:"site_url"`
	CloudID types.String `tfsdk:"cloud_id"`
	APIURL  types.String `tfsdk:"api_url"`
	Email   types.String `tfsdk:"email"`
}

var jiraCloudID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var jiraCloudKind = kind{
	name:       "jira_cloud",
	schemaName: "JiraCloudConfig",
	docs:       "Jira Cloud limits bursts to more requests a second than alerts make, so there is no limit unless `rate_limit_per_second` sets one. Where there are too many, Jira says when to come back, and nothing is lost.",
	newModel:   func() model { return &jiraCloudModel{} },
	attributes: with(templateAttributes("JiraCloudConfig"), jiraIssueAttributes("JiraCloudConfig"), map[string]schema.Attribute{
		"site_url": schema.StringAttribute{
			Required:            true,
			Validators:          webAddress,
			MarkdownDescription: describe("JiraCloudConfig.site_url"),
		},
		"cloud_id": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(jiraCloudID, "must be an id such as 1324a887-45db-1bf4-1e99-ef0ff456d421")},
			MarkdownDescription: describe("JiraCloudConfig.cloud_id"),
		},
		"api_url": apiURLAttribute("JiraCloudConfig"),
		"email": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(3, 254)},
			MarkdownDescription: describe("JiraCloudConfig.email"),
		},
	}),
	secrets: []secret{
		{
			name:             "api_token",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.JiraCloud.APIToken },
		},
	},
}

func (m *jiraCloudModel) config() client.DestinationConfig {
	return client.DestinationConfig{JiraCloud: &client.JiraCloudConfig{
		SiteURL:            m.SiteURL.ValueString(),
		CloudID:            m.CloudID.ValueStringPointer(),
		APIURL:             m.APIURL.ValueStringPointer(),
		Email:              m.Email.ValueStringPointer(),
		ProjectKey:         m.ProjectKey.ValueString(),
		IssueType:          m.IssueType.ValueStringPointer(),
		Labels:             textsOf[string](m.Labels),
		Components:         textsOf[string](m.Components),
		Assignee:           m.Assignee.ValueStringPointer(),
		SendPriority:       m.SendPriority.ValueBoolPointer(),
		PriorityBySeverity: tableOf(m.PriorityBySeverity),
		ParentKey:          m.ParentKey.ValueStringPointer(),
		SecurityLevel:      m.SecurityLevel.ValueStringPointer(),
		CustomFields:       m.CustomFields.ValueStringPointer(),
		TitleTemplate:      m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:       m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *jiraCloudModel) setConfig(c client.DestinationConfig) {
	j := c.JiraCloud
	m.SiteURL = types.StringValue(j.SiteURL)
	m.CloudID = types.StringPointerValue(j.CloudID)
	m.APIURL = types.StringPointerValue(j.APIURL)
	m.Email = types.StringPointerValue(j.Email)
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
