// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"context"
	"time"
)

// Token is an API token as it is stored: never the secret itself.
type Token struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Role        string       `json:"role,omitempty"` // the named set it was made from, if it was
	Permissions []Permission `json:"permissions"`    // sorted
	Hash        [32]byte     `json:"hash"`           // SHA-256 of the secret
	CreatedAt   time.Time    `json:"created_at"`
	ExpiresAt   time.Time    `json:"expires_at,omitzero"` // zero is never
}

// Store is what auth asks of a store. Each method is atomic and durable when it returns nil.
type Store interface {
	// Tokens returns all tokens, expired ones too, in no particular order. One that can no longer be read is logged and
	// left out.
	Tokens(ctx context.Context) ([]Token, error)

	// CreateToken stores a new one. An id that another has is problem.Conflict, and a time outside the years 0 to 9999
	// (UTC) problem.Invalid.
	CreateToken(ctx context.Context, t Token) error

	// DeleteToken removes one. An unknown id is problem.NotFound.
	DeleteToken(ctx context.Context, id string) error
}
