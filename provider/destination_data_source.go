// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// destinationDataSource is the data source alertrouter_destination.
type destinationDataSource struct{ dataSourceCaller }

func newDestinationDataSource() datasource.DataSource { return &destinationDataSource{} }

// destinationData is what data sources tell of a destination of any type. Its health is not there: it changes by
// itself, and a plan that follows it would never be empty.
type destinationData struct {
	ID                   types.String  `tfsdk:"id"`
	Type                 types.String  `tfsdk:"type"`
	DisplayName          types.String  `tfsdk:"display_name"`
	Enabled              types.Bool    `tfsdk:"enabled"`
	Severities           types.Set     `tfsdk:"severities"`
	AlertTypes           types.Set     `tfsdk:"alert_types"`
	LogTypes             types.Set     `tfsdk:"log_types"`
	AllowManualDispatch  types.Bool    `tfsdk:"allow_manual_dispatch"`
	Fallback             types.String  `tfsdk:"fallback"`
	FallbackAfterSeconds types.Int64   `tfsdk:"fallback_after_seconds"`
	MaxAgeSeconds        types.Int64   `tfsdk:"max_age_seconds"`
	MaxConcurrency       types.Int64   `tfsdk:"max_concurrency"`
	RateLimitPerSecond   types.Float64 `tfsdk:"rate_limit_per_second"`
	SecretFingerprints   types.Map     `tfsdk:"secret_fingerprints"`
	CreatedAt            types.String  `tfsdk:"created_at"`
	UpdatedAt            types.String  `tfsdk:"updated_at"`
	Revision             types.Int64   `tfsdk:"revision"`
}

func newDestinationData(d client.Destination) destinationData {
	data := destinationData{
		ID:                   types.StringValue(d.ID),
		Type:                 types.StringValue(d.Type),
		DisplayName:          types.StringValue(d.DisplayName),
		Enabled:              types.BoolValue(d.Enabled),
		Severities:           setOf(d.Severities),
		AlertTypes:           setOf(d.AlertTypes),
		LogTypes:             setOf(d.LogTypes),
		AllowManualDispatch:  types.BoolValue(d.AllowManualDispatch),
		Fallback:             types.StringPointerValue(d.Fallback),
		FallbackAfterSeconds: types.Int64PointerValue(d.FallbackAfterSeconds),
		MaxAgeSeconds:        types.Int64PointerValue(d.MaxAgeSeconds),
		RateLimitPerSecond:   numberOf(d.RateLimitPerSecond),
		SecretFingerprints:   mapOf(d.SecretFingerprints),
		CreatedAt:            timeOf(d.CreatedAt),
		UpdatedAt:            timeOf(d.UpdatedAt),
		Revision:             types.Int64Value(d.Revision),
	}
	if d.MaxConcurrency != nil {
		data.MaxConcurrency = types.Int64Value(int64(*d.MaxConcurrency))
	}
	return data
}

// destinationDataAttributes is the schema of destinationData, all computed.
func destinationDataAttributes() map[string]schema.Attribute {
	text := func(name string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: describe("Destination." + name)}
	}
	whole := func(name string) schema.Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: describe("Destination." + name)}
	}
	truth := func(name string) schema.Attribute {
		return schema.BoolAttribute{Computed: true, MarkdownDescription: describe("Destination." + name)}
	}
	set := func(name string) schema.Attribute {
		return schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: describe("Destination." + name)}
	}
	return map[string]schema.Attribute{
		"id":                     text("id"),
		"type":                   text("type"),
		"display_name":           text("display_name"),
		"enabled":                truth("enabled"),
		"severities":             set("severities"),
		"alert_types":            set("alert_types"),
		"log_types":              set("log_types"),
		"allow_manual_dispatch":  truth("allow_manual_dispatch"),
		"fallback":               text("fallback"),
		"fallback_after_seconds": whole("fallback_after_seconds"),
		"max_age_seconds":        whole("max_age_seconds"),
		"max_concurrency":        whole("max_concurrency"),
		"rate_limit_per_second":  schema.Float64Attribute{Computed: true, MarkdownDescription: describe("Destination.rate_limit_per_second")},
		"secret_fingerprints": schema.MapAttribute{
			Computed: true, ElementType: types.StringType, MarkdownDescription: describe("Destination.secret_fingerprints"),
		},
		"created_at": text("created_at"),
		"updated_at": text("updated_at"),
		"revision":   whole("revision"),
	}
}

func (s *destinationDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_destination"
}

func (s *destinationDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := destinationDataAttributes()
	attributes["id"] = schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.NoneOf(".", "..")}, // no path can end in these
		MarkdownDescription: "The destination's id. Exactly one of `id` and `display_name` is given.",
	}
	attributes["display_name"] = schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.RegexMatches(trimmed, "must not begin or end with space")},
		MarkdownDescription: "The destination's name for people. A destination is found by it without regard to case, and the name stays as it is given. Exactly one of `id` and `display_name` is given.",
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "One destination of any type, by its id or its display name.\n\nThe token needs the permission `destinations:read`.",
		Attributes:          attributes,
	}
}

func (s *destinationDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("display_name")),
	}
}

// Read finds the destination; that there is none is an error.
func (s *destinationDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var id, name types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("id"), &id)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("display_name"), &name)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	d, err := s.find(ctx, id, name)
	switch {
	case isGone(err):
		resp.Diagnostics.AddAttributeError(path.Root("id"), "There is no such destination",
			fmt.Sprintf("No destination has the id %q. To find one by its display name, set display_name in place of id.", id.ValueString()))
		return
	case err != nil:
		s.report(ctx, &resp.Diagnostics, "read the destination", err, noAttribute)
		return
	case d == nil:
		resp.Diagnostics.AddAttributeError(path.Root("display_name"), "There is no such destination", noneNamed(name.ValueString()))
		return
	}
	data := newDestinationData(*d)
	if !name.IsNull() {
		data.DisplayName = name // as it is configured: Terraform has planned with it
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &data)...)
}

// noneNamed says that no destination has a display name, and where to look for the right one.
func noneNamed(name string) string {
	return fmt.Sprintf("No destination has the display name %q, with or without regard to case. The data source alertrouter_destinations lists those there are.", name)
}

// find returns nil when no destination has the name.
func (s *destinationDataSource) find(ctx context.Context, id, name types.String) (*client.Destination, error) {
	if !id.IsNull() {
		return client.OK(s.api.GetDestinationWithResponse(ctx, id.ValueString()))
	}
	found, err := client.OK(s.api.ListDestinationsWithResponse(ctx, &client.ListDestinationsParams{DisplayName: name.ValueStringPointer()}))
	if err != nil || len(found.Items) == 0 {
		return nil, err
	}
	return &found.Items[0], nil
}
