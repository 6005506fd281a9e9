// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

type tokenCommands struct {
	Create createTokenCommand `cmd:"" help:"Create a token and print its secret, once."`
	List   listTokensCommand  `cmd:"" help:"List tokens."`
	Revoke revokeTokenCommand `cmd:"" help:"Revoke a token."`
}

type createTokenCommand struct {
	remote
	Name       string         `arg:"" help:"What the token is for."`
	Role       string         `xor:"rights" required:"" help:"admin, operator, engine or viewer."`
	Permission []string       `xor:"rights" required:"" help:"A permission such as alerts:write; may be repeated."`
	ExpiresIn  *time.Duration `help:"How long it works, such as 720h; for ever when left out."`
}

// Run creates a token.
func (c *createTokenCommand) Run(ctx context.Context, s streams) error {
	if c.ExpiresIn != nil && *c.ExpiresIn <= 0 {
		return usageError{errors.New("--expires-in must be more than 0")}
	}
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	input := client.TokenInput{Name: c.Name}
	if c.Role != "" {
		role := client.TokenInputRole(c.Role)
		input.Role = &role
	}
	for _, p := range c.Permission {
		input.Permissions = append(input.Permissions, client.Permission(p))
	}
	if c.ExpiresIn != nil {
		at := time.Now().Add(*c.ExpiresIn)
		input.ExpiresAt = &at
	}
	t, err := client.Created(api.CreateTokenWithResponse(ctx, nil, input))
	if err != nil {
		return err
	}
	return c.print(s, t, func(table *table) { table.row(t.Secret) })
}

type listTokensCommand struct{ remote }

// Run lists tokens.
func (c *listTokensCommand) Run(ctx context.Context, s streams) error {
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	list, err := client.OK(api.ListTokensWithResponse(ctx))
	if err != nil {
		return err
	}
	return c.print(s, list, func(t *table) {
		t.row("ID", "NAME", "MAY", "CREATED", "EXPIRES")
		for _, token := range list.Items {
			expires := "never"
			if token.ExpiresAt != nil {
				expires = token.ExpiresAt.Format(time.RFC3339)
			}
			t.row(token.ID, token.Name, rights(token), token.CreatedAt.Format(time.RFC3339), expires)
		}
	})
}

func rights(t client.Token) string {
	if t.Role != nil {
		return *t.Role
	}
	words := make([]string, len(t.Permissions))
	for i, p := range t.Permissions {
		words[i] = string(p)
	}
	return strings.Join(words, ",")
}

type revokeTokenCommand struct {
	remote
	ID string `arg:"" help:"The token's id, as list shows it."`
}

// Run revokes a token.
func (c *revokeTokenCommand) Run(ctx context.Context, s streams) error {
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	if err := client.NoContent(api.RevokeTokenWithResponse(ctx, c.ID)); err != nil {
		return err
	}
	return c.print(s, map[string]string{"revoked": c.ID}, func(t *table) { t.row("revoked", c.ID) })
}
