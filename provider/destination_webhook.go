// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
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

// webhookModel is an alertrouter_destination_webhook.
type webhookModel struct {
	envelope
	templates
	URL               types.String `tfsdk:"url"`
	Headers           types.Map    `tfsdk:"headers"`
	HMACHeader        types.String `tfsdk:"hmac_header"`
	HMACFormat        types.String `tfsdk:"hmac_format"`
	BasicUsername     types.String `tfsdk:"basic_username"`
	ClientCertificate types.String `tfsdk:"client_certificate"`
	CACertificate     types.String `tfsdk:"ca_certificate"`
	TimeoutSeconds    types.Int64  `tfsdk:"timeout_seconds"`
}

// What may stand in a header.
var (
	headerName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	headerValue = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
)

// hmacFormat has the signature's place once.
var hmacFormat = regexp.MustCompile(`^[!-z|~]*\{(hex|base64)\}[!-z|~]*$`)

var webhookKind = kind{
	name:       "webhook",
	schemaName: "WebhookConfig",
	docs:       "The request is signed when `signing_secret_wo` is set.",
	newModel:   func() model { return &webhookModel{} },
	attributes: with(jsonTemplateAttributes("WebhookConfig"), map[string]schema.Attribute{
		"url": schema.StringAttribute{
			Optional:            true,
			Validators:          webAddress,
			MarkdownDescription: describe("WebhookConfig.url", "Use `secret_url_wo` instead when the URL itself grants access."),
		},
		"headers": schema.MapAttribute{
			Optional:    true,
			ElementType: types.StringType,
			Validators: []validator.Map{
				mapvalidator.SizeAtLeast(1),
				mapvalidator.NoNullValues(),
				mapvalidator.KeysAre(stringvalidator.RegexMatches(headerName, "must be the name of a header")),
				mapvalidator.ValueStringsAre(stringvalidator.RegexMatches(headerValue, "must not hold line breaks or other control characters")),
			},
			MarkdownDescription: describe("WebhookConfig.headers"),
		},
		"basic_username": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 255)},
			MarkdownDescription: describe("WebhookConfig.basic_username"),
		},
		"client_certificate": certificates("WebhookConfig.client_certificate"),
		"ca_certificate":     certificates("WebhookConfig.ca_certificate"),
		"timeout_seconds": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 120)},
			MarkdownDescription: describe("WebhookConfig.timeout_seconds"),
		},
		"hmac_header": schema.StringAttribute{
			Optional: true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(1, 100),
				stringvalidator.RegexMatches(headerName, "must be the name of a header"),
			},
			MarkdownDescription: describe("WebhookConfig.hmac_header"),
		},
		"hmac_format": schema.StringAttribute{
			Optional: true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(1, 100),
				stringvalidator.RegexMatches(hmacFormat, "must have {hex} or {base64} once, and visible characters around it"),
			},
			MarkdownDescription: describe("WebhookConfig.hmac_format"),
		},
	}),
	secrets: []secret{
		{
			name: "secret_url",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.SecretURL },
			fits: func(m model) bool { return m.(*webhookModel).URL.IsNull() },
		},
		{name: "secret_headers", table: func(c client.DestinationConfig) *nullable.Nullable[map[string]string] {
			return &c.Webhook.SecretHeaders
		}},
		{name: "signing_secret", text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.SigningSecret }},
		{name: "hmac_secret", text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.HmacSecret }},
		{
			name: "bearer_token",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.BearerToken },
			fits: func(m model) bool { return m.(*webhookModel).BasicUsername.IsNull() },
		},
		{
			name: "basic_password",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.BasicPassword },
			fits: func(m model) bool { return m.(*webhookModel).BasicUsername.ValueString() != "" },
		},
		{
			name: "client_key",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.ClientKey },
			fits: func(m model) bool { return m.(*webhookModel).ClientCertificate.ValueString() != "" },
		},
	},
	// That one of the two is there cannot be asked of every configuration: an imported one has no secrets. The server
	// asks for it when the plan is made.
	validators: []resource.ConfigValidator{
		resourcevalidator.Conflicting(path.MatchRoot("url"), path.MatchRoot("secret_url_wo")),
		resourcevalidator.Conflicting(path.MatchRoot("bearer_token_wo"), path.MatchRoot("basic_username")),
	},
}

func (m *webhookModel) config() client.DestinationConfig {
	return client.DestinationConfig{Webhook: &client.WebhookConfig{
		URL:               m.URL.ValueStringPointer(),
		Headers:           tableOf(m.Headers),
		BasicUsername:     m.BasicUsername.ValueStringPointer(),
		TimeoutSeconds:    m.TimeoutSeconds.ValueInt64Pointer(),
		HmacHeader:        m.HMACHeader.ValueStringPointer(),
		HmacFormat:        m.HMACFormat.ValueStringPointer(),
		ClientCertificate: m.ClientCertificate.ValueStringPointer(),
		CaCertificate:     m.CACertificate.ValueStringPointer(),
		TitleTemplate:     m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:      m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *webhookModel) setConfig(c client.DestinationConfig) {
	m.URL = types.StringPointerValue(c.Webhook.URL)
	m.Headers = mapUnlessEmpty(c.Webhook.Headers)
	m.BasicUsername = types.StringPointerValue(c.Webhook.BasicUsername)
	m.TimeoutSeconds = types.Int64PointerValue(c.Webhook.TimeoutSeconds)
	m.HMACHeader = types.StringPointerValue(c.Webhook.HmacHeader)
	m.HMACFormat = types.StringPointerValue(c.Webhook.HmacFormat)
	m.ClientCertificate = types.StringPointerValue(c.Webhook.ClientCertificate)
	m.CACertificate = types.StringPointerValue(c.Webhook.CaCertificate)
	m.TitleTemplate = types.StringPointerValue(c.Webhook.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Webhook.BodyTemplate)
}
