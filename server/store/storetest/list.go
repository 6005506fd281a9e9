// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

var listCases = []testCase{
	{"pages deliveries through every filter", func(t *testing.T, f *fixture) {
		w := newWorld(f)
		for _, c := range deliveryFilters {
			filter := c.of(w)
			var want []delivery.Delivery
			for _, d := range w.deliveries {
				if filter.Matches(&d) {
					want = append(want, d)
				}
			}
			for _, limit := range []int{1, 3, len(want), 1000} {
				got := pages(t, limit, func(cursor string) ([]delivery.Delivery, string, error) {
					return f.Deliveries(t.Context(), filter, cursor, limit)
				})
				equal(t, fmt.Sprintf("%s by %d", c.name, limit), got, want)
			}
		}
	}},
	{"pages alerts through every filter", func(t *testing.T, f *fixture) {
		w := newWorld(f)
		for _, c := range alertFilters {
			filter := c.of(w)
			var want []intake.Listed
			for _, l := range w.alerts {
				if matches(filter, l) {
					want = append(want, l)
				}
			}
			for _, limit := range []int{1, 3, len(want), 1000} {
				got := pages(t, limit, func(cursor string) ([]intake.Listed, string, error) {
					return f.Alerts(t.Context(), filter, cursor, limit)
				})
				equal(t, fmt.Sprintf("%s by %d", c.name, limit), got, want)
			}
		}
	}},
	{"picks something with every filter", func(t *testing.T, f *fixture) {
		w := newWorld(f)
		for _, c := range deliveryFilters {
			filter := c.of(w)
			some := slices.ContainsFunc(w.deliveries, func(d delivery.Delivery) bool { return filter.Matches(&d) })
			if some == strings.HasPrefix(c.name, "nothing") {
				t.Errorf("deliveries, %s: picks some is %v", c.name, some)
			}
		}
		for _, c := range alertFilters {
			some := slices.ContainsFunc(w.alerts, func(l intake.Listed) bool { return matches(c.of(w), l) })
			if some == strings.HasPrefix(c.name, "nothing") {
				t.Errorf("alerts, %s: picks some is %v", c.name, some)
			}
		}
	}},
	{"keeps its place while alerts are added", func(t *testing.T, f *fixture) {
		w := newWorld(f)
		n := 0
		add := func() {
			n++
			f.accept(f.alert(fmt.Sprint("new", n), "one"))
		}
		got := pages(t, 7, func(cursor string) ([]intake.Listed, string, error) {
			list, next, err := f.Alerts(t.Context(), intake.Filter{}, cursor, 7)
			add()
			return list, next, err
		})
		equal(t, "alerts", got, w.alerts)
		added := n
		deliveries := pages(t, 7, func(cursor string) ([]delivery.Delivery, string, error) {
			list, next, err := f.Deliveries(t.Context(), delivery.Filter{}, cursor, 7)
			add()
			return list, next, err
		})
		equal(t, "deliveries", deliveries[added:], w.deliveries)
	}},
	{"keeps its place when what the cursor names is settled", func(t *testing.T, f *fixture) {
		var want []delivery.ID
		for i := range 6 {
			want = append(want, f.promised(fmt.Sprint("a", i), "one").ID)
		}
		slices.Reverse(want)
		filter := delivery.Filter{DestinationID: "one", States: []delivery.State{delivery.Pending}}
		got := pages(t, 2, func(cursor string) ([]delivery.Delivery, string, error) {
			list, next, err := f.Deliveries(t.Context(), filter, cursor, 2)
			for _, d := range list {
				f.deliver(d.ID)
			}
			return list, next, err
		})
		equal(t, "deliveries", idsOf(got), want)
	}},
	{"refuses a malformed cursor", func(t *testing.T, f *fixture) {
		f.accept(f.alert("a", "one"), f.alert("b", "one"))
		for _, cursor := range []string{"x", "00", "é", "../..", strings.Repeat("f", 1000)} {
			_, _, err := f.Alerts(t.Context(), intake.Filter{}, cursor, 10)
			wantCursor(t, err)
			_, _, err = f.Deliveries(t.Context(), delivery.Filter{}, cursor, 10)
			wantCursor(t, err)
		}
	}},
	{"lists nothing of an empty store", func(t *testing.T, f *fixture) {
		alerts, next, err := f.Alerts(t.Context(), intake.Filter{}, "", 10)
		if len(alerts) > 0 || next != "" || err != nil {
			t.Errorf("got %v, %q, %v", alerts, next, err)
		}
		deliveries, next, err := f.Deliveries(t.Context(), delivery.Filter{}, "", 10)
		if len(deliveries) > 0 || next != "" || err != nil {
			t.Errorf("got %v, %q, %v", deliveries, next, err)
		}
	}},
	{"lists large alerts by short pages", func(t *testing.T, f *fixture) {
		var want []string
		for i := range 6 {
			a := f.alert(fmt.Sprint("a", i), "one")
			a.Record.Body = append(a.Record.Body, bytes.Repeat([]byte(" "), 3<<20)...)
			f.accept(a)
			want = append(want, a.Record.AlertID)
		}
		slices.Reverse(want)
		var got []string
		for _, filter := range []intake.Filter{{}, {DestinationID: "one", States: states(delivery.Pending)}} {
			list := pages(t, 10, func(cursor string) ([]intake.Listed, string, error) {
				page, next, err := f.Alerts(t.Context(), filter, cursor, 10)
				if len(page) > 3 {
					t.Errorf("a page of %d alerts of 3 MiB", len(page))
				}
				return page, next, err
			})
			got = nil
			for _, l := range list {
				got = append(got, l.Record.AlertID)
			}
			equal(t, "alerts", got, want)
		}
	}},
	{"lists an alert that cannot be read any more", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		a.Record.Body = []byte("not JSON")
		f.accept(a)
		list, _, err := f.Alerts(t.Context(), intake.Filter{}, "", 10)
		if err != nil || len(list) != 1 || list[0].Alert == nil || list[0].Alert.ID != "a" {
			t.Errorf("got %+v, %v", list, err)
		}
	}},
}

