// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// slackModel is an alertrouter_destination_slack.
type slackModel struct {
	envelope
	templates
	Mention types.String `tfsdk:"mention"`
}

var slackKind = kind{
	name:       "slack",
	schemaName: "SlackConfig",
	docs:       "Slack publishes a limit of one message a second: at most 1 attempt starts a second unless `rate_limit_per_second` says otherwise. What is more waits its turn and is not lost.",
	newModel:   func() model { return &slackModel{} },
	attributes: with(templateAttributes("SlackConfig"), map[string]schema.Attribute{
		"mention": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 100)},
			MarkdownDescription: describe("SlackConfig.mention"),
		},
	}),
	secrets: []secret{
		{
			name:             "webhook_url",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Slack.WebhookURL },
		},
	},
}

func (m *slackModel) config() client.DestinationConfig {
	return client.DestinationConfig{Slack: &client.SlackConfig{
		Mention:       m.Mention.ValueStringPointer(),
		TitleTemplate: m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:  m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *slackModel) setConfig(c client.DestinationConfig) {
	m.Mention = types.StringPointerValue(c.Slack.Mention)
	m.TitleTemplate = types.StringPointerValue(c.Slack.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Slack.BodyTemplate)
}
