// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"net/mail"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// emailModel is an alertrouter_destination_email.
type emailModel struct {
	envelope
	templates
	Host          types.String `tfsdk:"host"`
	Port          types.Int64  `tfsdk:"port"`
	Security      types.String `tfsdk:"security"`
	ServerName    types.String `tfsdk:"server_name"`
	CACertificate types.String `tfsdk:"ca_certificate"`
	Username      types.String `tfsdk:"username"`
	AuthMechanism types.String `tfsdk:"auth_mechanism"`
	HELOName      types.String `tfsdk:"helo_name"`
	From          types.String `tfsdk:"from"`
	To            types.List   `tfsdk:"to"`
	Cc            types.List   `tfsdk:"cc"`
	Bcc           types.List   `tfsdk:"bcc"`
	ReplyTo       types.String `tfsdk:"reply_to"`
	SubjectPrefix types.String `tfsdk:"subject_prefix"`
}

var (
	emailSecurities = []string{"starttls", "tls", "none"}
	emailMechanisms = []string{"auto", "plain", "login", "cram_md5", "scram_sha_256", "xoauth2"}
)

var emailKind = kind{
	name:       "email",
	schemaName: "EmailConfig",
	docs: "A mail has a text and an HTML part, and a `Message-ID` that is the same on every attempt. It goes to all recipients at once: who is refused for good is named in the attempt, " +
		"and who is to be tried later gets it on a retry, without a second mail for the others as long as the control plane runs. Each attempt has a connection of its own.\n\n" +
		"What a mail server takes in a second or a day is a matter of the server: set `rate_limit_per_second` and `max_concurrency` where it says so. What is more waits its turn and is not lost.",
	newModel: func() model { return &emailModel{} },
	attributes: with(templateAttributes("EmailConfig"), map[string]schema.Attribute{
		"host": schema.StringAttribute{
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(1, 253)},
			MarkdownDescription: describe("EmailConfig.host"),
		},
		"port": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 65535)},
			MarkdownDescription: describe("EmailConfig.port"),
		},
		"security": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("starttls"),
			Validators:          []validator.String{stringvalidator.OneOf(emailSecurities...)},
			MarkdownDescription: describe("EmailConfig.security", oneOf(emailSecurities), "Defaults to `starttls`."),
		},
		"server_name":    emailText("server_name", 253),
		"ca_certificate": certificates("EmailConfig.ca_certificate"),
		"username":       emailText("username", 320),
		"auth_mechanism": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("auto"),
			Validators:          []validator.String{stringvalidator.OneOf(emailMechanisms...)},
			MarkdownDescription: describe("EmailConfig.auth_mechanism", oneOf(emailMechanisms), "Defaults to `auto`."),
		},
		"helo_name": emailText("helo_name", 253),
		"from": schema.StringAttribute{
			Required:            true,
			Validators:          []validator.String{emailAddress{}},
			MarkdownDescription: describe("EmailConfig.from"),
		},
		"to":  emailAddresses("to"),
		"cc":  emailAddresses("cc"),
		"bcc": emailAddresses("bcc"),
		"reply_to": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{emailAddress{}},
			MarkdownDescription: describe("EmailConfig.reply_to"),
		},
		"subject_prefix": emailText("subject_prefix", 50),
	}),
	secrets: []secret{
		{
			name: "password",
			text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Email.Password },
			fits: func(m model) bool { return m.(*emailModel).Username.ValueString() != "" },
		},
	},
	validators: []resource.ConfigValidator{
		resourcevalidator.AtLeastOneOf(path.MatchRoot("to"), path.MatchRoot("cc"), path.MatchRoot("bcc")),
	},
}

func emailText(name string, longest int) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, longest)},
		MarkdownDescription: describe("EmailConfig." + name),
	}
}

func emailAddresses(name string) schema.Attribute {
	return schema.ListAttribute{
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.List{listvalidator.SizeBetween(1, 50), listvalidator.NoNullValues(), listvalidator.ValueStringsAre(emailAddress{})},
		MarkdownDescription: describe("EmailConfig." + name),
	}
}

// emailAddress accepts what may be an address; the server looks closer when the plan is made.
type emailAddress struct{}

func (emailAddress) Description(context.Context) string {
	return "must be one address, such as soc@example.com or SOC <soc@example.com>"
}

func (v emailAddress) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v emailAddress) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := mail.ParseAddress(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "The address is not valid", req.Path.String()+" "+v.Description(ctx)+".")
	}
}

func (m *emailModel) config() client.DestinationConfig {
	return client.DestinationConfig{Email: &client.EmailConfig{
		Host:          m.Host.ValueString(),
		Port:          m.Port.ValueInt64Pointer(),
		Security:      pointerTo[client.EmailConfigSecurity](m.Security),
		ServerName:    m.ServerName.ValueStringPointer(),
		CaCertificate: m.CACertificate.ValueStringPointer(),
		Username:      m.Username.ValueStringPointer(),
		AuthMechanism: pointerTo[client.EmailConfigAuthMechanism](m.AuthMechanism),
		HeloName:      m.HELOName.ValueStringPointer(),
		From:          m.From.ValueString(),
		To:            textsOf[string](m.To),
		Cc:            textsOf[string](m.Cc),
		Bcc:           textsOf[string](m.Bcc),
		ReplyTo:       m.ReplyTo.ValueStringPointer(),
		SubjectPrefix: m.SubjectPrefix.ValueStringPointer(),
		TitleTemplate: m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:  m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *emailModel) setConfig(c client.DestinationConfig) {
	m.Host = types.StringValue(c.Email.Host)
	m.Port = types.Int64PointerValue(c.Email.Port)
	m.Security = textOf(c.Email.Security)
	m.ServerName = types.StringPointerValue(c.Email.ServerName)
	m.CACertificate = types.StringPointerValue(c.Email.CaCertificate)
	m.Username = types.StringPointerValue(c.Email.Username)
	m.AuthMechanism = textOf(c.Email.AuthMechanism)
	m.HELOName = types.StringPointerValue(c.Email.HeloName)
	m.From = types.StringValue(c.Email.From)
	m.To = listUnlessEmpty(c.Email.To)
	m.Cc = listUnlessEmpty(c.Email.Cc)
	m.Bcc = listUnlessEmpty(c.Email.Bcc)
	m.ReplyTo = types.StringPointerValue(c.Email.ReplyTo)
	m.SubjectPrefix = types.StringPointerValue(c.Email.SubjectPrefix)
	m.TitleTemplate = types.StringPointerValue(c.Email.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Email.BodyTemplate)
}
