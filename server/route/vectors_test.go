// SPDX-License-Identifier: MPL-2.0

package route_test

import (
	"slices"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// vectorDestinations are those of the design's table, in no particular order.
func vectorDestinations() []route.Destination {
	return []route.Destination{
		{ID: "id-S", DisplayName: "S", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.Info}, AlertTypes: []alert.Type{alert.SystemError}},
		{ID: "id-C", DisplayName: "C", Type: "slack", Enabled: true},
		{ID: "id-B", DisplayName: "B", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.Low}, AlertTypes: []alert.Type{alert.Rule}, LogTypes: []string{"Okta.SystemLog"}},
		{ID: "id-A", DisplayName: "A", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.High, alert.Critical}},
	}
}

// vector is one row of the routing design. generated and static nil are absent.
type vector struct {
	name      string
	severity  string
	generated *string // severity; nil is absent
	list      []string
	static    []string
	kind      alert.Type
	logs      []string
	override  *route.Override
	disabled  string
	want      route.Scenario
	at        alert.Severity
	to        []string
	warnings  []route.WarningCode
}

func str(s string) *string { return &s }

var (
	unknown  = route.UnknownDestination
	disabled = route.DisabledDestination
	empty    = route.EmptyList
)

// vectors 1 to 31, 35 and 36; 32 and 33 are in manual_test.go, 34 is about delivery and tested there.
var vectors = []vector{
	{name: "1", severity: "HIGH", want: route.StaticSeverity, to: []string{"A"}},
	{name: "2", severity: "LOW", want: route.Unrouted},
	{name: "3", severity: "LOW", logs: []string{"Okta.SystemLog"}, want: route.StaticSeverity, to: []string{"B"}},
	{name: "4", severity: "LOW", logs: []string{"Okta.SystemLog"}, kind: alert.RuleError, want: route.Unrouted},
	{name: "5", severity: "MEDIUM", want: route.Unrouted},
	{name: "6 null list", severity: "HIGH", list: nil, want: route.StaticSeverity, to: []string{"A"}},
	{name: "7", severity: "HIGH", static: []string{"C"}, want: route.StaticDestinations, to: []string{"C"}},
	{name: "8", severity: "HIGH", list: []string{}, static: []string{"A"}, want: route.Suppressed},
	{name: "9", severity: "HIGH", list: []string{"SKIP"}, static: []string{"A"}, want: route.Suppressed},
	{name: "10", severity: "HIGH", list: []string{"SKIP", "A"}, want: route.Suppressed},
	{name: "11", severity: "INFO", list: []string{"A"}, want: route.GeneratedDestinations, to: []string{"A"}},
	{name: "12", severity: "INFO", list: []string{"id-A"}, want: route.GeneratedDestinations, to: []string{"A"}},
	{name: "13", severity: "INFO", list: []string{"B"}, want: route.GeneratedDestinations, to: []string{"B"}},
	{name: "14", severity: "HIGH", static: []string{"B"}, kind: alert.RuleError, want: route.StaticDestinations, to: []string{"B"}},
	{name: "15", severity: "HIGH", list: []string{"A", "id-A"}, want: route.GeneratedDestinations, to: []string{"A"}},
	{name: "16", severity: "HIGH", list: []string{"C", "nope"}, want: route.GeneratedDestinations, to: []string{"C"}, warnings: []route.WarningCode{unknown}},
	{name: "17", severity: "HIGH", list: []string{"nope"}, want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{unknown, empty}},
	{name: "18", severity: "HIGH", list: []string{"nope"}, static: []string{"C"}, want: route.StaticDestinations, to: []string{"C"}, warnings: []route.WarningCode{unknown, empty}},
	{name: "19", severity: "HIGH", list: []string{"a"}, want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{unknown, empty}},
	{name: "20", severity: "HIGH", static: []string{"gone"}, want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{unknown, empty}},
	{name: "21", severity: "HIGH", static: []string{"C", "gone"}, want: route.StaticDestinations, to: []string{"C"}, warnings: []route.WarningCode{unknown}},
	{name: "22", severity: "HIGH", generated: str("LOW"), logs: []string{"Okta.SystemLog"}, want: route.GeneratedSeverity, at: alert.Low, to: []string{"B"}},
	{name: "23", severity: "LOW", generated: str("high"), want: route.GeneratedSeverity, at: alert.High, to: []string{"A"}},
	{name: "24", severity: "HIGH", generated: str("DEFAULT"), want: route.StaticSeverity, to: []string{"A"}},
	{name: "25", severity: "HIGH", generated: str("SEVERE"), want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{route.InvalidSeverity}},
	{name: "26", severity: "LOW", kind: alert.SystemError, want: route.System, at: alert.Critical, to: []string{"A", "C", "S"}},
	{name: "27", severity: "HIGH", static: []string{"A"}, override: &route.Override{Destinations: []string{"C"}}, want: route.StaticDestinations, to: []string{"C"}},
	{name: "28", severity: "HIGH", override: &route.Override{Destinations: []string{}}, want: route.Suppressed},
	{name: "29", severity: "LOW", override: &route.Override{Severity: alert.Critical}, want: route.StaticSeverity, at: alert.Critical, to: []string{"A"}},
	{name: "30", severity: "LOW", generated: str("MEDIUM"), override: &route.Override{Severity: alert.Critical}, want: route.Unrouted, at: alert.Medium},
	{name: "31", severity: "HIGH", list: []string{"C"}, disabled: "C", want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{disabled, empty}},
	{name: "35", severity: "HIGH", static: []string{}, want: route.StaticSeverity, to: []string{"A"}},
	{name: "36", severity: "HIGH", static: []string{"SKIP"}, want: route.Suppressed},

	// What the rows leave open.
	{name: "a generated list overrules an override", severity: "HIGH", list: []string{"A"}, override: &route.Override{Destinations: []string{}}, want: route.GeneratedDestinations, to: []string{"A"}},
	{name: "a bad override does not bring the metadata's list back", severity: "LOW", static: []string{"A"}, override: &route.Override{Destinations: []string{"gone"}}, want: route.Unrouted, warnings: []route.WarningCode{unknown, empty}},
	{name: "Default means the static severity in any case", severity: "LOW", generated: str("default"), override: &route.Override{Severity: alert.High}, want: route.StaticSeverity, at: alert.High, to: []string{"A"}},
	{name: "an empty generated severity is not valid", severity: "HIGH", generated: str(""), want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{route.InvalidSeverity}},
	{name: "a static severity in lower case", severity: "high", want: route.StaticSeverity, at: alert.High, to: []string{"A"}},
	{name: "skip in lower case is a name like another", severity: "HIGH", list: []string{"skip"}, want: route.StaticSeverity, to: []string{"A"}, warnings: []route.WarningCode{unknown, empty}},
	{name: "a system error passes over every list", severity: "LOW", kind: alert.SystemError, list: []string{}, static: []string{"SKIP"}, override: &route.Override{Destinations: []string{}}, want: route.System, at: alert.Critical, to: []string{"A", "C", "S"}},
	{name: "one shared log type is enough", severity: "LOW", logs: []string{"AWS.CloudTrail", "Okta.SystemLog"}, want: route.StaticSeverity, to: []string{"B"}},
}

