// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// ModifyPlan asks the server what it thinks of the plan; see [destinationResource.ModifyPlan]. Entries of the list that
// are not known yet are references to what is made in the same apply: they are right.
func (r *detectionOverride) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var known types.String // the id in the state; null for a creation
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("detection_id"), &known)...)
		r.owns(known.ValueString())
	}
	if r.api == nil || req.Plan.Raw.IsNull() || req.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	var m overrideModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if !m.DetectionID.IsUnknown() && r.claims("override "+m.DetectionID.ValueString(), known.ValueString()) {
		addTwin(path.Root("detection_id"), "detection id", &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() || m.DetectionID.IsUnknown() || m.Severity.IsUnknown() || m.Destinations.IsUnknown() {
		return
	}
	var places []int // of the entries that are known
	input := client.OverrideInput{Severity: pointerTo[client.OverrideInputSeverity](m.Severity)}
	if !m.Destinations.IsNull() {
		input.Destinations = &[]string{}
		for i, entry := range m.Destinations.Elements() {
			if !entry.IsUnknown() {
				places = append(places, i)
				*input.Destinations = append(*input.Destinations, entry.(types.String).ValueString())
			}
		}
	}
	asking, cancel := context.WithTimeout(ctx, validateTimeout)
	defer cancel()
	checked, err := client.OK(r.api.ValidateOverrideWithResponse(asking, m.DetectionID.ValueString(), input))
	if err != nil {
		r.addRefusal(ctx, m.DetectionID.ValueString(), err, places, &resp.Diagnostics)
		return
	}
	if id := m.DetectionID.ValueString(); known.IsNull() && checked.Exists && !r.session.owned.await(ctx, id) {
		addExists(&resp.Diagnostics, id)
	}
	for _, w := range checked.Warnings {
		if i, ok := entryOf(w.Field); ok && i < len(places) {
			r.addEntry(ctx, (*input.Destinations)[i], places[i], w, &resp.Diagnostics)
		}
	}
}

// addRefusal reports why the override was not checked, or what is wrong with it.
func (r *detectionOverride) addRefusal(ctx context.Context, id string, err error, places []int, diags *diag.Diagnostics) {
	answer, ok := errors.AsType[*client.Error](err)
	if ok && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusUnprocessableEntity) {
		r.report(ctx, diags, "plan the override of "+id, err, func(pointer string) (path.Path, bool) {
			if i, ok := entryOf(pointer); ok && i < len(places) {
				return path.Root("destinations").AtListIndex(places[i]), true
			}
			return overrideAttribute(pointer)
		})
		return
	}
	diags.AddWarning("The override of "+id+" could not be checked",
		"The control plane did not say whether it would accept the override; apply will find out.\n\n"+r.session.explain(ctx, err).Error())
}

// addEntry reports an entry that names no enabled destination now. An id is never right later: the server makes it. A
// name may be, and is when this very plan makes or changes the destination.
func (r *detectionOverride) addEntry(ctx context.Context, entry string, place int, w client.OverrideWarning, diags *diag.Diagnostics) {
	at := path.Root("destinations").AtListIndex(place)
	unknown := w.Code == client.OverrideWarningCodeUNKNOWNDESTINATION
	switch {
	case unknown && isID(entry):
		diags.AddAttributeError(at, "There is no such destination", fmt.Sprintf("%s is %q: this looks like an id, and no destination has it. "+
			"Refer to a destination of this configuration as alertrouter_destination_slack.x.id; look up another one with the data source alertrouter_destination.", at, entry))
	case r.isPlanned(ctx, entry):
	case unknown:
		diags.AddAttributeWarning(at, "There is no such destination now", fmt.Sprintf("%s is %q, and no destination has this id or display name. Alerts pass the entry over until one has. "+
			"If this configuration makes the destination, refer to it as alertrouter_destination_slack.x.id: that cannot be misspelt, and follows when it is renamed.", at, entry))
	default:
		diags.AddAttributeWarning(at, "The override has a useless entry", fmt.Sprintf("%s: %s (%s). Alerts pass the entry over.", at, w.Message, w.Code))
	}
}

// isID reports whether a text looks like what the server makes ids of.
func isID(text string) bool { return len(text) == len(uuid.Nil.String()) && uuid.Validate(text) == nil }

// entryOf reads a pointer to an entry of the list, such as /destinations/0.
func entryOf(pointer string) (int, bool) {
	text, ok := strings.CutPrefix(pointer, "/destinations/")
	i, err := strconv.Atoi(text)
	return i, ok && err == nil && i >= 0
}
