// SPDX-License-Identifier: MPL-2.0

// Command noop is a Terraform plugin that does nothing: its resource has about as many attributes as a destination,
// stores what it is given and calls nobody. It is the yardstick of the provider's benchmark: what Terraform and the
// plugin framework cost by themselves.
package main

import (
	"context"
	"log"
	"strconv"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	p := func() provider.Provider { return noopProvider{} }
	if err := providerserver.Serve(context.Background(), p, providerserver.ServeOpts{Address: "registry.terraform.io/alertrouter/noop"}); err != nil {
		log.Fatal(err)
	}
}

type noopProvider struct{}

func (noopProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "noop"
}

func (noopProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (noopProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (noopProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (noopProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return destination{} }}
}

// destination has the attributes that destinations share, and about as many more as a type adds.
type destination struct{}

// model is a destination's data.
type model struct {
	ID                   types.String  `tfsdk:"id"`
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
	Revision             types.Int64   `tfsdk:"revision"`
	Mention              types.String  `tfsdk:"mention"`
	URL                  types.String  `tfsdk:"url"`
	Headers              types.Map     `tfsdk:"headers"`
	Username             types.String  `tfsdk:"username"`
	TimeoutSeconds       types.Int64   `tfsdk:"timeout_seconds"`
	Secret               types.String  `tfsdk:"secret_wo"`
	SecretVersion        types.Int64   `tfsdk:"secret_wo_version"`
	Password             types.String  `tfsdk:"password_wo"`
	PasswordVersion      types.Int64   `tfsdk:"password_wo_version"`
}

func (destination) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "noop_destination"
}

func (destination) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	text := schema.StringAttribute{Optional: true}
	number := schema.Int64Attribute{Optional: true}
	truth := schema.BoolAttribute{Optional: true}
	set := schema.SetAttribute{Optional: true, ElementType: types.StringType}
	secret := schema.StringAttribute{Optional: true, Sensitive: true, WriteOnly: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                     schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"display_name":           schema.StringAttribute{Required: true},
		"enabled":                truth,
		"severities":             set,
		"alert_types":            set,
		"log_types":              set,
		"allow_manual_dispatch":  truth,
		"fallback":               text,
		"fallback_after_seconds": number,
		"max_age_seconds":        number,
		"max_concurrency":        number,
		"rate_limit_per_second":  schema.Float64Attribute{Optional: true},
		"revision":               schema.Int64Attribute{Computed: true},
		"mention":                text,
		"url":                    text,
		"headers":                schema.MapAttribute{Optional: true, ElementType: types.StringType},
		"username":               text,
		"timeout_seconds":        number,
		"secret_wo":              secret,
		"secret_wo_version":      number,
		"password_wo":            secret,
		"password_wo_version":    number,
	}}
}

// made counts what was created by this process, for ids.
var made atomic.Int64

func (destination) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	m.ID = types.StringValue(strconv.FormatInt(made.Add(1), 10))
	m.Revision = types.Int64Value(1)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Read leaves the state as it is.
func (destination) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (destination) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	m.Revision = types.Int64Value(2)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (destination) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
