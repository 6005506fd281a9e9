// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

// templates is the part of a type's model that says in the user's own words what a message says.
type templates struct {
	TitleTemplate types.String `tfsdk:"title_template"`
	BodyTemplate  types.String `tfsdk:"body_template"`
}

// with returns the attributes of a type together with those that several types share.
func with(shared ...map[string]schema.Attribute) map[string]schema.Attribute {
	all := map[string]schema.Attribute{}
	for _, attributes := range shared {
		for name, a := range attributes {
			if all[name] != nil {
				panic("the attribute " + name + " is there twice")
			}
			all[name] = a
		}
	}
	return all
}

// templateAttributes are the attributes of templates, for a type whose config has the schema's name in the contract.
func templateAttributes(schemaName string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"title_template": templateAttribute(schemaName + ".title_template"),
		"body_template":  templateAttribute(schemaName + ".body_template"),
	}
}

// jsonTemplateAttributes are those of a type whose body is JSON.
func jsonTemplateAttributes(schemaName string) map[string]schema.Attribute {
	attributes := templateAttributes(schemaName)
	attributes["body_template"] = checkedTemplate(schemaName+".body_template", func(source string, _ func(string) string) template.Faults {
		return template.CheckJSON(source)
	})
	return attributes
}

// templateAttribute is one attribute whose value is a template of text.
func templateAttribute(key string) schema.Attribute { return checkedTemplate(key, template.Check) }

func checkedTemplate(key string, check func(string, func(string) string) template.Faults) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1), messageTemplate{check}},
		MarkdownDescription: describe(key, "See the guide [Message templates](../guides/templates)."),
	}
}

// messageTemplate checks a template as the server does, where none is at hand: with the code of the server, and with
// alerts of several kinds.
type messageTemplate struct {
	check func(source string, escape func(string) string) template.Faults
}

func (messageTemplate) Description(context.Context) string { return "must be a message template" }

func (v messageTemplate) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v messageTemplate) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	for _, fault := range v.check(req.ConfigValue.ValueString(), nil) {
		resp.Diagnostics.AddAttributeError(req.Path, "The template does not work", req.Path.String()+" does not work: "+fault.Error()+".")
	}
}

// apiURLAttribute is the address of a vendor's API where it is not the usual one.
func apiURLAttribute(schemaName string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Validators:          webAddress,
		MarkdownDescription: describe(schemaName + ".api_url"),
	}
}
