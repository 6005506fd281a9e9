// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// blinkOpsModel is an alertrouter_destination_blink_ops. All of its config is secret.
type blinkOpsModel struct{ envelope }

var blinkOpsKind = kind{
	name:       "blink_ops",
	schemaName: "BlinkOpsConfig",
	docs: "Blink takes at most 5 MB: an alert that is larger loses the end of its context, and says so in the payload.\n\n" +
		"Blink publishes a limit of 1,800 executions a minute for webhooks: at most 30 attempts start a second unless `rate_limit_per_second` says otherwise. What is more waits its turn and is not lost.",
	newModel:   func() model { return &blinkOpsModel{} },
	attributes: map[string]schema.Attribute{},
	secrets: []secret{
		{
			name:             "webhook_url",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.BlinkOps.WebhookURL },
		},
		{name: "api_key", text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.BlinkOps.APIKey }},
		{name: "signing_secret", text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.BlinkOps.SigningSecret }},
	},
	// That one of the two is there, or a key in the URL, cannot be asked of every configuration: an imported one has no
	// secrets. The server asks for it when the plan is made.
	validators: []resource.ConfigValidator{
		resourcevalidator.Conflicting(path.MatchRoot("api_key_wo"), path.MatchRoot("signing_secret_wo")),
	},
}

func (m *blinkOpsModel) config() client.DestinationConfig {
	return client.DestinationConfig{BlinkOps: &client.BlinkOpsConfig{}}
}

func (m *blinkOpsModel) setConfig(client.DestinationConfig) {}
