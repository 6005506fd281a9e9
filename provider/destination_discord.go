// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// discordModel is an alertrouter_destination_discord.
type discordModel struct {
	envelope
	templates
	Username   types.String `tfsdk:"username"`
	AvatarURL  types.String `tfsdk:"avatar_url"`
	ThreadID   types.String `tfsdk:"thread_id"`
	ThreadName types.String `tfsdk:"thread_name"`
	Mention    types.String `tfsdk:"mention"`
}

// discordID is the form of an id; the server knows how large it may be.
var discordID = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

var discordKind = kind{
	name:       "discord",
	schemaName: "DiscordConfig",
	docs:       "At most 2 attempts start a second unless `rate_limit_per_second` says otherwise: Discord publishes no figure, and has let webhooks post 5 messages in 2 seconds. What is more waits its turn and is not lost.",
	newModel:   func() model { return &discordModel{} },
	attributes: with(templateAttributes("DiscordConfig"), map[string]schema.Attribute{
		"username": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 80)},
			MarkdownDescription: describe("DiscordConfig.username"),
		},
		"avatar_url": schema.StringAttribute{
			Optional:            true,
			Validators:          webAddress,
			MarkdownDescription: describe("DiscordConfig.avatar_url"),
		},
		"thread_id": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(discordID, "must be a thread's id, which is digits")},
			MarkdownDescription: describe("DiscordConfig.thread_id"),
		},
		"thread_name": templateAttribute("DiscordConfig.thread_name"),
		"mention": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 100)},
			MarkdownDescription: describe("DiscordConfig.mention"),
		},
	}),
	secrets: []secret{
		{
			name:             "webhook_url",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Discord.WebhookURL },
		},
	},
	validators: []resource.ConfigValidator{
		resourcevalidator.Conflicting(path.MatchRoot("thread_id"), path.MatchRoot("thread_name")),
	},
}

func (m *discordModel) config() client.DestinationConfig {
	return client.DestinationConfig{Discord: &client.DiscordConfig{
		Username:      m.Username.ValueStringPointer(),
		AvatarURL:     m.AvatarURL.ValueStringPointer(),
		ThreadID:      m.ThreadID.ValueStringPointer(),
		ThreadName:    m.ThreadName.ValueStringPointer(),
		Mention:       m.Mention.ValueStringPointer(),
		TitleTemplate: m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:  m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *discordModel) setConfig(c client.DestinationConfig) {
	m.Username = types.StringPointerValue(c.Discord.Username)
	m.AvatarURL = types.StringPointerValue(c.Discord.AvatarURL)
	m.ThreadID = types.StringPointerValue(c.Discord.ThreadID)
	m.ThreadName = types.StringPointerValue(c.Discord.ThreadName)
	m.Mention = types.StringPointerValue(c.Discord.Mention)
	m.TitleTemplate = types.StringPointerValue(c.Discord.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Discord.BodyTemplate)
}
