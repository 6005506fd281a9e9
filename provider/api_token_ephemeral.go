// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/ephemeralvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// How long an ephemeral token works. It is not renewed: the server revokes nothing before its time, and Close does.
const (
	defaultTTL  = time.Hour
	shortestTTL = time.Minute
	longestTTL  = 24 * time.Hour
)

// ephemeralAPIToken is the ephemeral resource alertrouter_api_token: a token for as long as Terraform needs it.
type ephemeralAPIToken struct {
	ephemeralCaller
	openers *openers
}

func newEphemeralAPIToken(o *openers) ephemeral.EphemeralResource {
	return &ephemeralAPIToken{openers: o}
}

// openers has the client that made each token, by the token's id, so that the same one revokes it. With -debug one
// process serves every provider block, and the client at hand may be that of another block: one with the token itself.
type openers struct{ sync.Map }

func (o *openers) put(id string, api *client.ClientWithResponses) { o.Store(id, api) }

// take returns the client, else what is there instead, and forgets it.
func (o *openers) take(id string, otherwise *client.ClientWithResponses) *client.ClientWithResponses {
	if api, ok := o.LoadAndDelete(id); ok {
		return api.(*client.ClientWithResponses)
	}
	return otherwise
}

// exitTime is how long the process may take to end before Terraform kills it, less some room.
const exitTime = 1500 * time.Millisecond

// revokeLeft revokes the tokens that were not closed: of an interrupted run Terraform closes none. What cannot be
// revoked in the time that is left expires.
func (o *openers) revokeLeft(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, exitTime)
	defer cancel()
	o.Range(func(id, api any) bool {
		_, _ = api.(*client.ClientWithResponses).RevokeTokenWithResponse(ctx, id.(string)) // nobody is left to be told
		return ctx.Err() == nil
	})
}

type ephemeralAPITokenModel struct {
	Name        types.String `tfsdk:"name"`
	Role        types.String `tfsdk:"role"`
	Permissions types.Set    `tfsdk:"permissions"`
	TTL         types.String `tfsdk:"ttl"`
	ID          types.String `tfsdk:"id"`
	Secret      types.String `tfsdk:"secret"`
	ExpiresAt   types.String `tfsdk:"expires_at"`
}

func (e *ephemeralAPIToken) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_token"
}

func (e *ephemeralAPIToken) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An API token that exists only while Terraform runs: every plan and every apply makes one, and revokes it at its end. It is in no state and no plan.\n\n" +
			"It is not renewed: choose a `ttl` longer than the run. An interrupted run revokes it too; when a run is killed, the token works until its `ttl` is over.\n\n" +
			"The token needs the permission `tokens:write`, and every permission it gives.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				Validators:          tokenNameForm,
				MarkdownDescription: describe("TokenInput.name"),
			},
			"role": schema.StringAttribute{
				Optional:            true,
				Validators:          tokenRoleForm,
				MarkdownDescription: describe("TokenInput.role", oneOf(tokenRoles), "Exactly one of `role` and `permissions` is set."),
			},
			"permissions": schema.SetAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          tokenPermissionsForm,
				MarkdownDescription: describe("TokenInput.permissions", oneOf(permissions)),
			},
			"ttl": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{ttlForm{}},
				MarkdownDescription: "How long the token works if nothing revokes it, such as `15m`: from one minute to `24h`. Defaults to `1h`.",
			},
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: describe("Token.id"),
			},
			"secret": schema.StringAttribute{
				Computed:            true,
				Sensitive:           true,
				MarkdownDescription: "The token itself.",
			},
			"expires_at": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When it stops working if nothing revokes it before.",
			},
		},
	}
}

func (e *ephemeralAPIToken) ConfigValidators(context.Context) []ephemeral.ConfigValidator {
	return []ephemeral.ConfigValidator{ephemeralvalidator.ExactlyOneOf(path.MatchRoot("role"), path.MatchRoot("permissions"))}
}

// Open makes the token.
func (e *ephemeralAPIToken) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m ephemeralAPITokenModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !e.ready(&resp.Diagnostics) {
		return
	}
	ttl := defaultTTL
	if !m.TTL.IsNull() {
		ttl, _ = time.ParseDuration(m.TTL.ValueString()) // the validator has read it before
	}
	expires := time.Now().Add(ttl).UTC().Truncate(time.Second)
	input := tokenInput(m.Name, m.Role, m.Permissions)
	secret := newTokenSecret()
	e.hide(secret)
	input.ExpiresAt, input.Secret = &expires, &secret
	key := newKey()
	call, fate := client.WithFate(ctx)
	t, err := client.Created(e.api.CreateTokenWithResponse(call, &client.CreateTokenParams{IdempotencyKey: key}, input))
	if err == nil || fate.Open() { // without an answer the token may be there as well, and is revoked at the end
		e.openers.put(*key, e.api)
	}
	if err != nil {
		e.report(ctx, &resp.Diagnostics, "create the token", err, ephemeralTokenAttribute)
		return
	}
	id, err := json.Marshal(t.ID)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, "id", id)...)
	m.ID, m.Secret, m.ExpiresAt = types.StringValue(t.ID), types.StringValue(secret), timeOf(expires)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

// newTokenSecret makes a secret in the form that the contract wants. That it is made here, and not by the server, lets a
// request whose answer was lost be sent again.
func newTokenSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return "alertrouter_" + base64.RawURLEncoding.EncodeToString(raw)
}

// Close revokes the token; one that is gone already is fine.
func (e *ephemeralAPIToken) Close(ctx context.Context, req ephemeral.CloseRequest, resp *ephemeral.CloseResponse) {
	raw, diags := req.Private.GetKey(ctx, "id")
	resp.Diagnostics.Append(diags...)
	var id string
	if err := json.Unmarshal(raw, &id); err != nil {
		resp.Diagnostics.AddError("The private data cannot be read", err.Error())
	}
	if resp.Diagnostics.HasError() || !e.ready(&resp.Diagnostics) {
		return
	}
	e.revoke(ctx, e.openers.take(id, e.api), id, &resp.Diagnostics)
}

// ephemeralTokenAttribute is tokenAttribute, but that the time comes from ttl.
func ephemeralTokenAttribute(pointer string) (path.Path, bool) {
	if pointer == "/expires_at" {
		return path.Root("ttl"), true
	}
	return tokenAttribute(pointer)
}

// ttlForm accepts a duration within the limits.
type ttlForm struct{}

func (ttlForm) Description(context.Context) string {
	return "must be a duration from 1m to 24h, such as 15m"
}

func (f ttlForm) MarkdownDescription(ctx context.Context) string { return f.Description(ctx) }

func (f ttlForm) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if got, err := time.ParseDuration(req.ConfigValue.ValueString()); err != nil || got < shortestTTL || got > longestTTL {
		resp.Diagnostics.AddAttributeError(req.Path, "The duration is not valid", fmt.Sprintf("%q %s.", req.ConfigValue.ValueString(), f.Description(ctx)))
	}
}
