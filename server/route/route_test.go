// SPDX-License-Identifier: MPL-2.0

package route_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route/routetest"
)

func TestRoute_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		destinations, overrides, a := routetest.DrawDestinations(t), routetest.DrawOverrides(t), routetest.DrawAlert(t)
		got := route.Compile(destinations, overrides).Route(a)

		seen := map[string]bool{}
		for _, c := range got.Destinations {
			i := slices.IndexFunc(destinations, func(d route.Destination) bool { return d.ID == c.ID })
			if i < 0 || !destinations[i].Enabled {
				t.Fatalf("the route holds %s, which is unknown or disabled", c.ID)
			}
			if seen[c.ID] {
				t.Fatalf("the route holds %s twice", c.ID)
			}
			seen[c.ID] = true
		}
		if nowhere := got.Scenario == route.Suppressed || got.Scenario == route.Unrouted; nowhere != (len(got.Destinations) == 0) {
			t.Fatalf("scenario %s with %d destinations", got.Scenario, len(got.Destinations))
		}
		shuffled := rapid.Permutation(destinations).Draw(t, "order")
		if again := route.Compile(shuffled, overrides).Route(a); fmt.Sprint(again) != fmt.Sprint(got) {
			t.Fatalf("the order of the destinations matters: %v and %v", got, again)
		}
		if explained := route.Compile(destinations, overrides).Explain(a); len(explained.Destinations)+len(explained.Rejected) != len(destinations) {
			t.Fatalf("%d chosen and %d rejected of %d", len(explained.Destinations), len(explained.Rejected), len(destinations))
		}
	})
}

// A bad entry never yields fewer destinations than its absence would.
func TestRoute_ABadEntryCostsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		destinations, overrides, a := routetest.DrawDestinations(t), routetest.DrawOverrides(t), routetest.DrawAlert(t)
		table := route.Compile(destinations, overrides)
		without := len(table.Route(a).Destinations)

		bad := rapid.SampledFrom([]string{"nope", "", "NAME-1", "skip"}).Draw(t, "bad entry")
		switch where := rapid.SampledFrom([]string{"generated", "static", "override"}).Draw(t, "where"); {
		case where == "generated" && a.Generated.Destinations != nil:
			a.Generated.Destinations = insert(t, a.Generated.Destinations, bad)
		case where == "static" && a.Detection.Destinations != nil:
			a.Detection.Destinations = insert(t, a.Detection.Destinations, bad)
		case where == "override" && overrides != nil && overrides[0].Destinations != nil:
			overrides[0].Destinations = insert(t, overrides[0].Destinations, bad)
			table = route.Compile(destinations, overrides)
		}
		if with := len(table.Route(a).Destinations); with < without {
			t.Fatalf("%d destinations with a bad entry, %d without", with, without)
		}
	})
}

func insert(t *rapid.T, list []string, entry string) []string {
	return slices.Insert(slices.Clone(list), rapid.IntRange(0, len(list)).Draw(t, "place"), entry)
}

func TestManual_Vectors32And33(t *testing.T) {
	t.Parallel()
	destinations := routetest.Destinations()
	for i := range destinations {
		destinations[i].AllowManualDispatch = destinations[i].DisplayName == "A"
	}
	table := route.Compile(destinations, nil)
	for name, list := range map[string][]string{"32": {"C"}, "33": {"A", "C"}} {
		r, refusals := table.Manual(alert.Low, list)
		if len(r.Destinations) != 0 || len(refusals) != 1 || refusals[0].Index != slices.Index(list, "C") {
			t.Errorf("vector %s: got %v and refusals %v, want nothing chosen and C refused", name, r.Destinations, refusals)
		}
	}
	r, refusals := table.Manual(alert.Low, []string{"A", "id-A"})
	if r.Scenario != route.Manual || r.Severity != alert.Low || !slices.Equal(namesOf(r), []string{"A"}) || refusals != nil {
		t.Errorf("got %v and %v, want MANUAL to A once, at LOW, whatever its filters", r, refusals)
	}
}

