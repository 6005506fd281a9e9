// SPDX-License-Identifier: MPL-2.0

package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// Explain decides as [Table.Route] does and adds, for each destination not chosen, why not.
func (t *Table) Explain(a *alert.Alert) Route {
	d := decision{table: t, alert: a}
	d.run()
	d.route.Rejected = []Rejection{}
	chosen := make(map[Chosen]bool, len(d.route.Destinations))
	for _, c := range d.route.Destinations {
		chosen[c] = true
	}
	for e := range t.all.entries() {
		if !chosen[e.chosen] {
			d.route.Rejected = append(d.route.Rejected, d.reject(e))
		}
	}
	return d.route
}

// reject names the first thing that stood in the way, in the order the decision asks.
func (d *decision) reject(e *entry) Rejection {
	r := Rejection{ID: e.ID, DisplayName: e.DisplayName, Type: e.Type}
	system := d.alert.Type == alert.SystemError
	switch {
	case d.route.Scenario == Suppressed:
		r.because(FilterSuppressed, []string{}, []string{}, "the alert is suppressed")
	case !e.Enabled:
		r.because(FilterEnabled, []string{"true"}, []string{"false"}, "the destination is disabled")
	case d.list != nil:
		r.because(FilterDestinations, d.list, []string{e.DisplayName}, "the list in force does not name it")
	case !system && !slices.Contains(e.Severities, d.route.Severity):
		r.because(FilterSeverities, words(e.Severities), []string{string(d.route.Severity)}, "")
	case !e.acceptsType(d.alert.Type):
		r.because(FilterAlertTypes, words(e.AlertTypes), []string{string(d.alert.Type)}, "")
	default:
		r.because(FilterLogTypes, e.LogTypes, append([]string{}, d.alert.LogTypes...), "")
	}
	return r
}

func (r *Rejection) because(filter Filter, wants, got []string, message string) {
	if message == "" {
		message = fmt.Sprintf("%s is [%s], the alert has [%s]", filter, strings.Join(wants, ", "), strings.Join(got, ", "))
	}
	r.Filter, r.Wants, r.Got, r.Message = filter, wants, got, message
}

func words[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
