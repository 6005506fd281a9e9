// SPDX-License-Identifier: MPL-2.0

// List resources, for terraform query: the destinations of one type, and the overrides.

package provider

import (
	"context"
	"iter"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// pageSize is the most items the API puts on a page.
const pageSize = 1000

// allItems follows the pages of a list to the last. ask returns the page at a cursor, and the cursor of the next.
func allItems[T any](ask func(cursor *string) ([]T, *string, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		var cursor *string
		for {
			items, next, err := ask(cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range items {
				if !yield(&items[i], nil) {
					return
				}
			}
			if next == nil || *next == "" {
				return
			}
			cursor = next
		}
	}
}

// destinations are all those of one type, or all there are if it is nil.
func (c *caller) destinations(ctx context.Context, typeName *string) iter.Seq2[*client.Destination, error] {
	return allItems(func(cursor *string) ([]client.Destination, *string, error) {
		page, err := client.OK(c.api.ListDestinationsWithResponse(ctx, &client.ListDestinationsParams{Type: typeName, Limit: new(pageSize), Cursor: cursor}))
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

func (c *caller) overrides(ctx context.Context) iter.Seq2[*client.Override, error] {
	return allItems(func(cursor *string) ([]client.Override, *string, error) {
		page, err := client.OK(c.api.ListOverridesWithResponse(ctx, &client.ListOverridesParams{Limit: new(pageSize), Cursor: cursor}))
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	})
}

// destinationList lists the destinations of one type. Its name and its client are those of the resource.
type destinationList struct{ *destinationResource }

func newDestinationList(k kind) list.ListResource {
	return &destinationList{newDestinationResource(k)}
}

func (l *destinationList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Finds the " + l.name + " destinations there are, by display name.\n\nThe token needs the permission `destinations:read`.",
		Attributes: map[string]schema.Attribute{
			"display_name_contains": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Only destinations whose display name has this in it, without regard to case.",
			},
		},
	}
}

func (l *destinationList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var diags diag.Diagnostics
	var part types.String
	diags.Append(req.Config.GetAttribute(ctx, path.Root("display_name_contains"), &part)...)
	if diags.HasError() || !l.ready(&diags) {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	wanted := func(d *client.Destination) bool {
		return strings.Contains(strings.ToLower(d.DisplayName), strings.ToLower(part.ValueString()))
	}
	fill := func(result *list.ListResult, d *client.Destination) {
		result.DisplayName = d.DisplayName
		result.Diagnostics.Append(result.Identity.SetAttribute(ctx, path.Root("id"), d.ID)...)
		if req.IncludeResource {
			result.Diagnostics.Append(l.fillResource(ctx, result.Resource, d)...)
		}
	}
	stream.Results = results(ctx, &l.caller, req, "list the "+l.name+" destinations", l.destinations(ctx, &l.name), wanted, fill)
}

// fillResource makes what an import would read.
func (l *destinationList) fillResource(ctx context.Context, to *tfsdk.Resource, d *client.Destination) diag.Diagnostics {
	m := l.newModel()
	setFrom(m, d)
	state := tfsdk.State{Schema: to.Schema, Raw: to.Raw}
	diags := state.SetAttribute(ctx, path.Root("id"), d.ID) // makes all others null
	if diags.HasError() {
		return diags
	}
	diags.Append(l.set(ctx, &state, state.Raw, m)...)
	to.Raw = state.Raw
	return diags
}

// overrideList lists the overrides.
type overrideList struct{ detectionOverride }

func newOverrideList() list.ListResource { return &overrideList{} }

func (l *overrideList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Finds the overrides there are, by detection id.\n\nThe token needs the permission `overrides:read`.",
	}
}

func (l *overrideList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var diags diag.Diagnostics
	if !l.ready(&diags) {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	all := func(*client.Override) bool { return true }
	fill := func(result *list.ListResult, o *client.Override) {
		result.DisplayName = o.DetectionID
		result.Diagnostics.Append(result.Identity.SetAttribute(ctx, path.Root("detection_id"), o.DetectionID)...)
		if req.IncludeResource {
			var m overrideModel
			m.setFrom(o)
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	}
	stream.Results = results(ctx, &l.caller, req, "list the overrides", l.overrides(ctx), all, fill)
}

// results makes results of the wanted items, as many as the request allows. doing says what failed if something does.
func results[T any](ctx context.Context, c *caller, req list.ListRequest, doing string, items iter.Seq2[*T, error], wanted func(*T) bool, fill func(*list.ListResult, *T)) iter.Seq[list.ListResult] {
	return func(push func(list.ListResult) bool) {
		left := req.Limit
		for item, err := range items {
			if left == 0 {
				return
			}
			result := req.NewListResult(ctx)
			if err != nil {
				c.report(ctx, &result.Diagnostics, doing, err, noAttribute)
				push(result)
				return
			}
			if !wanted(item) {
				continue
			}
			fill(&result, item)
			if !push(result) {
				return
			}
			left--
		}
	}
}