func TestManual_RefusesWhatIsUnknownOrDisabled(t *testing.T) {
	t.Parallel()
	table := route.Compile([]route.Destination{{ID: "1", DisplayName: "off", AllowManualDispatch: true}}, nil)
	if _, refusals := table.Manual(alert.High, []string{"off", "nope"}); len(refusals) != 2 {
		t.Errorf("got refusals %v, want one for each", refusals)
	}
}

func TestExplain_NamesTheFirstFilterThatRefused(t *testing.T) {
	t.Parallel()
	destinations := routetest.Destinations()
	destinations = append(destinations, route.Destination{ID: "id-D", DisplayName: "D", Severities: []alert.Severity{alert.Low}})
	table := route.Compile(destinations, nil)
	low := &alert.Alert{Type: alert.Rule, LogTypes: []string{"AWS.CloudTrail"}, Detection: alert.Detection{Severity: "LOW"}}
	listed := &alert.Alert{Type: alert.Rule, Detection: alert.Detection{Severity: "LOW", Destinations: []string{"A"}}}
	policy := &alert.Alert{Type: alert.Policy, Detection: alert.Detection{Severity: "LOW"}}
	system := &alert.Alert{Type: alert.SystemError, Detection: alert.Detection{Severity: "LOW"}}
	skipped := &alert.Alert{Type: alert.Rule, Detection: alert.Detection{Severity: "LOW", Destinations: []string{"SKIP"}}}
	for _, c := range []struct {
		alert       *alert.Alert
		destination string
		want        route.Filter
	}{
		{low, "A", route.FilterSeverities},
		{low, "B", route.FilterLogTypes},
		{low, "C", route.FilterSeverities},
		{low, "D", route.FilterEnabled},
		{listed, "B", route.FilterDestinations},
		{policy, "B", route.FilterAlertTypes},
		{system, "B", route.FilterAlertTypes},
		{skipped, "A", route.FilterSuppressed},
	} {
		r := table.Explain(c.alert)
		i := slices.IndexFunc(r.Rejected, func(x route.Rejection) bool { return x.DisplayName == c.destination })
		if i < 0 || r.Rejected[i].Filter != c.want {
			t.Errorf("%s for %s: got %+v, want the filter %s", c.destination, c.alert.Detection.Severity, r.Rejected, c.want)
		}
	}
}

func TestRoute_FoldsAMillionWarnings(t *testing.T) {
	t.Parallel()
	list := make([]string, 1_000_000)
	for i := range list {
		list[i] = "nope"
	}
	list[len(list)-1] = "A"
	a := &alert.Alert{Type: alert.Rule, Detection: alert.Detection{ID: "d", Severity: "LOW"}, Generated: alert.Generated{Destinations: list}}
	got := route.Compile(routetest.Destinations(), nil).Route(a)
	if got.Scenario != route.GeneratedDestinations || !slices.Equal(namesOf(got), []string{"A"}) || len(got.Warnings) != 100 {
		t.Fatalf("got %s %v and %d warnings, want A and 100", got.Scenario, namesOf(got), len(got.Warnings))
	}
	if last := got.Warnings[99].Message; !strings.Contains(last, "and 999900 more") {
		t.Errorf("the last warning is %q, want it to count the others", last)
	}
}

// The target is 20 µs and 5 allocations with 1,000 destinations.
func BenchmarkRoute(b *testing.B) {
	destinations := make([]route.Destination, 1000)
	for i := range destinations {
		destinations[i] = route.Destination{
			ID: fmt.Sprintf("id-%d", i), DisplayName: fmt.Sprintf("name-%d", i), Enabled: true,
			Severities: alert.Severities()[i%5:], LogTypes: routetest.LogTypes[i%3 : i%3+1],
		}
	}
	table := route.Compile(destinations, nil)
	a := &alert.Alert{Type: alert.Rule, LogTypes: routetest.LogTypes[:1], Detection: alert.Detection{ID: "d", Severity: "HIGH"}}
	b.ReportAllocs()
	for b.Loop() {
		table.Route(a)
	}
}
