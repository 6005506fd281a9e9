// SPDX-License-Identifier: MPL-2.0

// Package destination is what every destination type provides and what the rest of the server knows of one.
//
// A type lives in a package of its own below this one (slack, webhook, …), describes itself with [Define] and is
// listed in package catalog. It sees neither the store, nor the API, nor another type: it gets a validated config and
// an [Env], and turns a [Message] into one attempt.
//
//	type.go      Type: decoding, defaults, validation and secrets of a config, the same for all types
//	sender.go    Sender, Message, Receipt: one attempt
//	post.go      Env.Post: the exchange most types make
//	preview.go   Type.Preview: what an alert would become
//	again.go     the keys and marks by which a repeat is told
//	outcome.go   what an attempt's error says should happen next
//	faults.go    Faults: collecting what is wrong with a config
//	field.go     what types ask of the texts in a config
//	identity.go  Identity: certificates of a destination's own
//	name.go      when two display names are the same
package destination

import (
	"encoding/json"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// Destination is a configured place alerts go, as it is stored. Config holds the members of its type's config that
// are not secret; the secrets are in Sealed, each encrypted, by member name. Fingerprints tell whether a secret
// changed without telling the secret.
type Destination struct {
	ID                   string            `json:"id"`
	Type                 string            `json:"type"`
	DisplayName          string            `json:"display_name"`
	Enabled              bool              `json:"enabled"`
	Severities           []alert.Severity  `json:"severities"`
	AlertTypes           []alert.Type      `json:"alert_types"`
	LogTypes             []string          `json:"log_types"`
	AllowManualDispatch  bool              `json:"allow_manual_dispatch"`
	Fallback             string            `json:"fallback,omitempty"`               // id of another destination, or ""
	FallbackAfterSeconds int64             `json:"fallback_after_seconds,omitempty"` // 0: when the delivery fails for good
	MaxAgeSeconds        int64             `json:"max_age_seconds,omitempty"`        // 0: the server's setting
	MaxConcurrency       int               `json:"max_concurrency,omitempty"`        // 0: the server's default
	RateLimitPerSecond   float64           `json:"rate_limit_per_second,omitempty"`  // 0: the type's
	Config               json.RawMessage   `json:"config"`
	Sealed               map[string][]byte `json:"sealed,omitempty"`
	Fingerprints         map[string]string `json:"secret_fingerprints,omitempty"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
	Revision             int64             `json:"revision"`             // 1 at creation, one more at every change
	LastWrite            string            `json:"last_write,omitempty"` // what tells a repeat of the last write; never shown
}