func (v vector) alert() *alert.Alert {
	a := &alert.Alert{Type: v.kind, LogTypes: v.logs, Detection: alert.Detection{ID: "detection", Severity: v.severity, Destinations: v.static}}
	if a.Type == "" {
		a.Type = alert.Rule
	}
	if a.LogTypes == nil {
		a.LogTypes = []string{"AWS.CloudTrail"}
	}
	a.Generated = alert.Generated{Severity: v.generated, Destinations: v.list}
	return a
}

func (v vector) table() *route.Table {
	destinations := vectorDestinations()
	for i := range destinations {
		if destinations[i].DisplayName == v.disabled {
			destinations[i].Enabled = false
		}
	}
	var overrides []route.Override
	if v.override != nil {
		o := *v.override
		o.DetectionID = "detection"
		overrides = append(overrides, o, route.Override{DetectionID: "another", Destinations: []string{}})
	}
	return route.Compile(destinations, overrides)
}

func TestRoute_Vectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			got := v.table().Route(v.alert())
			if got.Scenario != v.want {
				t.Errorf("scenario: got %s, want %s", got.Scenario, v.want)
			}
			at := v.at
			if at == "" {
				at, _ = alert.ParseSeverity(v.severity)
			}
			if got.Severity != at {
				t.Errorf("effective severity: got %s, want %s", got.Severity, at)
			}
			if names := namesOf(got); !slices.Equal(names, v.to) {
				t.Errorf("destinations: got %v, want %v", names, v.to)
			}
			var codes []route.WarningCode
			for _, w := range got.Warnings {
				codes = append(codes, w.Code)
			}
			if !slices.Equal(codes, v.warnings) {
				t.Errorf("warnings: got %v, want %v", codes, v.warnings)
			}
		})
	}
}

// namesOf returns the chosen display names, sorted; nil when there are none.
func namesOf(r route.Route) []string {
	var names []string
	for _, d := range r.Destinations {
		names = append(names, d.DisplayName)
	}
	slices.Sort(names)
	return names
}
