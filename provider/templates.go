// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// templates is the part of a type's model that says in the user's own words what a message says.
type templates struct {
	TitleTemplate types.String `tfsdk:"title_template"`
	BodyTemplate  types.String `tfsdk:"body_template"`
}

// maxTemplate is the longest a template may be, in bytes.
const maxTemplate = 16 << 10

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

func templateAttribute(key string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, maxTemplate)},
		MarkdownDescription: describe(key),
	}
}

// apiURLAttribute is the address of a vendor's API where it is not the usual one.
func apiURLAttribute(schemaName string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, 2048), webURL{}},
		MarkdownDescription: describe(schemaName + ".api_url"),
	}
}
