// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// asanaModel is an alertrouter_destination_asana.
type asanaModel struct {
	envelope
	templates
	ProjectGIDs            types.List   `tfsdk:"project_gids"`
	SectionGID             types.String `tfsdk:"section_gid"`
	ParentGID              types.String `tfsdk:"parent_gid"`
	Assignee               types.String `tfsdk:"assignee"`
	Followers              types.Set    `tfsdk:"followers"`
	TagGIDs                types.Set    `tfsdk:"tag_gids"`
	CustomFields           types.String `tfsdk:"custom_fields"`
	SeverityCustomFieldGID types.String `tfsdk:"severity_custom_field_gid"`
	SeverityEnumOptionGIDs types.Map    `tfsdk:"severity_enum_option_gids"`
	APIURL                 types.String `tfsdk:"api_url"`
}

// What names a thing in Asana, and a user.
var (
	asanaGID      = digits(32, "must be a gid: the digits in the address of the thing in Asana")
	asanaUserForm = regexp.MustCompile(`^(me|[0-9]{1,32}|[!-?A-~]+@[!-?A-~]+)$`)
	asanaUser     = []validator.String{
		stringvalidator.LengthAtMost(254),
		stringvalidator.RegexMatches(asanaUserForm, "must be a user's e-mail address or gid, or me for the token's own"),
	}
)

var asanaKind = kind{
	name:       "asana",
	schemaName: "AsanaConfig",
	docs: "Asana takes 150 requests a minute from a token in a free workspace and 1,500 in a paid one: at most 2.5 attempts start a second unless `rate_limit_per_second` says otherwise. What is more waits its turn and is not lost.\n\n" +
		"A task whose making was not confirmed is looked for before another is made, among the tasks of the first project that were modified since.",
	newModel: func() model { return &asanaModel{} },
	attributes: with(templateAttributes("AsanaConfig"), map[string]schema.Attribute{
		"project_gids": schema.ListAttribute{
			Required:            true,
			ElementType:         types.StringType,
			Validators:          []validator.List{listvalidator.SizeBetween(1, 20), listvalidator.NoNullValues(), listvalidator.ValueStringsAre(asanaGID)},
			MarkdownDescription: describe("AsanaConfig.project_gids"),
		},
		"section_gid": optionalText("AsanaConfig.section_gid", asanaGID),
		"parent_gid":  optionalText("AsanaConfig.parent_gid", asanaGID),
		"assignee":    optionalText("AsanaConfig.assignee", asanaUser...),
		"followers":   optionalTexts("AsanaConfig.followers", 20, asanaUser...),
		"tag_gids":    optionalTexts("AsanaConfig.tag_gids", 20, asanaGID),
		"custom_fields": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(1, 16<<10), jsonObject{names: asanaGID}},
			PlanModifiers:       []planmodifier.String{sameJSON{}},
			MarkdownDescription: describe("AsanaConfig.custom_fields", "Write it with `jsonencode`."),
		},
		"severity_custom_field_gid": optionalText("AsanaConfig.severity_custom_field_gid", asanaGID,
			stringvalidator.AlsoRequires(path.MatchRoot("severity_enum_option_gids"))),
		"severity_enum_option_gids": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          bySeverity(asanaGID),
			MarkdownDescription: describe("AsanaConfig.severity_enum_option_gids"),
		},
		"api_url": apiURLAttribute("AsanaConfig"),
	}),
	secrets: []secret{
		{
			name:             "access_token",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Asana.AccessToken },
		},
	},
}

func (m *asanaModel) config() client.DestinationConfig {
	return client.DestinationConfig{Asana: &client.AsanaConfig{
		ProjectGids:            textsOf[string](m.ProjectGIDs),
		SectionGID:             m.SectionGID.ValueStringPointer(),
		ParentGID:              m.ParentGID.ValueStringPointer(),
		Assignee:               m.Assignee.ValueStringPointer(),
		Followers:              textsOf[string](m.Followers),
		TagGids:                textsOf[string](m.TagGIDs),
		CustomFields:           m.CustomFields.ValueStringPointer(),
		SeverityCustomFieldGID: m.SeverityCustomFieldGID.ValueStringPointer(),
		SeverityEnumOptionGids: tableOf(m.SeverityEnumOptionGIDs),
		APIURL:                 m.APIURL.ValueStringPointer(),
		TitleTemplate:          m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:           m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *asanaModel) setConfig(c client.DestinationConfig) {
	m.ProjectGIDs = listOf(c.Asana.ProjectGids)
	m.SectionGID = types.StringPointerValue(c.Asana.SectionGID)
	m.ParentGID = types.StringPointerValue(c.Asana.ParentGID)
	m.Assignee = types.StringPointerValue(c.Asana.Assignee)
	m.Followers = setUnlessEmpty(c.Asana.Followers)
	m.TagGIDs = setUnlessEmpty(c.Asana.TagGids)
	m.CustomFields = types.StringPointerValue(c.Asana.CustomFields)
	m.SeverityCustomFieldGID = types.StringPointerValue(c.Asana.SeverityCustomFieldGID)
	m.SeverityEnumOptionGIDs = mapUnlessEmpty(c.Asana.SeverityEnumOptionGids)
	m.APIURL = types.StringPointerValue(c.Asana.APIURL)
	m.TitleTemplate = types.StringPointerValue(c.Asana.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Asana.BodyTemplate)
}
