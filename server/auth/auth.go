// SPDX-License-Identifier: MPL-2.0

// Package auth says who may do what: tokens, the permissions they hold, and the roles that name sets of permissions.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Permission is the right to use some operations; the contract names the one each needs.
type Permission string

// The permissions.
const (
	AlertsWrite       Permission = "alerts:write"
	AlertsRead        Permission = "alerts:read"
	AlertsDispatch    Permission = "alerts:dispatch"
	DestinationsRead  Permission = "destinations:read"
	DestinationsWrite Permission = "destinations:write"
	OverridesRead     Permission = "overrides:read"
	OverridesWrite    Permission = "overrides:write"
	TokensWrite       Permission = "tokens:write"
	AuditRead         Permission = "audit:read"
	BackupRead        Permission = "backup:read"
)

// Permissions lists every permission.
func Permissions() []Permission {
	return []Permission{
		AlertsWrite, AlertsRead, AlertsDispatch, DestinationsRead, DestinationsWrite,
		OverridesRead, OverridesWrite, TokensWrite, AuditRead, BackupRead,
	}
}

// Roles returns the named sets of permissions.
func Roles() map[string][]Permission {
	return map[string][]Permission{
		"admin": Permissions(),
		"operator": {
			AlertsRead, AlertsDispatch, DestinationsRead, DestinationsWrite, OverridesRead, OverridesWrite, AuditRead,
		},
		"engine": {AlertsWrite},
		"viewer": {AlertsRead, DestinationsRead, OverridesRead},
	}
}

// Has reports whether the token holds a permission.
func (t Token) Has(p Permission) bool { return slices.Contains(t.Permissions, p) }

// SecretPrefix begins every secret made here, so that scanners recognise a leaked one.
const SecretPrefix = "alertrouter_"

// NewSecret makes a random 256-bit token secret.
func NewSecret() secret.String {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return secret.New(SecretPrefix + base64.RawURLEncoding.EncodeToString(raw))
}

// HashOf returns what is stored of a secret. A plain hash is enough for a random 256-bit value.
func HashOf(s secret.String) [32]byte { return sha256.Sum256([]byte(s.Reveal())) }

// Keeper knows the tokens and answers who bears one. It is safe for concurrent use.
type Keeper struct {
	store  Store
	now    func() time.Time
	create sync.Mutex // so that no two tokens get one secret
	reload sync.Mutex // so that what was read last is kept
	byHash atomic.Pointer[map[[32]byte]Token]
}

// NewKeeper reads the tokens from the store.
func NewKeeper(ctx context.Context, store Store, now func() time.Time) (*Keeper, error) {
	k := &Keeper{store: store, now: now}
	return k, k.Reload(ctx)
}

// Reload reads the tokens again: after a change, here or by another process.
func (k *Keeper) Reload(ctx context.Context) error {
	k.reload.Lock()
	defer k.reload.Unlock()
	tokens, err := k.store.Tokens(ctx)
	if err != nil {
		return err
	}
	byHash := make(map[[32]byte]Token, len(tokens))
	for _, t := range tokens {
		byHash[t.Hash] = t
	}
	k.byHash.Store(&byHash)
	return nil
}

// Identify returns the token a bearer secret belongs to, or problem.Unauthorized.
func (k *Keeper) Identify(bearer secret.String) (Token, error) {
	hash := HashOf(bearer)
	t, ok := (*k.byHash.Load())[hash]
	if !ok || subtle.ConstantTimeCompare(t.Hash[:], hash[:]) != 1 {
		return Token{}, problem.New(problem.Unauthorized, "the token is not known to this server; was it revoked?")
	}
	if !t.ExpiresAt.IsZero() && !k.now().Before(t.ExpiresAt) {
		return Token{}, problem.New(problem.Unauthorized, "the token %q expired at %s", t.Name, t.ExpiresAt.Format(time.RFC3339))
	}
	return t, nil
}

// Create stores a token for a secret and makes it valid at once. Of a token that is there already, with this ID and the
// same in everything, it returns that one: again is true then. An ID or a secret that another token has is
// problem.Conflict.
func (k *Keeper) Create(ctx context.Context, t Token) (made Token, again bool, err error) {
	k.create.Lock()
	defer k.create.Unlock()
	slices.Sort(t.Permissions)
	t.Permissions = slices.Compact(t.Permissions)
	other, taken := (*k.byHash.Load())[t.Hash]
	switch {
	case taken && other.isRepeatedBy(t):
		return other, true, nil
	case taken:
		return Token{}, false, problem.New(problem.Conflict, "a token has this secret already; choose another")
	}
	if _, err := k.Get(t.ID); err == nil {
		return Token{}, false, problem.New(problem.Conflict, "the Idempotency-Key %s came before, with another request or secret", t.ID)
	}
	if err := k.store.CreateToken(ctx, t); err != nil {
		return Token{}, false, err
	}
	return t, false, k.Reload(ctx)
}

// isRepeatedBy reports whether another token is what the same request would make again. The secrets are the same.
func (t Token) isRepeatedBy(other Token) bool {
	return t.ID == other.ID && t.Name == other.Name && t.Role == other.Role && t.ExpiresAt.Equal(other.ExpiresAt) &&
		slices.Equal(t.Permissions, other.Permissions)
}

// Revoke removes a token; it is refused from then on. The last one that may manage tokens and does not expire is
// problem.Conflict: nobody could make another.
func (k *Keeper) Revoke(ctx context.Context, id string) error {
	others := slices.DeleteFunc(k.List(), func(t Token) bool { return t.ID == id })
	lasting := func(t Token) bool { return t.Has(TokensWrite) && t.ExpiresAt.IsZero() }
	if len(others) < len(k.List()) && !slices.ContainsFunc(others, lasting) {
		return problem.New(problem.Conflict, "no other token has %s for good; make one before this is revoked", TokensWrite)
	}
	if err := k.store.DeleteToken(ctx, id); err != nil {
		return err
	}
	return k.Reload(ctx)
}

// Get returns a token by its id, an expired one too. An unknown id is problem.NotFound.
func (k *Keeper) Get(id string) (Token, error) {
	for _, t := range *k.byHash.Load() {
		if t.ID == id {
			return t, nil
		}
	}
	return Token{}, problem.New(problem.NotFound, "there is no token %s", id)
}

// List returns all tokens by time of creation.
func (k *Keeper) List() []Token {
	byHash := *k.byHash.Load()
	tokens := make([]Token, 0, len(byHash))
	for _, t := range byHash {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b Token) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return tokens
}
