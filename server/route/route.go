// SPDX-License-Identifier: MPL-2.0

// Package route decides which destinations hear of an alert, and why.
//
// The decision is a pure function of (alert, destinations, overrides). [Compile] turns the destinations and overrides
// into a [Table], and [Table.With] and its like make a changed one; [Table.Route] then answers for one alert, and
// [Table.Explain] answers at length for a person. A Table is immutable and safe for concurrent use.
//
// Precedence, highest first:
//
//	SYSTEM                  the alert's type is SYSTEM_ERROR: CRITICAL, to all whose alert_types accept it
//	GENERATED_DESTINATIONS  generated.destinations is a list
//	STATIC_DESTINATIONS     the override's list, else detection.destinations, is set
//	GENERATED_SEVERITY      generated.severity is valid: all whose filters accept the alert
//	STATIC_SEVERITY         override severity, else detection.severity, through the same filters
//
// MANUAL stands outside: a person decided, see [Table.Manual].
//
//	route.go    the decision, and compiling a table
//	change.go   a table with one thing more or less
//	list.go     the sorted lists a table is made of
//	explain.go  the decision at length
//	manual.go   dispatching by hand
//	name.go     what a display name may be
package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// Scenario names the rule that chose the destinations.
type Scenario string

// The scenarios.
const (
	Manual                Scenario = "MANUAL"
	System                Scenario = "SYSTEM"
	GeneratedDestinations Scenario = "GENERATED_DESTINATIONS"
	StaticDestinations    Scenario = "STATIC_DESTINATIONS"
	GeneratedSeverity     Scenario = "GENERATED_SEVERITY"
	StaticSeverity        Scenario = "STATIC_SEVERITY"
	Suppressed            Scenario = "SUPPRESSED" // a list said: nowhere
	Unrouted              Scenario = "UNROUTED"   // nobody wanted it; a result, not an error
)

// Skip is the list entry that suppresses an alert.
const Skip = "SKIP"

// Destination is what routing knows of a destination. Empty Severities means "only by list or by hand"; empty
// AlertTypes and LogTypes mean all.
type Destination struct {
	ID                  string
	DisplayName         string
	Type                string
	Enabled             bool
	Severities          []alert.Severity
	AlertTypes          []alert.Type
	LogTypes            []string
	AllowManualDispatch bool
}

// Override is what an operator set for one detection. A nil Destinations is not set; an empty one suppresses. An
// empty Severity is not set.
type Override struct {
	DetectionID  string
	Severity     alert.Severity
	Destinations []string
}

// Route is the decision for one alert. Destinations is never nil in a Route made here, so that it encodes as a list.
type Route struct {
	Scenario     Scenario       `json:"scenario"`
	Severity     alert.Severity `json:"severity"` // the effective one
	Destinations []Chosen       `json:"destinations"`
	Warnings     []Warning      `json:"warnings"`
	Rejected     []Rejection    `json:"rejected,omitempty"` // only from Explain
}

// Chosen is a destination the alert goes to.
type Chosen struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	Type        string `json:"type"`
}

// Warning is something an operator should mend although the alert found its way.
type Warning struct {
	Code    WarningCode `json:"code"`
	Message string      `json:"message"`
}

// WarningCode is a word to branch on.
type WarningCode string

// The warnings a route can carry.
const (
	UnknownDestination  WarningCode = "UNKNOWN_DESTINATION"  // a list names nobody
	DisabledDestination WarningCode = "DISABLED_DESTINATION" // a list names a disabled one
	EmptyList           WarningCode = "EMPTY_LIST"           // nothing was left of a list; the next scenario was tried
	InvalidSeverity     WarningCode = "INVALID_SEVERITY"     // the generated severity is no severity
)

// Rejection says why a destination was not chosen: the first filter that refused it, and the values compared.
type Rejection struct {
	ID          string   `json:"id"`
	DisplayName string   `json:"display_name"`
	Type        string   `json:"type"`
	Filter      Filter   `json:"filter"`
	Wants       []string `json:"wants"` // what the destination or the list asks for
	Got         []string `json:"got"`   // what the alert has
	Message     string   `json:"message"`
}

// Filter names what refused a destination.
type Filter string

// The filters, in the order they are asked.
const (
	FilterEnabled      Filter = "enabled"
	FilterSuppressed   Filter = "suppressed"
	FilterDestinations Filter = "destinations" // a list was in force and does not name it
	FilterSeverities   Filter = "severities"
	FilterAlertTypes   Filter = "alert_types"
	FilterLogTypes     Filter = "log_types"
)

