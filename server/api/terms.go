// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// termsOf reads the headers that say when a change is to be made. A key stands above the others: what is wrong with an
// If-Match is wrong with a repeat as well, and is said first.
func termsOf(match *IfMatch, noneMatch *IfNoneMatch, key *IdempotencyHeader) (registry.Terms, error) {
	var terms registry.Terms
	var err error
	if terms.Revisions, err = ifMatch(match); err != nil {
		return terms, err
	}
	if terms.Absent = noneMatch != nil; terms.Absent && strings.TrimSpace(*noneMatch) != "*" {
		return terms, problem.InvalidFields([]problem.Field{{Name: "If-None-Match", Message: "must be *: there is nothing else to ask for"}})
	}
	terms.Key, err = keyOf(key)
	return terms, err
}

// keyOf reads an Idempotency-Key header; "" is none.
func keyOf(header *IdempotencyHeader) (string, error) {
	if header == nil {
		return "", nil
	}
	return registry.ParseKey(strings.TrimSpace(*header))
}

// replayed is the header that says that a request came again, nil where it did not.
func replayed(again bool) *string {
	if !again {
		return nil
	}
	value := "true"
	return &value
}
