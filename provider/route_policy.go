// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"iter"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// A policy is what the function route was given. Parts of it may be unknown, as they are at plan. The decision is made
// as if they were something harmless, and counts only if they had no part in it:
//
//	unknown                              stands in for it                had a part in the decision
//	alert's type, id, severities         a valid one                     always; a SYSTEM_ERROR looks at its type only
//	entry of a list                      nothing                         if the list was looked at and has no SKIP
//	destination's id                     a placeholder                   never
//	destination's enabled and filters    what lets every alert pass      if the decision got as far as that filter
type policy struct {
	alert               policyAlert
	destinations        []policyDestination
	unknownDestinations bool // there may be others
	overrides           []policyOverride
	unknownOverrides    bool
}

type policyAlert struct {
	unknown                         bool // all of it
	kind, id, severity, generated   maybe[string]
	logTypes, static, generatedList maybe[[]string]
}

type policyDestination struct {
	route.Destination
	id, kind maybe[string]
	unknown  []route.Filter // those whose values are
}

type policyOverride struct {
	id, severity maybe[string]
	list         maybe[[]string]
}

// maybe is a value that can be absent or unknown. A list is unknown as soon as an entry is; value then has the others.
type maybe[T any] struct {
	value   T
	set     bool
	unknown bool
}

func (m maybe[T]) pointer() *T {
	if !m.set {
		return nil
	}
	return &m.value
}

// or is the value, or what stands in for an unknown one.
func (m maybe[T]) or(standIn T) T {
	if m.unknown {
		return standIn
	}
	return m.value
}

// text is the value for a result.
func (m maybe[T]) text() types.String {
	if m.unknown {
		return types.StringUnknown()
	}
	text, _ := any(m.pointer()).(*string)
	return types.StringPointerValue(text)
}

// toAlert is the alert with stand-ins.
func (a *policyAlert) toAlert() *alert.Alert {
	return &alert.Alert{
		Type:      alert.Type(a.kind.or(string(alert.Rule))),
		LogTypes:  a.logTypes.value,
		Detection: alert.Detection{ID: a.id.or("unknown"), Severity: a.severity.or(string(alert.Info)), Destinations: a.static.value},
		Generated: alert.Generated{Severity: a.generated.pointer(), Destinations: a.generatedList.value},
	}
}

// decide asks the control plane's own code. It reports whether the answer will be the same when all is known.
func (p *policy) decide() (route.Route, bool) {
	destinations := make([]route.Destination, len(p.destinations))
	for i, d := range p.destinations {
		destinations[i] = d.Destination
	}
	overrides := make([]route.Override, len(p.overrides))
	for i, o := range p.overrides {
		overrides[i] = route.Override{DetectionID: o.id.value, Severity: alert.Severity(o.severity.value), Destinations: o.list.value}
	}
	decided := route.Compile(destinations, overrides).Explain(p.alert.toAlert())
	return decided, p.settled(decided)
}

func (p *policy) settled(decided route.Route) bool {
	if p.alert.unknown || p.alert.kind.unknown || p.unknownDestinations {
		return false
	}
	if !p.isSystem() && !p.settledBefore(decided) {
		return false
	}
	rejected := map[string]route.Filter{}
	for _, r := range decided.Rejected {
		rejected[r.ID] = r.Filter
	}
	for _, d := range p.destinations {
		for _, filter := range p.asked(decided.Scenario, rejected[d.ID]) {
			if slices.Contains(d.unknown, filter) {
				return false
			}
		}
	}
	return true
}

func (p *policy) isSystem() bool { return p.alert.kind.value == string(alert.SystemError) }

// settledBefore is about what is looked at before the filters: severities and lists.
func (p *policy) settledBefore(decided route.Route) bool {
	a := p.alert
	var override policyOverride
	for _, o := range p.overrides {
		if a.id.unknown || o.id.unknown {
			return false
		}
		if o.id.value == a.id.value {
			override = o
		}
	}
	if p.unknownOverrides || a.severity.unknown || a.generated.unknown || override.severity.unknown {
		return false
	}
	static := override.list
	if !static.set && !static.unknown {
		static = a.static
	}
	for scenario, list := range inOrder(a.generatedList, static) {
		switch {
		case slices.Contains(list.value, route.Skip):
			return true
		case list.unknown:
			return false
		case scenario == decided.Scenario, scenario == route.GeneratedDestinations && list.set && len(list.value) == 0:
			return true
		}
	}
	return decided.Scenario == route.Suppressed || !a.logTypes.unknown
}

// inOrder yields the lists with their scenarios, highest precedence first.
func inOrder(generated, static maybe[[]string]) iter.Seq2[route.Scenario, maybe[[]string]] {
	return func(yield func(route.Scenario, maybe[[]string]) bool) {
		_ = yield(route.GeneratedDestinations, generated) && yield(route.StaticDestinations, static)
	}
}

// asked returns the filters that were asked of a destination, up to the one that refused it, if one did.
func (p *policy) asked(scenario route.Scenario, refused route.Filter) []route.Filter {
	var asked []route.Filter
	switch {
	case scenario == route.Suppressed:
	case p.isSystem():
		asked = []route.Filter{route.FilterEnabled, route.FilterAlertTypes}
	case scenario == route.GeneratedDestinations, scenario == route.StaticDestinations:
		asked = []route.Filter{route.FilterEnabled}
	default:
		asked = []route.Filter{route.FilterEnabled, route.FilterSeverities, route.FilterAlertTypes, route.FilterLogTypes}
	}
	if i := slices.Index(asked, refused); i >= 0 {
		asked = asked[:i+1]
	}
	return asked
}