// Table is destinations and overrides, prepared for routing.
type Table struct {
	all       list // by display name, then id
	byID      map[string]*entry
	byName    map[string]*entry
	overrides map[string]Override
	// filtered holds, for each severity and type, the enabled destinations both filters accept, in the order of all.
	filtered map[filterKey]list
	// system holds, for SYSTEM_ERROR, the enabled destinations whose alert types accept it.
	system list
}

type entry struct {
	Destination
	chosen Chosen
	logs   map[string]struct{} // LogTypes again, where they are many
}

type filterKey struct {
	severity alert.Severity
	kind     alert.Type
}

// Compile prepares a table. The order of the destinations does not matter. Of two with the same id or display name
// (a store does not allow it) the one with the smaller id is found by name.
func Compile(destinations []Destination, overrides []Override) *Table {
	t := &Table{
		byID:      make(map[string]*entry, len(destinations)),
		byName:    make(map[string]*entry, len(destinations)),
		overrides: make(map[string]Override, len(overrides)),
		filtered:  make(map[filterKey]list, len(alert.Types())*len(alert.Severities())),
	}
	sorted := make([]*entry, len(destinations))
	for i, d := range destinations {
		sorted[i] = newEntry(d)
	}
	slices.SortFunc(sorted, compareEntries)
	t.index(sorted)
	for _, o := range overrides {
		t.overrides[o.DetectionID] = o
	}
	return t
}

func newEntry(d Destination) *entry {
	e := &entry{Destination: d, chosen: Chosen{ID: d.ID, DisplayName: d.DisplayName, Type: d.Type}}
	if len(d.LogTypes) > fewLogTypes {
		e.logs = make(map[string]struct{}, len(d.LogTypes))
		for _, l := range d.LogTypes {
			e.logs[l] = struct{}{}
		}
	}
	return e
}

// index fills the table with entries that are sorted.
func (t *Table) index(sorted []*entry) {
	filtered, system := map[filterKey][]*entry{}, []*entry(nil)
	for _, e := range sorted {
		t.byID[e.ID] = e
		if _, taken := t.byName[e.DisplayName]; !taken {
			t.byName[e.DisplayName] = e
		}
		e.eachFilter(func(key filterKey) { filtered[key] = append(filtered[key], e) }, func() { system = append(system, e) })
	}
	t.all, t.system = newList(sorted), newList(system)
	for key, entries := range filtered {
		t.filtered[key] = newList(entries)
	}
}

// eachFilter calls with every severity and type that an enabled destination accepts, and when it accepts SYSTEM_ERROR.
func (e *entry) eachFilter(accepts func(filterKey), acceptsSystem func()) {
	if !e.Enabled {
		return
	}
	for _, kind := range alert.Types() {
		if !e.acceptsType(kind) {
			continue
		}
		if kind == alert.SystemError {
			acceptsSystem()
		}
		for _, s := range alert.Severities() {
			if slices.Contains(e.Severities, s) {
				accepts(filterKey{s, kind})
			}
		}
	}
}

func (e *entry) acceptsType(kind alert.Type) bool {
	return len(e.AlertTypes) == 0 || slices.Contains(e.AlertTypes, kind)
}

// fewLogTypes is up to where comparing one by one is faster than a map.
const fewLogTypes = 8

func (e *entry) acceptsLogs(logTypes []string) bool {
	if len(e.LogTypes) == 0 {
		return true
	}
	for _, l := range logTypes {
		if e.logs == nil {
			if slices.Contains(e.LogTypes, l) {
				return true
			}
		} else if _, ok := e.logs[l]; ok {
			return true
		}
	}
	return false
}

// Find returns the destination a list entry or a person names: by id first, then by exact display name.
func (t *Table) Find(idOrName string) (Destination, bool) {
	if e := t.find(idOrName); e != nil {
		return e.Destination, true
	}
	return Destination{}, false
}

func (t *Table) find(idOrName string) *entry {
	if e, ok := t.byID[idOrName]; ok {
		return e
	}
	return t.byName[idOrName]
}

// Route decides for one alert, whose static severity and type must be valid (see [alert.Alert.Validate]).
func (t *Table) Route(a *alert.Alert) Route {
	d := decision{table: t, alert: a}
	d.run()
	return d.route
}

