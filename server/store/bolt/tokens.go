// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Tokens returns all tokens, expired ones too.
func (s *Store) Tokens(ctx context.Context) ([]auth.Token, error) {
	list, err := all[auth.Token](ctx, s, bucketTokens)
	for i := range list {
		list[i].CreatedAt, list[i].ExpiresAt = list[i].CreatedAt.UTC(), list[i].ExpiresAt.UTC()
	}
	return list, err
}

// CreateToken stores a new one. An id that another has is problem.Conflict, a time that cannot be kept problem.Invalid.
func (s *Store) CreateToken(ctx context.Context, token auth.Token) error {
	if err := checkKey("/id", token.ID); err != nil {
		return err
	}
	if err := checkTime("/expires_at", token.ExpiresAt); err != nil {
		return err
	}
	return s.update(ctx, 1<<10, func(t *tx) error {
		if t.get(bucketTokens, []byte(token.ID)) != nil {
			return problem.New(problem.Conflict, "there is a token %s already", token.ID)
		}
		return putRecord(t, bucketTokens, token.ID, &token)
	})
}

// DeleteToken removes one. An unknown id is problem.NotFound.
func (s *Store) DeleteToken(ctx context.Context, id string) error {
	return s.update(ctx, 1<<10, func(t *tx) error {
		if t.get(bucketTokens, []byte(id)) == nil {
			return problem.New(problem.NotFound, "there is no token %s", id)
		}
		return t.delete(bucketTokens, []byte(id))
	})
}
