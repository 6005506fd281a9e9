// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// ListTokens implements GET /v1/tokens.
func (a *API) ListTokens(context.Context, ListTokensRequestObject) (ListTokensResponseObject, error) {
	tokens := a.Tokens.List()
	list := TokenList{Items: make([]Token, len(tokens))}
	for i, t := range tokens {
		list.Items[i] = tokenOf(t)
	}
	return ListTokens200JSONResponse(list), nil
}

// GetToken implements GET /v1/tokens/{id}.
func (a *API) GetToken(_ context.Context, r GetTokenRequestObject) (GetTokenResponseObject, error) {
	t, err := a.Tokens.Get(r.ID)
	if err != nil {
		return nil, err
	}
	return GetToken200JSONResponse(tokenOf(t)), nil
}

// CreateToken implements POST /v1/tokens.
func (a *API) CreateToken(ctx context.Context, r CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	in := *r.Body
	key, err := keyOf(r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	t := auth.Token{
		ID: cmp.Or(key, uuid.Must(uuid.NewV7()).String()), Name: strings.TrimSpace(in.Name), Role: string(deref(in.Role)),
		Permissions: convert[auth.Permission](in.Permissions), CreatedAt: a.Now().UTC(), ExpiresAt: deref(in.ExpiresAt).UTC(),
	}
	if in.ExpiresAt == nil {
		t.ExpiresAt = deref(in.ExpiresAt)
	}
	if err := a.checkToken(&t, bearer(ctx)); err != nil {
		return nil, err
	}
	own := secret.New(deref(in.Secret))
	made := secret.String{} // which only the answer tells
	if !own.IsSet() {
		made = auth.NewSecret()
		own = made
	}
	t.Hash = auth.HashOf(own)
	t, again, err := a.Tokens.Create(ctx, t)
	if err != nil {
		return nil, err
	}
	shown := tokenOf(t)
	return CreateToken201JSONResponse{
		Body: CreatedToken{
			ID: shown.ID, Name: shown.Name, Role: shown.Role, Permissions: shown.Permissions, CreatedAt: shown.CreatedAt,
			ExpiresAt: shown.ExpiresAt, Secret: made.Reveal(),
		},
		Headers: CreateToken201ResponseHeaders{IdempotentReplayed: replayed(again)},
	}, nil
}

// checkToken fills in a role's permissions and refuses what the creator may not give.
func (a *API) checkToken(t *auth.Token, creator auth.Token) error {
	var fields []problem.Field
	if t.Name == "" {
		fields = append(fields, problem.Field{Name: "/name", Message: "must not be blank"})
	}
	if (t.Role == "") == (t.Permissions == nil) {
		fields = append(fields, problem.Field{Name: "/role", Message: "set exactly one of role and permissions"})
	}
	if !t.ExpiresAt.IsZero() && (!t.ExpiresAt.After(a.Now()) || t.ExpiresAt.Year() > 9999) {
		fields = append(fields, problem.Field{Name: "/expires_at", Message: "must be in the future, and before the year 10000"})
	}
	if err := problem.InvalidFields(fields); err != nil {
		return err
	}
	if t.Role != "" {
		t.Permissions = auth.Roles()[t.Role]
	}
	return checkGift(*t, creator)
}

// checkGift refuses a token with permissions that its creator lacks.
func checkGift(t, creator auth.Token) error {
	var lacking []string
	for _, p := range t.Permissions {
		if !creator.Has(p) {
			lacking = append(lacking, string(p))
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	field := problem.Field{Name: "/permissions", Message: "cannot be given by a token that lacks " + strings.Join(lacking, ", ")}
	if t.Role != "" {
		field.Name = "/role"
	}
	err := problem.New(problem.Forbidden, "a token cannot give a permission it lacks: %s", strings.Join(lacking, ", "))
	err.Fields = []problem.Field{field}
	return err
}

// RevokeToken implements DELETE /v1/tokens/{id}.
func (a *API) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	if err := a.Tokens.Revoke(ctx, r.ID); err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	return RevokeToken204Response{}, nil
}

func tokenOf(t auth.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Role: orNil(t.Role), Permissions: convert[Permission](t.Permissions),
		CreatedAt: t.CreatedAt.UTC(), ExpiresAt: timeOrNil(t.ExpiresAt),
	}
}
