// SPDX-License-Identifier: MPL-2.0

package intake

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
)

// Parse reads an alert in the API's form; see [wire.Parse].
func Parse(body []byte) (*alert.Alert, error) { return wire.Parse(body) }

// same reports whether a stored body says what an alert says: whatever the order of members, the space between them,
// and whether an absent member is left out or null. Numbers are compared as written, not as floats.
func same(stored []byte, a *alert.Alert) bool {
	old, err := Parse(stored)
	if err != nil {
		return false
	}
	x, err := canonical(old)
	if err != nil {
		return false
	}
	y, err := canonical(a)
	return err == nil && bytes.Equal(x, y)
}

func canonical(a *alert.Alert) ([]byte, error) {
	raw, err := json.Marshal(a, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(raw)
	err = v.Format(jsontext.AllowInvalidUTF8(true), jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false), jsontext.PreserveRawStrings(false))
	return v, err
}
