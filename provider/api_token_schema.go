// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// The words of the contract's enumerations of what a token may do, and the form of its secret.
var (
	tokenRoles  = []string{"admin", "operator", "engine", "viewer"}
	permissions = []string{
		"alerts:write", "alerts:read", "alerts:dispatch", "destinations:read", "destinations:write",
		"overrides:read", "overrides:write", "tokens:write", "audit:read", "backup:read",
	}
	tokenSecret = regexp.MustCompile(`^alertrouter_[A-Za-z0-9_-]{43,200}$`)
)

// What a token's name, role and permissions must be like, wherever they are set.
var (
	tokenNameForm = []validator.String{
		stringvalidator.UTF8LengthBetween(1, 100),
		stringvalidator.RegexMatches(trimmed, "must not begin or end with space"),
	}
	tokenRoleForm        = []validator.String{stringvalidator.OneOf(tokenRoles...)}
	tokenPermissionsForm = []validator.Set{
		setvalidator.SizeAtLeast(1),
		setvalidator.NoNullValues(),
		setvalidator.ValueStringsAre(stringvalidator.OneOf(permissions...)),
	}
)

func (r *apiToken) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replace := stringplanmodifier.RequiresReplace()
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An API token of the control plane. Its secret comes from the configuration, by a write-only argument, and is in no state and no plan.\n\n" +
			"For a token that is needed only while Terraform runs, see the ephemeral resource [alertrouter_api_token](../ephemeral-resources/api_token).\n\n" +
			"The token needs the permission `tokens:write`, and every permission it gives.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       keep,
				MarkdownDescription: describe("Token.id"),
			},
			"name": schema.StringAttribute{
				Required:            true,
				Validators:          tokenNameForm,
				PlanModifiers:       []planmodifier.String{replace},
				MarkdownDescription: describe("TokenInput.name", "Another name makes another token."),
			},
			"role": schema.StringAttribute{
				Optional:            true,
				Validators:          tokenRoleForm,
				PlanModifiers:       []planmodifier.String{replace},
				MarkdownDescription: describe("TokenInput.role", oneOf(tokenRoles), "Exactly one of `role` and `permissions` is set. Another role makes another token."),
			},
			"permissions": schema.SetAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				Validators:          tokenPermissionsForm,
				PlanModifiers:       []planmodifier.Set{setplanmodifier.RequiresReplace()},
				MarkdownDescription: describe("TokenInput.permissions", oneOf(permissions), "Other permissions make another token."),
			},
			"expires_at": schema.StringAttribute{
				Optional:      true,
				Validators:    []validator.String{timestamp{}},
				PlanModifiers: []planmodifier.String{sameTime{}, replace},
				MarkdownDescription: describe("TokenInput.expires_at", "A time of RFC 3339 such as `2030-01-31T00:00:00Z`; another spelling of the same time changes nothing, another time makes another token. "+
					"An expired token stays in the state, with a warning, until it is replaced or removed."),
			},
			"secret_wo": schema.StringAttribute{
				Optional:   true,
				Sensitive:  true,
				WriteOnly:  true,
				Validators: []validator.String{secretForm{}},
				MarkdownDescription: "The token itself: `alertrouter_` and 43 to 200 random letters, digits, `-` or `_`, which no other token has. Required to create the token. " +
					"Write-only: never in state or plan. A change of it alone does nothing: see `secret_wo_version`.",
			},
			"secret_wo_version": schema.Int64Attribute{
				Optional: true,
				Validators: []validator.Int64{
					int64validator.Between(0, 1<<31-1),
					int64validator.AlsoRequires(path.MatchRoot("secret_wo")),
				},
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplaceIf(isAnotherSecret, rotates, rotates)},
				MarkdownDescription: "Another version makes another token, with what `secret_wo` is then. The first version after an import is only taken note of, and so is it when the version is taken away: " +
					"the token keeps its secret.",
			},
			"created_at": schema.StringAttribute{
				Computed:            true,
				PlanModifiers:       keep,
				MarkdownDescription: describe("Token.created_at"),
			},
		},
	}
}

const rotates = "Another version makes another token."

// isAnotherSecret tells a version that is new from one that is only written down: after an import nobody can say whether
// the secret in the configuration is the token's.
func isAnotherSecret(ctx context.Context, req planmodifier.Int64Request, resp *int64planmodifier.RequiresReplaceIfFuncResponse) {
	created, diags := req.Private.GetKey(ctx, createdKey)
	resp.Diagnostics.Append(diags...)
	known := !req.StateValue.IsNull() || len(created) > 0
	resp.RequiresReplace = known && !req.PlanValue.IsNull()
}

// tokenAttribute maps a pointer such as /permissions/0 to the attribute permissions.
func tokenAttribute(pointer string) (path.Path, bool) {
	name, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	switch name {
	case "name", "role", "permissions", "expires_at":
		return path.Root(name), true
	case "secret":
		return path.Root("secret_wo"), true
	}
	return path.Empty(), false
}

// secretForm accepts what looks like a token of a control plane. It never quotes the value.
type secretForm struct{}

func (secretForm) Description(context.Context) string {
	return "must be alertrouter_ and 43 to 200 letters, digits, - or _, as `echo alertrouter_$(openssl rand -hex 32)` makes"
}

func (f secretForm) MarkdownDescription(ctx context.Context) string { return f.Description(ctx) }

func (f secretForm) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || tokenSecret.MatchString(req.ConfigValue.ValueString()) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "The secret is not that of a token", req.Path.String()+" "+f.Description(ctx)+".")
}

// momentOf reads a time of RFC 3339; null, unknown and other text are none.
func momentOf(v types.String) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, v.ValueString())
	return t, err == nil
}

// sameMoment reports whether two texts are spellings of one time.
func sameMoment(a, b types.String) bool {
	at, ok := momentOf(a)
	bt, also := momentOf(b)
	return ok && also && at.Equal(bt)
}

// timestamp accepts a time of RFC 3339.
type timestamp struct{}

func (timestamp) Description(context.Context) string {
	return "must be a time of RFC 3339 before the year 10000, such as 2030-01-31T00:00:00Z"
}

func (f timestamp) MarkdownDescription(ctx context.Context) string { return f.Description(ctx) }

func (f timestamp) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if at, ok := momentOf(req.ConfigValue); !ok || at.UTC().Year() > 9999 {
		resp.Diagnostics.AddAttributeError(req.Path, "The time is not valid", req.Path.String()+" "+f.Description(ctx)+".")
	}
}

// sameTime keeps the state's spelling of a time as long as the configuration has the same time.
type sameTime struct{}

func (sameTime) Description(context.Context) string {
	return "Another spelling of the same time changes nothing."
}

func (m sameTime) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (sameTime) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if sameMoment(req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}