func wantCursor(t testing.TB, err error) {
	t.Helper()
	wantKind(t, "malformed cursor", err, problem.Invalid)
	if fields := problem.FieldsOf(err); len(fields) != 1 || fields[0].Name != "cursor" {
		t.Errorf("malformed cursor: got fields %+v", fields)
	}
}

// pages collects a whole list. Pages may be short, but not too long, and the last has no cursor.
func pages[T any](t testing.TB, limit int, next func(cursor string) ([]T, string, error)) []T {
	t.Helper()
	var all []T
	cursor := ""
	for range 10_000 {
		list, following, err := next(cursor)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		if len(list) > limit {
			t.Fatalf("a page of %d, limit %d", len(list), limit)
		}
		all = append(all, list...)
		if following == "" {
			return all
		}
		if following == cursor {
			t.Fatalf("the cursor %q leads to itself", cursor)
		}
		cursor = following
	}
	t.Fatal("the list does not end")
	return nil
}

// world is a store's content in all variety, newest first.
type world struct {
	alerts     []intake.Listed
	deliveries []delivery.Delivery
	start, end time.Time
}

// newWorld adds 48 alerts, an hour apart, to the destinations "one" and "two" and to "gone", which is none.
func newWorld(f *fixture) *world {
	f.t.Helper()
	if list, err := f.Destinations(f.t.Context()); err != nil || len(list) == 0 {
		f.destinations("one", "two")
	}
	w := &world{start: epoch.Add(time.Duration(f.ticks.Add(1_000_000_000)) * time.Millisecond)}
	for i := range 48 {
		a := f.variety(i, w.start.Add(time.Duration(i)*time.Hour))
		f.accept(a)
		for j, d := range a.Deliveries {
			switch (i/2 + j) % 5 {
			case 1:
				f.retry(d.ID, d.CreatedAt.Add(time.Minute))
			case 2:
				f.deliver(d.ID)
			case 3:
				s := delivery.Settlement{ID: d.ID, Attempt: f.attempt("RETRY"), State: delivery.Failed, Reason: delivery.Expired}
				f.settle(s)
			case 4:
				f.fail(d.ID)
			}
		}
		w.end = a.Record.AcceptedAt
	}
	f.ticks.Add(48 * time.Hour.Milliseconds()) // what comes next is newer
	w.read(f)
	return w
}

// variety returns the i-th alert of a world.
func (f *fixture) variety(i int, at time.Time) intake.Acceptance {
	to := [][]string{{"one"}, {"one", "two"}, {}, {"two", "gone", "one"}, {"gone"}, {"one", "one"}}[i%6]
	a := f.alert(fmt.Sprintf("w%d-%d", at.UnixMilli(), i), to...)
	kind := []alert.Type{alert.Rule, alert.Policy, alert.SystemError}[i%3]
	r := &a.Record
	r.Body = fmt.Appendf(nil, `{"type":%q,"detection":{"id":"Detection.%d","severity":"LOW"}}`, kind, i%4)
	r.Digest = intake.DigestOf(r.Body)
	r.Route.Severity = alert.Severities()[i%5]
	r.Route.Scenario = []route.Scenario{route.StaticSeverity, route.System, route.Suppressed}[i%3]
	r.Key, r.AcceptedAt = keyAt(at), at
	for j := range a.Deliveries {
		a.Deliveries[j] = promise(*r, uint16(j), to[j])
		a.Deliveries[j].CreatedAt = at.Add(time.Duration(j) * 90 * time.Minute) // as a fallback's is
	}
	return a
}

