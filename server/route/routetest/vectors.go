// SPDX-License-Identifier: MPL-2.0

// Package routetest has the table of the routing design as data: whoever routes, by whatever way, routes like this.
//
//	vectors.go  the rows
//	draw.go     random policies and alerts
package routetest

import (
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Vector is a row of the table: an alert and, if any, the override of its detection and the one destination that is
// disabled; and what is to come of it.
type Vector struct {
	Name      string
	Severity  string   // the detection's
	Generated *string  // severity; nil is absent
	List      []string // generated; nil is absent
	Static    []string // the detection's list; nil is absent
	Type      alert.Type
	LogTypes  []string
	Override  *route.Override // without the detection's id
	Disabled  string          // a display name

	Scenario  route.Scenario
	Effective alert.Severity // the detection's if empty
	Names     []string       // of the destinations, sorted
	Warnings  []route.WarningCode
}

// Alert is the row's alert.
func (v Vector) Alert() *alert.Alert {
	a := &alert.Alert{Type: v.Type, LogTypes: v.LogTypes, Detection: alert.Detection{ID: "detection", Severity: v.Severity, Destinations: v.Static}}
	if a.Type == "" {
		a.Type = alert.Rule
	}
	if a.LogTypes == nil {
		a.LogTypes = []string{"AWS.CloudTrail"}
	}
	a.Generated = alert.Generated{Severity: v.Generated, Destinations: v.List}
	return a
}

// Destinations are those of the row.
func (v Vector) Destinations() []route.Destination {
	destinations := Destinations()
	for i := range destinations {
		if destinations[i].DisplayName == v.Disabled {
			destinations[i].Enabled = false
		}
	}
	return destinations
}

// Overrides are the row's, and one of another detection, if the row has any.
func (v Vector) Overrides() []route.Override {
	if v.Override == nil {
		return nil
	}
	o := *v.Override
	o.DetectionID = "detection"
	return []route.Override{o, {DetectionID: "another", Destinations: []string{}}}
}

// Destinations are those of the design's table, in no particular order.
func Destinations() []route.Destination {
	return []route.Destination{
		{ID: "id-S", DisplayName: "S", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.Info}, AlertTypes: []alert.Type{alert.SystemError}},
		{ID: "id-C", DisplayName: "C", Type: "slack", Enabled: true},
		{ID: "id-B", DisplayName: "B", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.Low}, AlertTypes: []alert.Type{alert.Rule}, LogTypes: []string{"Okta.SystemLog"}},
		{ID: "id-A", DisplayName: "A", Type: "webhook", Enabled: true, Severities: []alert.Severity{alert.High, alert.Critical}},
	}
}

func str(s string) *string { return &s }

