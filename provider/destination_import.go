// SPDX-License-Identifier: MPL-2.0

// Importing a destination: by its id, by its identity, or by its display name.

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// namePrefix begins an import id that is a display name, such as "name:SOC on-call".
const namePrefix = "name:"

// ImportState takes the id of a destination, or its display name after "name:". Read refuses what is not there.
func (r *destinationResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := r.importedID(ctx, req, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
}

func (r *destinationResource) importedID(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID == "" { // an identity is an id, whatever it looks like
		var id types.String
		diags.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
		requireImportable(id.ValueString(), byIDOrName, diags)
		return id.ValueString()
	}
	id := strings.TrimSpace(req.ID)
	if name, ok := strings.CutPrefix(id, namePrefix); ok {
		return r.idNamed(ctx, strings.TrimSpace(name), diags)
	}
	requireImportable(id, byIDOrName, diags)
	return id
}

// idNamed finds the destination with a display name.
func (r *destinationResource) idNamed(ctx context.Context, name string, diags *diag.Diagnostics) string {
	if name == "" {
		diags.AddError("The display name is missing", `After "name:" comes the display name of the destination, such as "name:SOC on-call".`)
		return ""
	}
	if !r.ready(diags) {
		return ""
	}
	found, err := client.OK(r.api.ListDestinationsWithResponse(ctx, &client.ListDestinationsParams{DisplayName: &name}))
	if err != nil {
		r.report(ctx, diags, fmt.Sprintf("find the destination %q", name), err, noAttribute)
		return ""
	}
	if len(found.Items) == 0 {
		diags.AddError("There is no such destination", noneNamed(name))
		return ""
	}
	d := found.Items[0]
	if d.Type != r.name {
		addOtherType(diags, &d)
	}
	return d.ID
}

const byIDOrName = `A destination is imported by its id, or by its display name after "name:", such as "name:SOC on-call".`

// requireImportable refuses ids that nothing has and that no path of the API can end in.
func requireImportable(id, how string, diags *diag.Diagnostics) {
	switch strings.TrimSpace(id) {
	case "", ".", "..":
		diags.AddError("The import id is not an id", fmt.Sprintf("%q is the id of nothing. ", id)+how)
	}
}

// addNotImportable is for an id that no destination has: it may be meant as a display name.
func addNotImportable(diags *diag.Diagnostics, id string) {
	diags.AddError("There is no such destination",
		fmt.Sprintf("No destination has the id %q. To import one by its display name, write \"name:\" before it: %q.", id, namePrefix+id))
}

func addOtherType(diags *diag.Diagnostics, d *client.Destination) {
	diags.AddError("The destination is of another type",
		fmt.Sprintf("%s (%q) is a %s destination: use the resource alertrouter_destination_%s for it.", d.ID, d.DisplayName, d.Type, d.Type))
}
