// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// destinationsDataSource is the data source alertrouter_destinations.
type destinationsDataSource struct{ dataSourceCaller }

func newDestinationsDataSource() datasource.DataSource { return &destinationsDataSource{} }

type destinationsModel struct {
	Type         types.String      `tfsdk:"type"`
	Destinations []destinationData `tfsdk:"destinations"`
}

func (s *destinationsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_destinations"
}

func (s *destinationsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All destinations, or all of one type, by display name.\n\nThe token needs the permission `destinations:read`.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Only destinations of this type, such as `slack`.",
			},
			"destinations": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: destinationDataAttributes()},
				MarkdownDescription: "The destinations found.",
			},
		},
	}
}

// Read follows the pages to the last.
func (s *destinationsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m destinationsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	m.Destinations = []destinationData{}
	for d, err := range s.destinations(ctx, m.Type.ValueStringPointer()) {
		if err != nil {
			s.report(ctx, &resp.Diagnostics, "list the destinations", err, noAttribute)
			return
		}
		m.Destinations = append(m.Destinations, newDestinationData(*d))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