// read fills the world with what was stored.
func (w *world) read(f *fixture) {
	f.t.Helper()
	for i := range 48 {
		at := w.start.Add(time.Duration(i) * time.Hour)
		record, deliveries, err := f.Alert(f.t.Context(), fmt.Sprintf("w%d-%d", at.UnixMilli(), i))
		if err != nil {
			f.t.Fatal(err)
		}
		kind := []alert.Type{alert.Rule, alert.Policy, alert.SystemError}[i%3]
		a := &alert.Alert{
			ID: record.AlertID, Type: kind, Detection: alert.Detection{ID: fmt.Sprint("Detection.", i%4), Severity: "LOW"},
		}
		record.Body = nil // as in lists
		w.alerts = append(w.alerts, intake.Listed{Record: record, Alert: a, Deliveries: deliveries})
		w.deliveries = append(w.deliveries, deliveries...)
	}
	slices.Reverse(w.alerts)
	slices.SortFunc(w.deliveries, func(a, b delivery.Delivery) int { return bytes.Compare(b.ID[:], a.ID[:]) })
}

func (w *world) has(id delivery.ID) bool {
	return slices.ContainsFunc(w.deliveries, func(d delivery.Delivery) bool { return d.ID == id })
}

func (w *world) at(hours int) time.Time { return w.start.Add(time.Duration(hours) * time.Hour) }

