// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Every write has a key of its own, which all tries of the request share: the server knows the second from the first.
// What remains is a call that ends without an answer to any try. Nobody knows then whether the thing was made, so that a
// creation leaves it in the state, tainted: the next plan reads it, and replaces it, or finds it gone.

func newKey() *string { return new(uuid.Must(uuid.NewV7()).String()) }

// unanswered is the revision of what may have been made and was not read since. There is no such revision.
const unanswered = 0

// keepUnanswered leaves in the state what a creation may have made under an id. What only an answer could have told is
// null.
func (r *destinationResource) keepUnanswered(ctx context.Context, id string, m model, known records, req resource.CreateRequest, resp *resource.CreateResponse) {
	e := m.common()
	e.ID = types.StringValue(id)
	e.Revision = types.Int64Value(unanswered)
	resp.Diagnostics.Append(r.set(ctx, &resp.State, req.Plan.Raw, m)...)
	raw, err := tftypes.Transform(resp.State.Raw, func(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		if !v.IsKnown() {
			v = tftypes.NewValue(v.Type(), nil)
		}
		return v, nil
	})
	if err != nil {
		resp.Diagnostics.AddError("The state cannot be written", err.Error())
	}
	resp.State.Raw = raw
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(known.save(ctx, resp.Private, nil)...)
	addPerhapsCreated(&resp.Diagnostics, r.name+" destination", "It would have the id "+id+". ")
}

// keepUnanswered leaves in the state what a creation may have made.
func (m *overrideModel) keepUnanswered(ctx context.Context, resp *resource.CreateResponse) {
	m.Revision = types.Int64Value(unanswered)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("detection_id"), m.DetectionID)...)
	addPerhapsCreated(&resp.Diagnostics, "override of "+m.DetectionID.ValueString(), "")
}

// keepUnanswered leaves in the state what a creation may have made under an id.
func (m *apiTokenModel) keepUnanswered(ctx context.Context, id string, resp *resource.CreateResponse) {
	m.ID, m.CreatedAt = types.StringValue(id), types.StringNull()
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, createdKey, []byte("true"))...)
	addPerhapsCreated(&resp.Diagnostics, "token", "It would have the id "+id+". ")
}

// isForeign reports whether the override found is not the one that a creation without an answer would have made:
// somebody else's has the same identity.
func (m *overrideModel) isForeign(found *overrideModel) bool {
	return !m.Revision.IsNull() && m.Revision.ValueInt64() == unanswered &&
		(found.Revision.ValueInt64() != 1 || !found.Severity.Equal(m.Severity) || !found.Destinations.Equal(m.Destinations))
}

// addPerhapsCreated says what became of a creation without an answer, and what to do.
func addPerhapsCreated(diags *diag.Diagnostics, what, more string) {
	diags.AddError("The "+what+" may have been created",
		"The request was sent and an answer was lost, so that nobody knows whether the control plane acted on it. "+more+
			"The resource is in the state, as tainted.\n\n"+
			"Run the command again. The next plan looks: what was not created is planned as new, and what was is replaced. "+
			"To keep it instead, run `terraform untaint` with the resource's address before; "+
			"this is also the way out if the resource has create_before_destroy, since the name is taken until the old one is gone.")
}

// addPerhapsUpdated is the same for an update, which leaves the state as it was.
func addPerhapsUpdated(diags *diag.Diagnostics, what string) {
	diags.AddError("The "+what+" may have been updated",
		"The request was sent and an answer was lost, so that nobody knows whether the control plane acted on it. "+
			"Run the command again: the next plan reads what is there, and does what is left to do.")
}