// decision is one alert's way down the scenarios.
type decision struct {
	table *Table
	alert *alert.Alert
	route Route
	list  []string // the list in force, for Explain

	folded int // warnings that are not spelled out
}

func (d *decision) run() {
	d.route.Warnings = []Warning{}
	defer d.fold()
	override := d.table.overrides[d.alert.Detection.ID]
	if d.alert.Type == alert.SystemError {
		d.route.Severity = alert.Critical
		d.choose(System, d.table.system, func(*entry) bool { return true })
		return
	}
	generated := d.resolveSeverity(override)
	if list := d.alert.Generated.Destinations; list != nil && d.byList(GeneratedDestinations, list) {
		return
	}
	static := override.Destinations
	if static == nil && len(d.alert.Detection.Destinations) > 0 {
		static = d.alert.Detection.Destinations // empty here means none set: older engines send it
	}
	if static != nil && d.byList(StaticDestinations, static) {
		return
	}
	scenario := StaticSeverity
	if generated {
		scenario = GeneratedSeverity
	}
	d.byFilters(scenario)
}

// resolveSeverity sets the effective severity and reports whether it was generated.
func (d *decision) resolveSeverity(override Override) bool {
	d.route.Severity = override.Severity
	if d.route.Severity == "" {
		d.route.Severity, _ = alert.ParseSeverity(d.alert.Detection.Severity)
	}
	text := d.alert.Generated.Severity
	if text == nil || strings.EqualFold(*text, "DEFAULT") {
		return false
	}
	severity, ok := alert.ParseSeverity(*text)
	if !ok {
		d.warn(InvalidSeverity, "the generated severity %.40q is not one of INFO, LOW, MEDIUM, HIGH, CRITICAL, DEFAULT; %s is used",
			*text, d.route.Severity)
		return false
	}
	d.route.Severity = severity
	return true
}

// byList tries a list and reports whether it decided.
func (d *decision) byList(scenario Scenario, list []string) bool {
	if len(list) == 0 || slices.Contains(list, Skip) {
		d.route.Scenario, d.route.Destinations = Suppressed, []Chosen{}
		return true
	}
	chosen := make([]Chosen, 0, min(len(list), d.table.all.len()))
	seen := make(map[*entry]bool, cap(chosen))
	for _, name := range list {
		e := d.table.find(name)
		switch {
		case e == nil:
			d.warn(UnknownDestination, "%s names %.100q, which is no destination", scenario, name)
		case !e.Enabled:
			d.warn(DisabledDestination, "%s names %.100q, which is disabled", scenario, name)
		case !seen[e]:
			seen[e] = true
			chosen = append(chosen, e.chosen)
		}
	}
	if len(chosen) == 0 {
		d.warn(EmptyList, "%s names no destination that can be used; the next scenario was tried", scenario)
		return false
	}
	d.route.Scenario, d.route.Destinations, d.list = scenario, chosen, list
	return true
}

func (d *decision) byFilters(scenario Scenario) {
	candidates := d.table.filtered[filterKey{d.route.Severity, d.alert.Type}]
	d.choose(scenario, candidates, func(e *entry) bool { return e.acceptsLogs(d.alert.LogTypes) })
}

// choose takes the candidates that are accepted. It counts them first: their number is what decides how much a route
// with many destinations costs.
func (d *decision) choose(scenario Scenario, candidates list, accepts func(*entry) bool) {
	n := 0
	for e := range candidates.entries() {
		if accepts(e) {
			n++
		}
	}
	d.route.Scenario, d.route.Destinations = scenario, make([]Chosen, 0, n)
	for e := range candidates.entries() {
		if accepts(e) {
			d.route.Destinations = append(d.route.Destinations, e.chosen)
		}
	}
	if n == 0 {
		d.route.Scenario = Unrouted
	}
}

// maxWarnings keeps a list of a million bad entries from making a million warnings.
const maxWarnings = 100

func (d *decision) warn(code WarningCode, format string, args ...any) {
	if len(d.route.Warnings) < maxWarnings {
		d.route.Warnings = append(d.route.Warnings, Warning{Code: code, Message: fmt.Sprintf(format, args...)})
		return
	}
	d.folded++
}

// fold puts what was not spelled out into the last warning.
func (d *decision) fold() {
	if d.folded > 0 {
		d.route.Warnings[maxWarnings-1].Message = fmt.Sprintf("and %d more warnings", d.folded+1)
	}
}
