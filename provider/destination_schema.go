// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// trimmed matches text without space around it, as [strings.TrimSpace] leaves it: the server would drop the space, and
// the plan would never be empty.
var trimmed = regexp.MustCompile(`(?s)^[^\s\v\x{85}\p{Z}](.*[^\s\v\x{85}\p{Z}])?$`)

// allAttributes is the schema of a destination resource.
func allAttributes(k kind) map[string]schema.Attribute {
	attributes := modelAttributes(k)
	for _, s := range k.secrets {
		attributes[s.attribute()] = secretAttribute(k, s)
		attributes[s.versionAttribute()] = versionAttribute(s)
	}
	return attributes
}

// modelAttributes is the part of it that the model holds.
func modelAttributes(k kind) map[string]schema.Attribute {
	attributes := envelopeAttributes()
	maps.Copy(attributes, k.attributes)
	return attributes
}

func envelopeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Computed:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			MarkdownDescription: describe("Destination.id"),
		},
		"display_name": schema.StringAttribute{
			Required: true,
			Validators: []validator.String{
				stringvalidator.UTF8LengthBetween(1, 100),
				stringvalidator.RegexMatches(trimmed, "must not begin or end with space"),
			},
			MarkdownDescription: "The destination's name for people: 1 to 100 characters, unique without regard to case, without space around it.",
		},
		"enabled": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(true),
			MarkdownDescription: describe("DestinationInput.enabled", "Defaults to `true`."),
		},
		"severities": schema.SetAttribute{
			Required:    true,
			ElementType: types.StringType,
			Validators: []validator.Set{
				setvalidator.NoNullValues(),
				setvalidator.ValueStringsAre(stringvalidator.OneOf(severities...)),
			},
			MarkdownDescription: describe("DestinationInput.severities", oneOf(severities)),
		},
		"alert_types": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
			Validators: []validator.Set{
				setvalidator.SizeAtLeast(1),
				setvalidator.NoNullValues(),
				setvalidator.ValueStringsAre(stringvalidator.OneOf(alertTypes...)),
			},
			MarkdownDescription: describe("DestinationInput.alert_types", oneOf(alertTypes)),
		},
		"log_types": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
			Validators: []validator.Set{
				setvalidator.SizeAtLeast(1),
				setvalidator.NoNullValues(),
				setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1)),
			},
			MarkdownDescription: describe("DestinationInput.log_types"),
		},
		"allow_manual_dispatch": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
			MarkdownDescription: describe("DestinationInput.allow_manual_dispatch", "Defaults to `false`."),
		},
		"fallback": schema.StringAttribute{
			Optional:   true,
			Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, 100)},
			MarkdownDescription: describe("DestinationInput.fallback",
				"Name it by reference, `alertrouter_destination_slack.other.id`, so that Terraform keeps the order. "+
					"A destination that others name is not deleted: give it `create_before_destroy` if the same apply is to take it from them and remove it."),
		},
		"fallback_after_seconds": schema.Int64Attribute{
			Optional: true,
			Validators: []validator.Int64{
				int64validator.Between(1, 2592000),
				int64validator.AlsoRequires(path.MatchRoot("fallback")),
			},
			MarkdownDescription: describe("DestinationInput.fallback_after_seconds"),
		},
		"max_age_seconds": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 2592000)},
			MarkdownDescription: describe("DestinationInput.max_age_seconds"),
		},
		"max_concurrency": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1000)},
			MarkdownDescription: describe("DestinationInput.max_concurrency"),
		},
		"rate_limit_per_second": schema.Float64Attribute{
			Optional:            true,
			Validators:          []validator.Float64{float64validator.Between(0, 100000), float64validator.NoneOf(0)},
			MarkdownDescription: describe("DestinationInput.rate_limit_per_second"),
		},
		"secret_fingerprints": schema.MapAttribute{
			Computed:            true,
			ElementType:         types.StringType,
			MarkdownDescription: describe("Destination.secret_fingerprints"),
		},
		"revision": schema.Int64Attribute{
			Computed:            true,
			MarkdownDescription: describe("Destination.revision"),
		},
	}
}

// secretAttribute is optional even where the API wants the secret at creation: an imported resource has none in its
// configuration. The plan of a creation asks for it.
func secretAttribute(k kind, s secret) schema.Attribute {
	text := describe(k.schemaName+"."+s.name, "Write-only: never in state or plan.")
	if s.requiredOnCreate {
		text += " Required to create the destination."
	}
	if s.table != nil {
		return schema.MapAttribute{
			Optional:    true,
			Sensitive:   true,
			WriteOnly:   true,
			ElementType: types.StringType,
			Validators: []validator.Map{
				mapvalidator.SizeAtLeast(1),
				mapvalidator.NoNullValues(),
			},
			MarkdownDescription: text,
		}
	}
	return schema.StringAttribute{
		Optional:            true,
		Sensitive:           true,
		WriteOnly:           true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		MarkdownDescription: text,
	}
}

func versionAttribute(s secret) schema.Attribute {
	return schema.Int64Attribute{
		Optional: true,
		Validators: []validator.Int64{
			int64validator.Between(0, 1<<31-1),
			int64validator.AlsoRequires(path.MatchRoot(s.attribute())),
		},
		MarkdownDescription: "With a version, `" + s.attribute() + "` is sent when the version changes, and no hash of it is kept. Without one, it is sent when it differs from what was sent last.",
	}
}
