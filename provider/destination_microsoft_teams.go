// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// microsoftTeamsModel is an alertrouter_destination_microsoft_teams.
type microsoftTeamsModel struct {
	envelope
	templates
	Mentions  types.Map  `tfsdk:"mentions"`
	FullWidth types.Bool `tfsdk:"full_width"`
}

var microsoftTeamsKind = kind{
	name:       "microsoft_teams",
	schemaName: "MicrosoftTeamsConfig",
	docs: "A flow takes thousands of requests a minute, but Microsoft publishes a limit of 25 cards in 5 minutes for what it posts as the Flow bot, and cards over it may be lost without a word. " +
		"So at most one attempt starts every 12 seconds, after up to 5 at once, unless `rate_limit_per_second` says otherwise: 1 where the flow posts as a user. What is more waits its turn and is not lost.",
	newModel: func() model { return &microsoftTeamsModel{} },
	attributes: with(templateAttributes("MicrosoftTeamsConfig"), map[string]schema.Attribute{
		"mentions": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.Map{mapvalidator.SizeBetween(1, 5), mapvalidator.NoNullValues()},
			MarkdownDescription: describe("MicrosoftTeamsConfig.mentions"),
		},
		"full_width": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(true),
			MarkdownDescription: describe("MicrosoftTeamsConfig.full_width", "Defaults to `true`."),
		},
	}),
	secrets: []secret{
		{
			name:             "webhook_url",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.MicrosoftTeams.WebhookURL },
		},
	},
}

func (m *microsoftTeamsModel) config() client.DestinationConfig {
	return client.DestinationConfig{MicrosoftTeams: &client.MicrosoftTeamsConfig{
		Mentions:      tableOf(m.Mentions),
		FullWidth:     m.FullWidth.ValueBoolPointer(),
		TitleTemplate: m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:  m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *microsoftTeamsModel) setConfig(c client.DestinationConfig) {
	m.Mentions = mapUnlessEmpty(c.MicrosoftTeams.Mentions)
	m.FullWidth = types.BoolPointerValue(c.MicrosoftTeams.FullWidth)
	m.TitleTemplate = types.StringPointerValue(c.MicrosoftTeams.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.MicrosoftTeams.BodyTemplate)
}
