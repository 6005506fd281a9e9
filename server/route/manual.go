// SPDX-License-Identifier: MPL-2.0

package route

import (
	"fmt"
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// Refusal is why one of the destinations a person named may not be used. Index is its place in the list.
type Refusal struct {
	Index   int
	Message string
}

// Manual chooses the destinations a person named, by id or display name, for an alert of the given effective
// severity. The filters do not apply. When any of them is unknown, disabled or does not allow manual dispatch, all are
// refused and every offender is named.
func (t *Table) Manual(severity alert.Severity, names []string) (Route, []Refusal) {
	r := Route{Scenario: Manual, Severity: severity, Destinations: []Chosen{}, Warnings: []Warning{}}
	var refusals []Refusal
	for i, name := range names {
		e := t.find(name)
		switch {
		case e == nil:
			refusals = append(refusals, Refusal{i, fmt.Sprintf("%.100q is no destination", name)})
		case !e.AllowManualDispatch:
			refusals = append(refusals, Refusal{i, fmt.Sprintf("%q does not allow manual dispatch", e.DisplayName)})
		case !e.Enabled:
			refusals = append(refusals, Refusal{i, fmt.Sprintf("%q is disabled", e.DisplayName)})
		case !slices.Contains(r.Destinations, e.chosen):
			r.Destinations = append(r.Destinations, e.chosen)
		}
	}
	if len(refusals) > 0 {
		return Route{}, refusals
	}
	return r, nil
}
