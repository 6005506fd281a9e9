// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// apiToken is the resource alertrouter_api_token. A token cannot be changed: all but the first version after an import
// makes another.
type apiToken struct{ resourceCaller }

func newAPIToken() resource.Resource { return &apiToken{} }

// apiTokenModel is its data. Only a configuration has the secret.
type apiTokenModel struct {
	ID            types.String `tfsdk:"id"`
	Name          types.String `tfsdk:"name"`
	Role          types.String `tfsdk:"role"`
	Permissions   types.Set    `tfsdk:"permissions"`
	ExpiresAt     types.String `tfsdk:"expires_at"`
	Secret        types.String `tfsdk:"secret_wo"`
	SecretVersion types.Int64  `tfsdk:"secret_wo_version"`
	CreatedAt     types.String `tfsdk:"created_at"`
}

// setFrom takes over what the API returned. The time keeps its spelling as long as it is the same time.
func (m *apiTokenModel) setFrom(t *client.Token) {
	m.ID, m.Name, m.CreatedAt = types.StringValue(t.ID), types.StringValue(t.Name), timeOf(t.CreatedAt)
	m.Role, m.Permissions = types.StringPointerValue(t.Role), types.SetNull(types.StringType)
	if t.Role == nil {
		m.Permissions = setOf(t.Permissions)
	}
	expires := types.StringNull()
	if t.ExpiresAt != nil {
		expires = timeOf(*t.ExpiresAt)
	}
	if !sameMoment(m.ExpiresAt, expires) {
		m.ExpiresAt = expires
	}
	m.Secret = types.StringNull()
}

func (r *apiToken) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_token"
}

func (r *apiToken) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: "The token's id."},
	}}
}

func (r *apiToken) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{resourcevalidator.ExactlyOneOf(path.MatchRoot("role"), path.MatchRoot("permissions"))}
}

// ModifyPlan asks of a creation what the schema cannot: a token that exists may have no secret in its configuration, and
// may have expired.
func (r *apiToken) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.State.Raw.IsNull() && !req.Plan.Raw.IsNull() && !req.Plan.Raw.Equal(req.State.Raw) {
		resp.Diagnostics.AddAttributeWarning(path.Root("secret_wo_version"), "The token keeps its secret",
			"The version is only taken down: the first one after an import, or one that is taken away, makes no other token. A version that differs from the one before does.")
	}
	if req.Plan.Raw.IsNull() || !req.State.Raw.IsNull() {
		return
	}
	var m apiTokenModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Secret.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("secret_wo"), "A secret is missing",
			"secret_wo is required to create the token. It can be left out only once the token exists, as after an import.")
	}
	if at, ok := momentOf(m.ExpiresAt); ok && !at.After(time.Now()) {
		resp.Diagnostics.AddAttributeError(path.Root("expires_at"), "The token would be expired", "expires_at must be in the future for a token that is yet to be made.")
	}
}

// createdKey is what the private state has of a token whose secret came from a configuration, not from an import.
const createdKey = "created"

// Create makes the token.
func (r *apiToken) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m apiTokenModel
	var secret types.String
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("secret_wo"), &secret)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	input := tokenInput(m.Name, m.Role, m.Permissions)
	input.Secret = secret.ValueStringPointer()
	r.hide(secret.ValueString())
	if at, ok := momentOf(m.ExpiresAt); ok {
		input.ExpiresAt = &at
	}
	key := newKey()
	call, fate := client.WithFate(ctx)
	t, err := client.Created(r.api.CreateTokenWithResponse(call, &client.CreateTokenParams{IdempotencyKey: key}, input))
	if answer := conflict(err); answer != nil {
		resp.Diagnostics.AddAttributeError(path.Root("secret_wo"), "Cannot create the token", answer.Detail+".\n\n"+
			"Every token needs a secret of its own: with create_before_destroy one is replaced only together with its secret."+trace(answer))
		return
	}
	if err != nil {
		r.report(ctx, &resp.Diagnostics, "create the token", err, tokenAttribute)
		if fate.Open() {
			m.keepUnanswered(ctx, *key, resp)
		}
		return
	}
	m.setFrom(&client.Token{ID: t.ID, Name: t.Name, Role: t.Role, Permissions: t.Permissions, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt})
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), t.ID)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, createdKey, []byte("true"))...)
}

// Read refreshes the state. A token that was revoked leaves it, so that the plan creates it again; one that expired stays.
func (r *apiToken) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m apiTokenModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.ID.ValueString()
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), id)...) // first: see destinationResource.Read
	if imported := m.Name.IsNull(); r.api == nil && !imported {
		return // the state stays as it was
	}
	if !r.ready(&resp.Diagnostics) {
		return
	}
	t, err := client.OK(r.api.GetTokenWithResponse(ctx, id))
	if isGone(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		r.report(ctx, &resp.Diagnostics, "read the token "+id, err, noAttribute)
		return
	}
	m.setFrom(t)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	if t.ExpiresAt != nil && !t.ExpiresAt.After(time.Now()) {
		resp.Diagnostics.AddWarning(fmt.Sprintf("The token %q has expired", t.Name),
			"It is refused since "+m.ExpiresAt.ValueString()+". To make another, change expires_at, secret_wo and secret_wo_version; to be rid of it, remove the resource.")
	}
}

// Update takes note of the version: anything else makes another token.
func (r *apiToken) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m apiTokenModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), m.ID)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, createdKey, []byte("true"))...)
}

// Delete revokes the token; one that is gone already is fine.
func (r *apiToken) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var id types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	r.revoke(ctx, r.api, id.ValueString(), &resp.Diagnostics)
}

// ImportState takes the id of a token.
func (r *apiToken) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	if req.ID != "" {
		requireImportable(req.ID, "A token is imported by its id, which `alertrouter token list` shows.", &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("id"), path.Root("id"), req, resp)
}

// tokenInput is the part of a token's input that the resource and the ephemeral resource share.
func tokenInput(name, role types.String, permissions types.Set) client.TokenInput {
	input := client.TokenInput{Name: name.ValueString(), Role: pointerTo[client.TokenInputRole](role)}
	if !permissions.IsNull() {
		input.Permissions = textsOf[client.Permission](permissions)
	}
	return input
}

// revoke revokes a token, unless it is gone already.
func (c *caller) revoke(ctx context.Context, api *client.ClientWithResponses, id string, diags *diag.Diagnostics) {
	err := client.NoContent(api.RevokeTokenWithResponse(ctx, id))
	if answer := conflict(err); answer != nil { // the last that can make tokens
		diags.AddError("Cannot revoke the token "+id, answer.Detail+"."+trace(answer))
		return
	}
	if err != nil && !isGone(err) {
		c.report(ctx, diags, "revoke the token "+id, err, noAttribute)
	}
}
