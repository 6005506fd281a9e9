// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// routeDataSource is the data source alertrouter_route: where an alert would go, and why.
type routeDataSource struct{ dataSourceCaller }

func newRouteDataSource() datasource.DataSource { return &routeDataSource{} }

// routeModel has the members of an alert that routing looks at, and then those of the route.
type routeModel struct {
	Type      types.String    `tfsdk:"type"`
	LogTypes  types.List      `tfsdk:"log_types"`
	Detection routeDetection  `tfsdk:"detection"`
	Generated *routeGenerated `tfsdk:"generated"`

	Scenario     types.String       `tfsdk:"scenario"`
	Severity     types.String       `tfsdk:"severity"`
	Destinations []routeDestination `tfsdk:"destinations"`
	Warnings     []routeWarning     `tfsdk:"warnings"`
	Rejected     []routeRejection   `tfsdk:"rejected"`
}

type routeDetection struct {
	ID           types.String `tfsdk:"id"`
	Severity     types.String `tfsdk:"severity"`
	Destinations types.List   `tfsdk:"destinations"`
}

type routeGenerated struct {
	Severity     types.String `tfsdk:"severity"`
	Destinations types.List   `tfsdk:"destinations"`
}

type routeDestination struct {
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Type        types.String `tfsdk:"type"`
}

type routeWarning struct {
	Code    types.String `tfsdk:"code"`
	Message types.String `tfsdk:"message"`
}

type routeRejection struct {
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Type        types.String `tfsdk:"type"`
	Filter      types.String `tfsdk:"filter"`
	Wants       types.List   `tfsdk:"wants"`
	Got         types.List   `tfsdk:"got"`
	Message     types.String `tfsdk:"message"`
}

func (s *routeDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_route"
}

func (s *routeDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	texts := func(key string) schema.Attribute {
		return schema.ListAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          []validator.List{listvalidator.NoNullValues()},
			MarkdownDescription: describe(key),
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Where an alert would go, and why. The control plane decides as it would for a real alert, with the destinations and overrides it has now, " +
			"but stores and sends nothing. Useful in `check` blocks and in `terraform test`.\n\n" +
			"The token needs the permission `destinations:read`.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf(alertTypes...)},
				MarkdownDescription: describe("Alert.type", oneOf(alertTypes)),
			},
			"log_types": texts("Alert.log_types"),
			"detection": schema.SingleNestedAttribute{
				Required:            true,
				MarkdownDescription: describe("Alert.detection"),
				Attributes: map[string]schema.Attribute{
					"id": schema.StringAttribute{
						Required:            true,
						Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
						MarkdownDescription: describe("Detection.id"),
					},
					"severity": schema.StringAttribute{
						Required:            true,
						Validators:          []validator.String{stringvalidator.OneOfCaseInsensitive(severities...)},
						MarkdownDescription: describe("Detection.severity"),
					},
					"destinations": texts("Detection.destinations"),
				},
			},
			"generated": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: describe("Alert.generated"),
				Attributes: map[string]schema.Attribute{
					"severity":     schema.StringAttribute{Optional: true, MarkdownDescription: describe("Generated.severity")},
					"destinations": texts("Generated.destinations"),
				},
			},
			"scenario":     computedText("RoutePreview.scenario"),
			"severity":     schema.StringAttribute{Computed: true, MarkdownDescription: "The effective severity."},
			"destinations": computedObjects("RoutePreview.destinations", "ChosenDestination", "id", "display_name", "type"),
			"warnings":     computedObjects("RoutePreview.warnings", "RouteWarning", "code", "message"),
			"rejected": computedObjects("RoutePreview.rejected", "RouteRejection",
				"id", "display_name", "type", "filter", "wants", "got", "message"),
		},
	}
}

func computedText(key string) schema.Attribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: describe(key)}
}

// computedObjects is a list of objects of one of the contract's schemas, whose members are texts but for the lists wants
// and got.
func computedObjects(key, schemaName string, members ...string) schema.Attribute {
	attributes := map[string]schema.Attribute{}
	for _, name := range members {
		attributes[name] = computedText(schemaName + "." + name)
		if name == "wants" || name == "got" {
			attributes[name] = schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: describe(schemaName + "." + name)}
		}
	}
	return schema.ListNestedAttribute{
		Computed:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
		MarkdownDescription: describe(key),
	}
}

// Read asks for the route.
func (s *routeDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m routeModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	route, err := client.OK(s.api.PreviewRouteWithResponse(ctx, m.alert()))
	if err != nil {
		s.report(ctx, &resp.Diagnostics, "route the alert", err, routeAttribute)
		return
	}
	m.setFrom(route)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *routeModel) alert() client.Alert {
	alert := client.Alert{
		Type:     client.AlertType(m.Type.ValueString()),
		LogTypes: textsOf[string](m.LogTypes),
		Detection: client.Detection{
			ID:           m.Detection.ID.ValueString(),
			Severity:     m.Detection.Severity.ValueString(),
			Destinations: textsOf[string](m.Detection.Destinations),
		},
	}
	if g := m.Generated; g != nil {
		alert.Generated = &client.Generated{Severity: g.Severity.ValueStringPointer()}
		if !g.Destinations.IsNull() { // an empty list suppresses
			alert.Generated.Destinations = new(textsOf[string](g.Destinations))
		}
	}
	return alert
}

func (m *routeModel) setFrom(route *client.RoutePreview) {
	m.Scenario = types.StringValue(string(route.Scenario))
	m.Severity = types.StringValue(string(route.Severity))
	m.Destinations, m.Warnings, m.Rejected = []routeDestination{}, []routeWarning{}, []routeRejection{}
	for _, d := range route.Destinations {
		m.Destinations = append(m.Destinations, routeDestination{
			ID: types.StringValue(d.ID), DisplayName: types.StringValue(d.DisplayName), Type: types.StringValue(d.Type),
		})
	}
	for _, w := range route.Warnings {
		m.Warnings = append(m.Warnings, routeWarning{Code: types.StringValue(string(w.Code)), Message: types.StringValue(w.Message)})
	}
	for _, r := range route.Rejected {
		m.Rejected = append(m.Rejected, routeRejection{
			ID: types.StringValue(r.ID), DisplayName: types.StringValue(r.DisplayName), Type: types.StringValue(r.Type),
			Filter: types.StringValue(string(r.Filter)), Wants: listOf(r.Wants), Got: listOf(r.Got), Message: types.StringValue(r.Message),
		})
	}
}

// routeAttribute maps a pointer such as /detection/severity to the attribute of that path.
func routeAttribute(pointer string) (path.Path, bool) {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	switch parts[0] {
	case "type", "log_types":
		return path.Root(parts[0]), true
	case "detection", "generated":
		if len(parts) > 1 {
			return path.Root(parts[0]).AtName(parts[1]), true
		}
		return path.Root(parts[0]), true
	}
	return path.Empty(), false
}