func idsOf(list []delivery.Delivery) []delivery.ID {
	var ids []delivery.ID
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

// deliveryFilters are filters of deliveries; those called "nothing…" pick none.
var deliveryFilters = []struct {
	name string
	of   func(w *world) delivery.Filter
}{
	{"all", func(*world) delivery.Filter { return delivery.Filter{} }},
	{"a destination", func(*world) delivery.Filter { return delivery.Filter{DestinationID: "one"} }},
	{"a destination that is gone", func(*world) delivery.Filter { return delivery.Filter{DestinationID: "gone"} }},
	{"nothing: no such destination", func(*world) delivery.Filter { return delivery.Filter{DestinationID: "on"} }},
	{"pending", func(*world) delivery.Filter { return delivery.Filter{States: states(delivery.Pending)} }},
	{"delivered", func(*world) delivery.Filter { return delivery.Filter{States: states(delivery.Delivered)} }},
	{"failed", func(*world) delivery.Filter { return delivery.Filter{States: states(delivery.Failed)} }},
	{"failed or retrying", func(*world) delivery.Filter {
		return delivery.Filter{States: states(delivery.Failed, delivery.Retrying)}
	}},
	{"open of a destination", func(*world) delivery.Filter {
		return delivery.Filter{DestinationID: "one", States: states(delivery.Pending, delivery.Retrying)}
	}},
	{"retrying of a destination", func(*world) delivery.Filter {
		return delivery.Filter{DestinationID: "two", States: states(delivery.Retrying)}
	}},
	{"open of a destination for a while", func(w *world) delivery.Filter {
		return delivery.Filter{DestinationID: "one", States: states(delivery.Pending), Since: w.at(10), Until: w.at(30)}
	}},
	{"failed of a destination", func(*world) delivery.Filter {
		return delivery.Filter{DestinationID: "two", States: states(delivery.Failed)}
	}},
	{"a reason", func(*world) delivery.Filter { return delivery.Filter{Reasons: reasons(delivery.Expired)} }},
	{"reasons", func(*world) delivery.Filter {
		return delivery.Filter{Reasons: reasons(delivery.Expired, delivery.Permanent), States: states(delivery.Failed)}
	}},
	{"nothing: another reason", func(*world) delivery.Filter {
		return delivery.Filter{Reasons: reasons(delivery.DestinationDeleted)}
	}},
	{"nothing: pending for a reason", func(*world) delivery.Filter {
		return delivery.Filter{DestinationID: "one", States: states(delivery.Pending), Reasons: reasons(delivery.Expired)}
	}},
	{"since", func(w *world) delivery.Filter { return delivery.Filter{Since: w.at(40)} }},
	{"until", func(w *world) delivery.Filter { return delivery.Filter{Until: w.at(3)} }},
	{"a while", func(w *world) delivery.Filter { return delivery.Filter{Since: w.at(13), Until: w.at(17)} }},
	{"failed for a while", func(w *world) delivery.Filter {
		return delivery.Filter{States: states(delivery.Failed), Since: w.at(13), Until: w.at(20)}
	}},
	{"nothing: an empty while", func(w *world) delivery.Filter { return delivery.Filter{Since: w.at(5), Until: w.at(5)} }},
	{"an alert", func(w *world) delivery.Filter { return delivery.Filter{AlertID: w.alerts[8].Record.AlertID} }},
	{"an alert's of a destination", func(w *world) delivery.Filter {
		return delivery.Filter{AlertID: w.alerts[8].Record.AlertID, DestinationID: "one"}
	}},
	{"an alert's in all states", func(w *world) delivery.Filter {
		all := states(delivery.Pending, delivery.Retrying, delivery.Delivered, delivery.Failed)
		return delivery.Filter{AlertID: w.alerts[2].Record.AlertID, States: all}
	}},
	{"nothing: no such alert", func(*world) delivery.Filter { return delivery.Filter{AlertID: "nobody"} }},
}

// alertFilters are filters of alerts; those called "nothing…" pick none.
var alertFilters = []struct {
	name string
	of   func(w *world) intake.Filter
}{
	{"all", func(*world) intake.Filter { return intake.Filter{} }},
	{"since", func(w *world) intake.Filter { return intake.Filter{Since: w.at(40)} }},
	{"until", func(w *world) intake.Filter { return intake.Filter{Until: w.at(3)} }},
	{"a while", func(w *world) intake.Filter { return intake.Filter{Since: w.at(13), Until: w.at(17)} }},
	{"nothing: before the beginning", func(w *world) intake.Filter { return intake.Filter{Until: w.start} }},
	{"nothing: after the end", func(w *world) intake.Filter { return intake.Filter{Since: w.end.Add(time.Microsecond)} }},
	{"severities", func(*world) intake.Filter {
		return intake.Filter{Severities: []alert.Severity{alert.Info, alert.Critical}}
	}},
	{"nothing: the severity before routing", func(w *world) intake.Filter {
		return intake.Filter{Severities: []alert.Severity{alert.Low}, Since: w.at(2), Until: w.at(6)}
	}},
	{"types", func(*world) intake.Filter { return intake.Filter{Types: []alert.Type{alert.Policy}} }},
	{"a detection", func(*world) intake.Filter { return intake.Filter{DetectionID: "Detection.2"} }},
	{"scenarios", func(*world) intake.Filter { return intake.Filter{Scenarios: []route.Scenario{route.System}} }},
	{"a destination", func(*world) intake.Filter { return intake.Filter{DestinationID: "two"} }},
	{"pending", func(*world) intake.Filter { return intake.Filter{States: states(delivery.Pending)} }},
	{"failed", func(*world) intake.Filter { return intake.Filter{States: states(delivery.Failed)} }},
	{"open at a destination", func(*world) intake.Filter {
		return intake.Filter{DestinationID: "one", States: states(delivery.Pending, delivery.Retrying)}
	}},
	{"failed at a destination for a while", func(w *world) intake.Filter {
		return intake.Filter{DestinationID: "two", States: states(delivery.Failed), Since: w.at(6), Until: w.at(40)}
	}},
	{"everything at once", func(w *world) intake.Filter {
		return intake.Filter{
			Since: w.at(1), Until: w.at(47), Severities: alert.Severities(), Types: []alert.Type{alert.Rule, alert.Policy},
			Scenarios: []route.Scenario{route.StaticSeverity, route.System}, DestinationID: "one",
			States: states(delivery.Pending, delivery.Delivered),
		}
	}},
}

func states(s ...delivery.State) []delivery.State    { return s }
func reasons(r ...delivery.Reason) []delivery.Reason { return r }

// matches is what intake.Filter says of itself.
func matches(f intake.Filter, l intake.Listed) bool {
	at := l.Record.AcceptedAt
	return (f.Since.IsZero() || !at.Before(f.Since)) && (f.Until.IsZero() || at.Before(f.Until)) &&
		among(f.Severities, l.Record.Route.Severity) && among(f.Types, l.Alert.Type) &&
		(f.DetectionID == "" || f.DetectionID == l.Alert.Detection.ID) && among(f.Scenarios, l.Record.Route.Scenario) &&
		(f.DestinationID == "" && len(f.States) == 0 || slices.ContainsFunc(l.Deliveries, func(d delivery.Delivery) bool {
			return (f.DestinationID == "" || f.DestinationID == d.DestinationID) && among(f.States, d.State)
		}))
}

func among[T comparable](filter []T, v T) bool { return len(filter) == 0 || slices.Contains(filter, v) }
