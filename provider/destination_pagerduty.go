// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// pagerdutyModel is an alertrouter_destination_pagerduty.
type pagerdutyModel struct {
	envelope
	Region        types.String `tfsdk:"region"`
	Client        types.String `tfsdk:"client"`
	SeverityMap   types.Map    `tfsdk:"severity_map"`
	CustomDetails types.Map    `tfsdk:"custom_details"`
	APIURL        types.String `tfsdk:"api_url"`
}

var (
	pagerdutyRegions    = []string{"us", "eu"}
	pagerdutySeverities = []string{"critical", "error", "warning", "info"}
)

var pagerdutyKind = kind{
	name:       "pagerduty",
	schemaName: "PagerdutyConfig",
	docs:       "PagerDuty publishes a limit of 120 events a minute: at most 2 attempts start a second unless `rate_limit_per_second` says otherwise. What is more waits its turn and is not lost.",
	newModel:   func() model { return &pagerdutyModel{} },
	attributes: map[string]schema.Attribute{
		"region": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("us"),
			Validators:          []validator.String{stringvalidator.OneOf(pagerdutyRegions...)},
			MarkdownDescription: describe("PagerdutyConfig.region", oneOf(pagerdutyRegions), "Defaults to `us`."),
		},
		"client": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("alertrouter"),
			Validators:          append(oneLine(255), stringvalidator.LengthBetween(1, 255)),
			MarkdownDescription: describe("PagerdutyConfig.client", "Defaults to `alertrouter`."),
		},
		"severity_map": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          bySeverity(stringvalidator.OneOf(pagerdutySeverities...)),
			MarkdownDescription: describe("PagerdutyConfig.severity_map"),
		},
		"custom_details": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          detailValidators(8_000),
			MarkdownDescription: describe("PagerdutyConfig.custom_details"),
		},
		"api_url": apiURLAttribute("PagerdutyConfig"),
	},
	secrets: []secret{
		{
			name:             "routing_key",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Pagerduty.RoutingKey },
		},
	},
}

func (m *pagerdutyModel) config() client.DestinationConfig {
	return client.DestinationConfig{Pagerduty: &client.PagerdutyConfig{
		Region:        pointerTo[client.PagerdutyConfigRegion](m.Region),
		Client:        m.Client.ValueStringPointer(),
		SeverityMap:   tableOf(m.SeverityMap),
		CustomDetails: tableOf(m.CustomDetails),
		APIURL:        m.APIURL.ValueStringPointer(),
	}}
}

func (m *pagerdutyModel) setConfig(c client.DestinationConfig) {
	m.Region = textOf(c.Pagerduty.Region)
	m.Client = types.StringPointerValue(c.Pagerduty.Client)
	m.SeverityMap = mapUnlessEmpty(c.Pagerduty.SeverityMap)
	m.CustomDetails = mapUnlessEmpty(c.Pagerduty.CustomDetails)
	m.APIURL = types.StringPointerValue(c.Pagerduty.APIURL)
}
