// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// opsgenieModel is an alertrouter_destination_opsgenie.
type opsgenieModel struct {
	envelope
	Service            types.String        `tfsdk:"service"`
	Responders         []opsgenieResponder `tfsdk:"responders"`
	VisibleTo          []opsgenieResponder `tfsdk:"visible_to"`
	PriorityBySeverity types.Map           `tfsdk:"priority_by_severity"`
	Tags               types.List          `tfsdk:"tags"`
	Actions            types.List          `tfsdk:"actions"`
	Details            types.Map           `tfsdk:"details"`
	Entity             types.String        `tfsdk:"entity"`
	Source             types.String        `tfsdk:"source"`
	APIURL             types.String        `tfsdk:"api_url"`
}

// opsgenieResponder is whom an alert notifies, or who sees it.
type opsgenieResponder struct {
	Type     types.String `tfsdk:"type"`
	ID       types.String `tfsdk:"id"`
	Name     types.String `tfsdk:"name"`
	Username types.String `tfsdk:"username"`
}

var (
	opsgenieServices   = []string{"opsgenie", "opsgenie_eu", "jira_service_management"}
	opsgeniePriorities = []string{"P1", "P2", "P3", "P4", "P5"}
)

var opsgenieKind = kind{
	name:       "opsgenie",
	schemaName: "OpsgenieConfig",
	docs:       "How many requests Opsgenie takes depends on the plan and the number of users, so there is no limit unless `rate_limit_per_second` sets one. Where there are too many, Opsgenie says when to come back, and nothing is lost.",
	newModel:   func() model { return &opsgenieModel{} },
	attributes: map[string]schema.Attribute{
		"service": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("opsgenie"),
			Validators:          []validator.String{stringvalidator.OneOf(opsgenieServices...)},
			MarkdownDescription: describe("OpsgenieConfig.service", oneOf(opsgenieServices), "Defaults to `opsgenie`."),
		},
		"responders": opsgenieResponders("responders", "team", "user", "escalation", "schedule"),
		"visible_to": opsgenieResponders("visible_to", "team", "user"),
		"priority_by_severity": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          bySeverity(stringvalidator.OneOf(opsgeniePriorities...)),
			MarkdownDescription: describe("OpsgenieConfig.priority_by_severity"),
		},
		"tags":    opsgenieTexts("tags", 20),
		"actions": opsgenieTexts("actions", 10),
		"details": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          detailValidators(4_000),
			MarkdownDescription: describe("OpsgenieConfig.details"),
		},
		"entity": schema.StringAttribute{
			Optional:            true,
			Validators:          oneLine(512),
			MarkdownDescription: describe("OpsgenieConfig.entity"),
		},
		"source": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("alertrouter"),
			Validators:          oneLine(100),
			MarkdownDescription: describe("OpsgenieConfig.source", "Defaults to `alertrouter`."),
		},
		"api_url": apiURLAttribute("OpsgenieConfig"),
	},
	secrets: []secret{
		{
			name:             "api_key",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Opsgenie.APIKey },
		},
	},
}

// opsgenieTexts is a list of up to a number of short texts.
func opsgenieTexts(name string, most int) schema.Attribute {
	return schema.ListAttribute{
		Optional:    true,
		ElementType: types.StringType,
		Validators: []validator.List{
			listvalidator.SizeBetween(1, most),
			listvalidator.NoNullValues(),
			listvalidator.ValueStringsAre(oneLine(50)...),
		},
		MarkdownDescription: describe("OpsgenieConfig." + name),
	}
}

