// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// validateTimeout bounds the server's check: a plan should not hang on something that apply would find out as well.
const validateTimeout = 10 * time.Second

// ModifyPlan finds out whether secrets are to be written, which the attributes cannot show, and asks the server what it
// thinks of the plan. A plan that changes nothing asks nothing.
func (r *destinationResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.refuseUnread(ctx, req, &resp.Diagnostics)
	var id types.String
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
		r.owns(id.ValueString())
	}
	if resp.Diagnostics.HasError() || req.Plan.Raw.IsNull() { // a destruction
		return
	}
	secrets := r.readSecrets(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		r.requireSecrets(secrets, &resp.Diagnostics)
		r.validate(ctx, req, "", func(config *client.DestinationConfig) { secrets.writeAll(config) }, &resp.Diagnostics)
		return
	}
	keepUnchanged(ctx, req, resp)
	known := loadRecords(ctx, req.Private, &resp.Diagnostics)
	choices := secrets.choose(known, r.storedSecrets(ctx, req.State, &resp.Diagnostics))
	planReasons(ctx, choices, resp)
	if secrets.settled(choices) {
		var fingerprints types.Map
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("secret_fingerprints"), &fingerprints)...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("secret_fingerprints"), fingerprints)...)
	}
	if resp.Diagnostics.HasError() || resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	r.validate(ctx, req, id.ValueString(), func(config *client.DestinationConfig) { secrets.write(choices, known, config) }, &resp.Diagnostics)
}

// keepUnchanged takes back that what the server computes changes, where nothing else does: the framework has made it
// unknown for a text that sameJSON then left as it was. Whether a secret is a reason to update is [planReasons]'s to say.
func keepUnchanged(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var fingerprints types.Map
	var revision types.Int64
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("secret_fingerprints"), &fingerprints)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("revision"), &revision)...)
	kept := resp.Plan
	resp.Diagnostics.Append(kept.SetAttribute(ctx, path.Root("secret_fingerprints"), fingerprints)...)
	resp.Diagnostics.Append(kept.SetAttribute(ctx, path.Root("revision"), revision)...)
	if !resp.Diagnostics.HasError() && kept.Raw.Equal(req.State.Raw) {
		resp.Plan = kept
	}
}

// requireSecrets does for a creation what Required would do always.
func (r *destinationResource) requireSecrets(secrets secretValues, diags *diag.Diagnostics) {
	for _, v := range secrets {
		if v.requiredOnCreate && !v.set {
			diags.AddAttributeError(path.Root(v.attribute()), "A secret is missing",
				v.attribute()+" is required to create the destination. It can be left out only once the destination exists, as after an import.")
		}
	}
}

// planReasons shows in the plan that a secret is a reason to update: what the server makes of it becomes unknown. The
// write-only attribute itself cannot be in a plan.
func planReasons(ctx context.Context, choices map[string]choice, resp *resource.ModifyPlanResponse) {
	for _, c := range choices {
		if c.reason {
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("secret_fingerprints"), types.MapUnknown(types.StringType))...)
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("revision"), types.Int64Unknown())...)
			return
		}
	}
}

// validate asks the server to check the planned destination; id names the one that is replaced, whose secrets count if
// the plan has none. Only what is known in full is asked, less a fallback that is made in the same apply; and only an
// answer about the input is an error: a server that cannot be asked may be up at apply.
func (r *destinationResource) validate(ctx context.Context, req resource.ModifyPlanRequest, id string, write func(*client.DestinationConfig), diags *diag.Diagnostics) {
	var name types.String
	diags.Append(req.Plan.GetAttribute(ctx, path.Root("display_name"), &name)...)
	r.plans(id, name.ValueString())
	if !name.IsUnknown() && r.claims("destination "+folded(name.ValueString()), id) {
		addTwin(path.Root("display_name"), "display name", diags)
	}
	if diags.HasError() || r.api == nil || !isKnown(req.Config.Raw) {
		return
	}
	m := r.newModel()
	diags.Append(r.get(ctx, req.Plan.Raw, m)...)
	if diags.HasError() {
		return
	}
	input := inputOf(m)
	if m.common().Fallback.IsUnknown() {
		input.Fallback, input.FallbackAfterSeconds = nil, nil
	}
	write(&input.Config)
	params := client.ValidateDestinationParams{}
	if id != "" {
		params.ID = &id
	}
	asking, cancel := context.WithTimeout(ctx, validateTimeout)
	defer cancel()
	checked, err := client.OK(r.api.ValidateDestinationWithResponse(asking, &params, input))
	if err == nil {
		r.addWarnings(checked.Warnings, diags)
		return
	}
	if answer, ok := errors.AsType[*client.Error](err); ok {
		switch answer.Status {
		case http.StatusBadRequest, http.StatusUnprocessableEntity:
			if answer.Fields = warnOfFallback(answer.Fields, diags); len(answer.Fields) > 0 {
				r.addError(ctx, diags, "plan the "+r.name+" destination", err)
			}
			return
		case http.StatusConflict:
			r.addTaken(ctx, id == "", input.DisplayName, diags)
			return
		}
	}
	diags.AddWarning("The "+r.name+" destination could not be checked",
		"The control plane did not say whether it would accept the destination; apply will find out.\n\n"+r.session.explain(ctx, err).Error())
}

// isKnown reports whether all of a configuration is known, but for the fallback.
func isKnown(config tftypes.Value) bool {
	var values map[string]tftypes.Value
	if config.As(&values) != nil {
		return false
	}
	for name, v := range values {
		if name != "fallback" && !v.IsFullyKnown() {
			return false
		}
	}
	return true
}

// addWarnings shows what the server accepts and finds odd.
func (r *destinationResource) addWarnings(warnings []client.FieldError, diags *diag.Diagnostics) {
	for _, w := range warnings {
		if at, ok := r.attributeOf(w.Field); ok {
			diags.AddAttributeWarning(at, "The destination cannot work", at.String()+" "+w.Message+".")
		}
	}
}

// warnOfFallback takes what is wrong with the fallback's chain out of the fields of a refusal, and makes a warning of it:
// the server knows the chains as they are now, and this very plan may change the others first. An id that names nobody
// never will: the server makes it.
func warnOfFallback(fields []client.FieldError, diags *diag.Diagnostics) []client.FieldError {
	return slices.DeleteFunc(fields, func(f client.FieldError) bool {
		if f.Field != "/fallback" || strings.HasPrefix(f.Message, "names no destination") {
			return false
		}
		diags.AddAttributeWarning(path.Root("fallback"), "The fallback cannot be set now",
			"fallback "+f.Message+". Apply fails unless this plan changes the other destinations of the chain before.")
		return true
	})
}
