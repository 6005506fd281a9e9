// SPDX-License-Identifier: MPL-2.0

package intake

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// withoutSubject takes the destination that a system alert is about out of its route: that one would fail again. A
// person may still dispatch it there by hand. The route is the caller's own.
func withoutSubject(r route.Route, a *alert.Alert) route.Route {
	subject := a.Subject()
	at := slices.IndexFunc(r.Destinations, func(c route.Chosen) bool { return c.ID == subject })
	if subject == "" || at < 0 {
		return r
	}
	c := r.Destinations[at]
	r.Destinations = slices.Delete(r.Destinations, at, at+1)
	if len(r.Destinations) == 0 {
		r.Scenario = route.Unrouted
	}
	if r.Rejected != nil {
		r.Rejected = append(r.Rejected, route.Rejection{
			ID: c.ID, DisplayName: c.DisplayName, Type: c.Type, Filter: route.FilterSuppressed, Wants: []string{}, Got: []string{},
			Message: "a system alert is not sent to the destination it is about",
		})
		slices.SortFunc(r.Rejected, func(a, b route.Rejection) int {
			return cmp.Or(strings.Compare(a.DisplayName, b.DisplayName), strings.Compare(a.ID, b.ID))
		})
	}
	return r
}