func opsgenieResponders(name string, kinds ...string) schema.Attribute {
	text := func(member string) schema.Attribute {
		return schema.StringAttribute{Optional: true, Validators: oneLine(255), MarkdownDescription: describe("OpsgenieResponder." + member)}
	}
	return schema.ListNestedAttribute{
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeBetween(1, 50), listvalidator.NoNullValues()},
		MarkdownDescription: describe("OpsgenieConfig."+name, "Each has exactly one of `id`, `name` and, for a user, `username`."),
		NestedObject: schema.NestedAttributeObject{
			Validators: []validator.Object{responderNamed{}},
			Attributes: map[string]schema.Attribute{
				"type": schema.StringAttribute{
					Required:            true,
					Validators:          []validator.String{stringvalidator.OneOf(kinds...)},
					MarkdownDescription: "What it is. " + oneOf(kinds),
				},
				"id":       text("id"),
				"name":     text("name"),
				"username": text("username"),
			},
		},
	}
}

// responderNamed accepts a responder that is named in the one way that its type allows.
type responderNamed struct{}

func (responderNamed) Description(context.Context) string {
	return "must have exactly one of id and name, or, for a user, of id and username"
}

func (v responderNamed) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v responderNamed) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	attributes := req.ConfigValue.Attributes()
	for _, value := range attributes {
		if value.IsUnknown() {
			return // the server asks again
		}
	}
	set := func(name string) bool { return !attributes[name].IsNull() }
	named, foreign := set("name"), set("username")
	if kind, ok := attributes["type"].(types.String); ok && kind.ValueString() == "user" {
		named, foreign = foreign, named
	}
	if foreign || set("id") == named {
		resp.Diagnostics.AddAttributeError(req.Path, "The responder is not named", req.Path.String()+" "+v.Description(ctx)+".")
	}
}

func (m *opsgenieModel) config() client.DestinationConfig {
	config := &client.OpsgenieConfig{
		Service:            pointerTo[client.OpsgenieConfigService](m.Service),
		Responders:         respondersOf(m.Responders),
		VisibleTo:          respondersOf(m.VisibleTo),
		PriorityBySeverity: tableOf(m.PriorityBySeverity),
		Details:            tableOf(m.Details),
		Entity:             m.Entity.ValueStringPointer(),
		Source:             m.Source.ValueStringPointer(),
		APIURL:             m.APIURL.ValueStringPointer(),
	}
	if !m.Tags.IsNull() {
		config.Tags = textsOf[string](m.Tags)
	}
	if !m.Actions.IsNull() {
		config.Actions = textsOf[string](m.Actions)
	}
	return client.DestinationConfig{Opsgenie: config}
}

func respondersOf(responders []opsgenieResponder) []client.OpsgenieResponder {
	var all []client.OpsgenieResponder
	for _, r := range responders {
		all = append(all, client.OpsgenieResponder{
			Type:     client.OpsgenieResponderType(r.Type.ValueString()),
			ID:       r.ID.ValueStringPointer(),
			Name:     r.Name.ValueStringPointer(),
			Username: r.Username.ValueStringPointer(),
		})
	}
	return all
}

func (m *opsgenieModel) setConfig(c client.DestinationConfig) {
	m.Service = textOf(c.Opsgenie.Service)
	m.Responders = respondersFrom(c.Opsgenie.Responders)
	m.VisibleTo = respondersFrom(c.Opsgenie.VisibleTo)
	m.PriorityBySeverity = mapUnlessEmpty(c.Opsgenie.PriorityBySeverity)
	m.Tags = listUnlessEmpty(c.Opsgenie.Tags)
	m.Actions = listUnlessEmpty(c.Opsgenie.Actions)
	m.Details = mapUnlessEmpty(c.Opsgenie.Details)
	m.Entity = types.StringPointerValue(c.Opsgenie.Entity)
	m.Source = types.StringPointerValue(c.Opsgenie.Source)
	m.APIURL = types.StringPointerValue(c.Opsgenie.APIURL)
}

func respondersFrom(responders []client.OpsgenieResponder) []opsgenieResponder {
	var all []opsgenieResponder
	for _, r := range responders {
		all = append(all, opsgenieResponder{
			Type:     types.StringValue(string(r.Type)),
			ID:       types.StringPointerValue(r.ID),
			Name:     types.StringPointerValue(r.Name),
			Username: types.StringPointerValue(r.Username),
		})
	}
	return all
}
