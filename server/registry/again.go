// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Terms are what a request says beside what it wants stored.
type Terms struct {
	// Key is the request's idempotency key, of [ParseKey]; "" is none. When the last write had this key and wrote the
	// same, the change is not made again, and the other terms do not matter.
	Key string

	// Revisions, if not nil, must have the current one among them, or [AnyRevision], else the error is problem.Stale.
	Revisions []int64

	// Absent says that there must be nothing yet, else the error is problem.Stale.
	Absent bool
}

// ParseKey reads an idempotency key, a UUID, and gives it in the form that ids have. The UUID of zeros is none.
func ParseKey(text string) (string, error) {
	key, err := uuid.Parse(text)
	if err != nil || len(text) != len(uuid.Nil.String()) || key == uuid.Nil {
		message := "must be a UUID, such as 0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0, made anew for each request"
		return "", problem.InvalidFields([]problem.Field{{Name: "Idempotency-Key", Message: message}})
	}
	return key.String(), nil
}

// writeOf is what a record remembers of the request that wrote it, "" without a key: a keyed hash of the key and of the
// content, which has secrets in clear.
func (r *Registry) writeOf(key, what string, content any) (string, error) {
	if key == "" {
		return "", nil
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("hash a request for %s: %w", what, err)
	}
	return r.sealer.Fingerprint("request/"+what+"/"+key, raw), nil
}

// canonical is the draft in a form that is the same for the same request.
func (d Draft) canonical() (Draft, error) {
	d.DisplayName = strings.TrimSpace(d.DisplayName)
	d.Severities, d.AlertTypes = sorted(d.Severities, alert.Severities()), sorted(d.AlertTypes, alert.Types())
	d.LogTypes = sortedWords(d.LogTypes)
	var config any
	decoder := json.NewDecoder(bytes.NewReader(d.Config))
	decoder.UseNumber() // a float would make one of two large numbers
	if err := decoder.Decode(&config); err != nil {
		return d, problem.InvalidFields([]problem.Field{{Name: "/config", Message: "cannot be read"}})
	}
	var err error
	d.Config, err = json.Marshal(config) // sorts the members
	return d, err
}

// writeOfDraft is [Registry.writeOf] for the destination with an id.
func (r *Registry) writeOfDraft(key, id string, draft Draft) (string, error) {
	if key == "" {
		return "", nil
	}
	content, err := draft.canonical()
	if err != nil {
		return "", err
	}
	return r.writeOf(key, "destination/"+id, content)
}

// writeOfOverride is [Registry.writeOf] for the override of a detection. Destinations that are not set and none are two
// things, and their order matters.
func (r *Registry) writeOfOverride(key, detectionID string, severity alert.Severity, destinations []string) (string, error) {
	content := struct {
		Severity     alert.Severity
		Destinations []string
	}{severity, slices.Clone(destinations)}
	return r.writeOf(key, "override/"+detectionID, content)
}

// usedKey is the error for a key whose destination is there and is not what the request asks for.
func usedKey(key string) error {
	return problem.New(problem.Conflict, "the Idempotency-Key %s came before, with another request, or the destination it made was changed since", key)
}
