// SPDX-License-Identifier: MPL-2.0

package intake

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
)

// same reports whether a stored body says what an alert says: whatever the order of members, the space between them,
// and whether an absent member is left out or null. Numbers are compared as written, not as floats.
func same(stored []byte, a *alert.Alert) bool {
	old, err := wire.Parse(stored)
	if err != nil {
		return false
	}
	// Half a surrogate pair has no canonical form: all of them would become the same replacement character.
	verbatim := hasSurrogate(old.Context) || hasSurrogate(a.Context)
	x, err := canonical(*old, verbatim)
	if err != nil {
		return false
	}
	y, err := canonical(*a, verbatim)
	return err == nil && bytes.Equal(x, y)
}

func hasSurrogate(context []byte) bool {
	return bytes.Contains(context, []byte(`\ud`)) || bytes.Contains(context, []byte(`\uD`))
}

// canonical writes an alert in a form that is the same for the same content; verbatim leaves the context's strings as
// they are written.
func canonical(a alert.Alert, verbatim bool) ([]byte, error) {
	a.Detection.Severity = strings.ToUpper(a.Detection.Severity)
	if a.Generated.Severity != nil {
		severity := strings.ToUpper(*a.Generated.Severity)
		a.Generated.Severity = &severity
	}
	raw, err := json.Marshal(&a, jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(verbatim), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(raw)
	err = v.Format(jsontext.AllowInvalidUTF8(true), jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false), jsontext.PreserveRawStrings(verbatim))
	return v, err
}
