// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// detectionOverride is the resource alertrouter_detection_override.
type detectionOverride struct{ resourceCaller }

func newDetectionOverride() resource.Resource { return &detectionOverride{} }

// overrideModel is its data. An empty list of destinations suppresses, null leaves the detection's own.
type overrideModel struct {
	DetectionID  types.String `tfsdk:"detection_id"`
	Severity     types.String `tfsdk:"severity"`
	Destinations types.List   `tfsdk:"destinations"`
	Revision     types.Int64  `tfsdk:"revision"`
}

func (m *overrideModel) input() client.OverrideInput {
	input := client.OverrideInput{Severity: pointerTo[client.OverrideInputSeverity](m.Severity)}
	if !m.Destinations.IsNull() {
		input.Destinations = new(textsOf[string](m.Destinations))
	}
	return input
}

func (m *overrideModel) setFrom(o *client.Override) {
	m.DetectionID = types.StringValue(o.DetectionID)
	m.Severity = textOf(o.Severity)
	m.Destinations = types.ListNull(types.StringType)
	if o.Destinations != nil {
		m.Destinations = listOf(o.Destinations)
	}
	m.Revision = types.Int64Value(o.Revision)
}

func (r *detectionOverride) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_detection_override"
}

func (r *detectionOverride) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What an operator sets for one detection: another severity, other destinations, or no destination at all.\n\n" +
			"The token needs the permissions `overrides:read` and `overrides:write`.",
		Attributes: map[string]schema.Attribute{
			"detection_id": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 1000), stringvalidator.NoneOf(".", "..")}, // no path can end in these
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: describe("Override.detection_id", "Another id makes another override."),
			},
			"severity": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(severities...)},
				MarkdownDescription: describe("OverrideInput.severity", oneOf(severities)),
			},
			"destinations": schema.ListAttribute{
				Optional:    true,
				ElementType: types.StringType,
				Validators: []validator.List{
					listvalidator.NoNullValues(),
					listvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1)),
				},
				MarkdownDescription: describe("OverrideInput.destinations", "Leave it out to keep the detection's own."),
			},
			"revision": schema.Int64Attribute{
				Computed:            true,
				MarkdownDescription: describe("Override.revision"),
			},
		},
	}
}

func (r *detectionOverride) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"detection_id": identityschema.StringAttribute{RequiredForImport: true, Description: "The detection's id."},
	}}
}

// ValidateConfig warns of an override that does nothing.
func (r *detectionOverride) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m overrideModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if m.Severity.IsNull() && m.Destinations.IsNull() && !resp.Diagnostics.HasError() {
		resp.Diagnostics.AddWarning("The override does nothing", "It has neither severity nor destinations. To suppress the detection's alerts, set destinations to an empty list.")
	}
}

// Create sets the override, unless the detection has one that somebody else made. For a creation without an answer see
// keepUnanswered.
func (r *detectionOverride) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m overrideModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	id := m.DetectionID.ValueString()
	params := client.PutOverrideParams{IfNoneMatch: new("*"), IdempotencyKey: newKey()}
	call, fate := client.WithFate(ctx)
	o, err := client.OK(r.api.PutOverrideWithResponse(call, id, &params, m.input()))
	if isStale(err) && !fate.Open() {
		addExists(&resp.Diagnostics, id)
		return
	}
	if err != nil {
		r.report(ctx, &resp.Diagnostics, "set the override of "+id, err, overrideAttribute)
		if fate.Open() {
			m.keepUnanswered(ctx, resp)
		}
		return
	}
	m.setFrom(o)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("detection_id"), id)...)
	addWarnings(&resp.Diagnostics, o)
}

// Read refreshes the state. An override that is gone leaves it, so that the plan creates it again.
func (r *detectionOverride) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m overrideModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.DetectionID.ValueString()
	r.owns(id)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("detection_id"), id)...) // first: see destinationResource.Read
	imported := m.Revision.IsNull()
	if r.api == nil && !imported {
		return // the state stays as it was
	}
	if !r.ready(&resp.Diagnostics) {
		return
	}
	o, err := client.OK(r.api.GetOverrideWithResponse(ctx, id))
	if isGone(err) && imported {
		resp.Diagnostics.AddError("There is no such override",
			"The detection \""+id+"\" has no override. Detection ids are compared to the letter. Without an import block, Terraform creates the override.")
		return
	}
	if isGone(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		r.report(ctx, &resp.Diagnostics, "read the override of "+id, err, noAttribute)
		return
	}
	before := m
	if m.setFrom(o); before.isForeign(&m) {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	addWarnings(&resp.Diagnostics, o)
}

// Update replaces the override, unless it changed since it was read.
func (r *detectionOverride) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, prior overrideModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	id := m.DetectionID.ValueString()
	params := client.PutOverrideParams{IfMatch: revisionTag(prior.Revision.ValueInt64()), IdempotencyKey: newKey()}
	call, fate := client.WithFate(ctx)
	o, err := client.OK(r.api.PutOverrideWithResponse(call, id, &params, m.input()))
	if isStale(err) && r.gone(ctx, id) {
		addGone(&resp.Diagnostics, "override of "+id)
		return
	}
	if err != nil {
		r.report(ctx, &resp.Diagnostics, "change the override of "+id, err, overrideAttribute)
		if fate.Open() {
			addPerhapsUpdated(&resp.Diagnostics, "override of "+id)
		}
		return
	}
	m.setFrom(o)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("detection_id"), id)...)
	addWarnings(&resp.Diagnostics, o)
}

// gone asks whether a detection has no override any more: to change one that is not there is a stale change like any.
func (r *detectionOverride) gone(ctx context.Context, id string) bool {
	_, err := client.OK(r.api.GetOverrideWithResponse(ctx, id))
	return isGone(err)
}

// Delete removes the override; one that is gone already is fine.
func (r *detectionOverride) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m overrideModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	id := m.DetectionID.ValueString()
	err := client.NoContent(r.api.DeleteOverrideWithResponse(ctx, id, &client.DeleteOverrideParams{}))
	if err != nil && !isGone(err) {
		r.report(ctx, &resp.Diagnostics, "remove the override of "+id, err, noAttribute)
	}
}

// ImportState takes the id of a detection. Read refuses one that has no override.
func (r *detectionOverride) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := types.StringValue(req.ID)
	if req.ID == "" {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("detection_id"), &id)...)
	}
	requireImportable(id.ValueString(), "An override is imported by the id of its detection.", &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("detection_id"), path.Root("detection_id"), req, resp)
}

// addExists is for the creation of an override that is there.
func addExists(diags *diag.Diagnostics, id string) {
	diags.AddAttributeError(path.Root("detection_id"), "The detection has an override already",
		"It was not made by this resource and is left as it is. To manage it here, import it, with the name of the resource for NAME:\n\n"+
			fmt.Sprintf("  import {\n    to = alertrouter_detection_override.NAME\n    id = %q\n  }", id))
}

// addWarnings shows what the server finds odd about an override: it works, but not as its author may think. No attribute
// is pointed at: the configuration may have another list by now.
func addWarnings(diags *diag.Diagnostics, o *client.Override) {
	for _, w := range o.Warnings {
		diags.AddWarning("The override of "+o.DetectionID+" has a useless entry", "In the list of destinations the control plane has, "+w.Message+" ("+string(w.Code)+").")
	}
}

// overrideAttribute maps a pointer such as /destinations/0 to the attribute destinations.
func overrideAttribute(pointer string) (path.Path, bool) {
	name, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	switch name {
	case "detection_id", "severity", "destinations":
		return path.Root(name), true
	}
	return path.Empty(), false
}