// Vectors are 1 to 31, 35 and 36 of the design, and what these leave open. 32 and 33 are about dispatching by hand, 34 about
// delivery.
func Vectors() []Vector {
	const unknown, disabled, empty = route.UnknownDestination, route.DisabledDestination, route.EmptyList
	return []Vector{
		{Name: "1", Severity: "HIGH", Scenario: route.StaticSeverity, Names: []string{"A"}},
		{Name: "2", Severity: "LOW", Scenario: route.Unrouted},
		{Name: "3", Severity: "LOW", LogTypes: []string{"Okta.SystemLog"}, Scenario: route.StaticSeverity, Names: []string{"B"}},
		{Name: "4", Severity: "LOW", LogTypes: []string{"Okta.SystemLog"}, Type: alert.RuleError, Scenario: route.Unrouted},
		{Name: "5", Severity: "MEDIUM", Scenario: route.Unrouted},
		{Name: "6 null list", Severity: "HIGH", List: nil, Scenario: route.StaticSeverity, Names: []string{"A"}},
		{Name: "7", Severity: "HIGH", Static: []string{"C"}, Scenario: route.StaticDestinations, Names: []string{"C"}},
		{Name: "8", Severity: "HIGH", List: []string{}, Static: []string{"A"}, Scenario: route.Suppressed},
		{Name: "9", Severity: "HIGH", List: []string{"SKIP"}, Static: []string{"A"}, Scenario: route.Suppressed},
		{Name: "10", Severity: "HIGH", List: []string{"SKIP", "A"}, Scenario: route.Suppressed},
		{Name: "11", Severity: "INFO", List: []string{"A"}, Scenario: route.GeneratedDestinations, Names: []string{"A"}},
		{Name: "12", Severity: "INFO", List: []string{"id-A"}, Scenario: route.GeneratedDestinations, Names: []string{"A"}},
		{Name: "13", Severity: "INFO", List: []string{"B"}, Scenario: route.GeneratedDestinations, Names: []string{"B"}},
		{Name: "14", Severity: "HIGH", Static: []string{"B"}, Type: alert.RuleError, Scenario: route.StaticDestinations, Names: []string{"B"}},
		{Name: "15", Severity: "HIGH", List: []string{"A", "id-A"}, Scenario: route.GeneratedDestinations, Names: []string{"A"}},
		{Name: "16", Severity: "HIGH", List: []string{"C", "nope"}, Scenario: route.GeneratedDestinations, Names: []string{"C"}, Warnings: []route.WarningCode{unknown}},
		{Name: "17", Severity: "HIGH", List: []string{"nope"}, Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "18", Severity: "HIGH", List: []string{"nope"}, Static: []string{"C"}, Scenario: route.StaticDestinations, Names: []string{"C"}, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "19", Severity: "HIGH", List: []string{"a"}, Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "20", Severity: "HIGH", Static: []string{"gone"}, Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "21", Severity: "HIGH", Static: []string{"C", "gone"}, Scenario: route.StaticDestinations, Names: []string{"C"}, Warnings: []route.WarningCode{unknown}},
		{Name: "22", Severity: "HIGH", Generated: str("LOW"), LogTypes: []string{"Okta.SystemLog"}, Scenario: route.GeneratedSeverity, Effective: alert.Low, Names: []string{"B"}},
		{Name: "23", Severity: "LOW", Generated: str("high"), Scenario: route.GeneratedSeverity, Effective: alert.High, Names: []string{"A"}},
		{Name: "24", Severity: "HIGH", Generated: str("DEFAULT"), Scenario: route.StaticSeverity, Names: []string{"A"}},
		{Name: "25", Severity: "HIGH", Generated: str("SEVERE"), Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{route.InvalidSeverity}},
		{Name: "26", Severity: "LOW", Type: alert.SystemError, Scenario: route.System, Effective: alert.Critical, Names: []string{"A", "C", "S"}},
		{Name: "27", Severity: "HIGH", Static: []string{"A"}, Override: &route.Override{Destinations: []string{"C"}}, Scenario: route.StaticDestinations, Names: []string{"C"}},
		{Name: "28", Severity: "HIGH", Override: &route.Override{Destinations: []string{}}, Scenario: route.Suppressed},
		{Name: "29", Severity: "LOW", Override: &route.Override{Severity: alert.Critical}, Scenario: route.StaticSeverity, Effective: alert.Critical, Names: []string{"A"}},
		{Name: "30", Severity: "LOW", Generated: str("MEDIUM"), Override: &route.Override{Severity: alert.Critical}, Scenario: route.Unrouted, Effective: alert.Medium},
		{Name: "31", Severity: "HIGH", List: []string{"C"}, Disabled: "C", Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{disabled, empty}},
		{Name: "35", Severity: "HIGH", Static: []string{}, Scenario: route.StaticSeverity, Names: []string{"A"}},
		{Name: "36", Severity: "HIGH", Static: []string{"SKIP"}, Scenario: route.Suppressed},

		// What the rows leave open.
		{Name: "a generated list overrules an override", Severity: "HIGH", List: []string{"A"}, Override: &route.Override{Destinations: []string{}}, Scenario: route.GeneratedDestinations, Names: []string{"A"}},
		{Name: "a bad override does not bring the metadata's list back", Severity: "LOW", Static: []string{"A"}, Override: &route.Override{Destinations: []string{"gone"}}, Scenario: route.Unrouted, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "Default means the static severity in any case", Severity: "LOW", Generated: str("default"), Override: &route.Override{Severity: alert.High}, Scenario: route.StaticSeverity, Effective: alert.High, Names: []string{"A"}},
		{Name: "an empty generated severity is not valid", Severity: "HIGH", Generated: str(""), Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{route.InvalidSeverity}},
		{Name: "a static severity in lower case", Severity: "high", Scenario: route.StaticSeverity, Effective: alert.High, Names: []string{"A"}},
		{Name: "skip in lower case is a name like another", Severity: "HIGH", List: []string{"skip"}, Scenario: route.StaticSeverity, Names: []string{"A"}, Warnings: []route.WarningCode{unknown, empty}},
		{Name: "a system error passes over every list", Severity: "LOW", Type: alert.SystemError, List: []string{}, Static: []string{"SKIP"}, Override: &route.Override{Destinations: []string{}}, Scenario: route.System, Effective: alert.Critical, Names: []string{"A", "C", "S"}},
		{Name: "one shared log type is enough", Severity: "LOW", LogTypes: []string{"AWS.CloudTrail", "Okta.SystemLog"}, Scenario: route.StaticSeverity, Names: []string{"B"}},
	}
}
