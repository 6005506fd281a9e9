// SPDX-License-Identifier: MPL-2.0

// Moving a destination from the resource of one type to that of another. What a destination is cannot be changed, so a
// move only mends a state that has it under a type it is not of; everything else is refused before anything is lost.

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// movedKey is where the private state has the resource type that a destination was moved from, until it is read.
const movedKey = "moved_from"

// MoveState takes over the id of a destination from the resource of another type. The provider has no client then: the
// Read that follows asks the API whether the destination is of this type.
func (r *destinationResource) MoveState(context.Context) []resource.StateMover {
	source := schema.Schema{Attributes: map[string]schema.Attribute{"id": schema.StringAttribute{Computed: true}}}
	return []resource.StateMover{{SourceSchema: &source, StateMover: r.move}}
}

func (r *destinationResource) move(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
	if problem := r.unmovable(req); problem != "" {
		resp.Diagnostics.AddError("The resource cannot be moved", problem)
		return
	}
	var id types.String
	resp.Diagnostics.Append(req.SourceState.GetAttribute(ctx, path.Root("id"), &id)...)
	if id.ValueString() == "" {
		resp.Diagnostics.AddError("The resource cannot be moved", "Its state has no id.")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	from, err := json.Marshal(req.SourceTypeName)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	resp.Diagnostics.Append(resp.TargetState.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.TargetIdentity.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.TargetPrivate.SetKey(ctx, movedKey, from)...)
}

// unmovable says why a resource cannot become one of this type, whatever the API says; "" if it may.
func (r *destinationResource) unmovable(req resource.MoveStateRequest) string {
	switch {
	case !strings.HasSuffix(req.SourceProviderAddress, "/alertrouter") || !strings.HasPrefix(req.SourceTypeName, "alertrouter_destination_"):
		return fmt.Sprintf("A %s of the provider %s is no destination. Remove the moved block.", req.SourceTypeName, req.SourceProviderAddress)
	case req.SourceSchemaVersion > 0:
		return fmt.Sprintf("The state of the %s was written by a later version of the provider. Use that version, or a later one.", req.SourceTypeName)
	case req.SourceState == nil:
		return fmt.Sprintf("The state of the %s cannot be read.", req.SourceTypeName)
	}
	return ""
}

// movedFrom is the resource type that the destination was moved from and not read since; "" if it was not moved.
func movedFrom(ctx context.Context, private privateState, diags *diag.Diagnostics) string {
	raw, d := private.GetKey(ctx, movedKey)
	diags.Append(d...)
	if len(raw) == 0 {
		return ""
	}
	var from string
	if err := json.Unmarshal(raw, &from); err != nil {
		diags.AddError("The private state cannot be read", err.Error())
	}
	return from
}

// addNotMovable is for a move to a type that the destination is not of.
func (r *destinationResource) addNotMovable(diags *diag.Diagnostics, from string, d *client.Destination) {
	diags.AddError("The destination cannot be moved to another type",
		fmt.Sprintf("%s (%q) was moved from %s to alertrouter_destination_%s, but the control plane has it as a %s destination, and the type of a destination does not change. ",
			d.ID, d.DisplayName, from, r.name, d.Type)+
			"Nothing was changed. Remove the moved block: Terraform then plans to destroy the old destination and to create the new one.")
}

// refuseUnread refuses to plan with what was moved and not read since: of which type the destination is, is not known.
func (r *destinationResource) refuseUnread(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics) {
	if req.State.Raw.IsNull() { // it was read, and is gone
		return
	}
	if from := movedFrom(ctx, req.Private, diags); from != "" {
		diags.AddError("The destination was moved and not read yet",
			fmt.Sprintf("Whether it can be moved from %s to alertrouter_destination_%s depends on what the control plane says. Plan again without -refresh=false.", from, r.name))
	}
}
