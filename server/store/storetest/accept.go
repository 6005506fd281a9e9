// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

var acceptCases = []testCase{
	{"keeps every member", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "two")
		a.Record.Body = []byte("{ \"raw\":\t\"<&>\\ud800 é\" }\n")
		a.Record.Digest = intake.DigestOf(a.Record.Body)
		a.Record.Route.Warnings = []route.Warning{{Code: route.EmptyList, Message: "nothing was left"}}
		a.Record.Route.Scenario, a.Record.Route.Severity = route.GeneratedSeverity, alert.Critical
		d := &a.Deliveries[1]
		d.Cause, d.FallbackOf = delivery.ByFallback, "one"
		d.State, d.Reason = delivery.Failed, delivery.Expired
		d.Since, d.NextAttemptAt, d.SettledAt = f.now(), time.Time{}, f.now()
		d.Attempts = []delivery.Attempt{{
			At: f.now(), Duration: 1500 * time.Microsecond, Outcome: destination.OutcomeAmbiguous, StatusCode: 502,
			Message: "cut in a rune: \xc3", ExternalID: "K-1", ExternalURL: "https://example.com/K-1", Truncated: true,
		}}
		f.accept(a)
		record, deliveries, err := f.Alert(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "record", record, a.Record)
		equal(t, "deliveries", deliveries, a.Deliveries)
	}},
	{"tells nil lists of a route from empty ones", func(t *testing.T, f *fixture) {
		a := f.alert("a")
		a.Record.Route.Warnings = nil
		f.accept(a)
		record, deliveries, err := f.Alert(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if record.Route.Destinations == nil || record.Route.Warnings != nil || len(deliveries) > 0 {
			t.Errorf("got %+v with %d deliveries", record.Route, len(deliveries))
		}
	}},
	{"keeps as many warnings as a body can raise", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		for range 140_000 { // more than CBOR decoders take unasked
			a.Record.Route.Warnings = append(a.Record.Route.Warnings, route.Warning{Code: route.EmptyList})
		}
		f.accept(a)
		f.reopen()
		record, _, err := f.Alert(t.Context(), "a")
		if err != nil || len(record.Route.Warnings) != len(a.Record.Route.Warnings) {
			t.Errorf("got %d warnings, %v", len(record.Route.Warnings), err)
		}
		verdicts, err := f.Accept(t.Context(), []intake.Acceptance{f.alert("b"), a})
		if err != nil || !verdicts[1].Duplicate || verdicts[1].Err != nil {
			t.Errorf("repeated: got %v", err)
		}
		if list, _, err := f.Alerts(t.Context(), intake.Filter{}, "", 10); err != nil || len(list) == 0 {
			t.Errorf("listed: got %d, %v", len(list), err)
		}
		equal(t, "claimed", f.claim("one", f.now(), 10), idsOf(a.Deliveries))
	}},
	{"returns times in UTC", func(t *testing.T, f *fixture) {
		zone := time.FixedZone("elsewhere", 2*3600)
		a := f.alert("a", "one")
		want := a.Deliveries[0]
		d := &a.Deliveries[0]
		d.CreatedAt, d.Since, d.NextAttemptAt = d.CreatedAt.In(zone), d.Since.In(zone), d.NextAttemptAt.In(zone)
		f.accept(a)
		f.wantDelivery(want)
		f.wantNextDue("one", want.NextAttemptAt)
	}},
	{"does not keep what the caller goes on using", func(t *testing.T, f *fixture) {
		a := f.alert("a")
		want := string(a.Record.Body)
		f.accept(a)
		clear(a.Record.Body)
		for range 2 {
			record, _, err := f.Alert(t.Context(), "a")
			if err != nil || string(record.Body) != want {
				t.Fatalf("got body %q, %v; want %q", record.Body, err, want)
			}
			clear(record.Body)
		}
	}},
	{"counts the open deliveries", func(t *testing.T, f *fixture) {
		f.wantBacklog(0, 0)
		a, b := f.alert("a", "one", "two", "three"), f.alert("b")
		a.Deliveries[1].State = delivery.Retrying
		a.Deliveries[2].State = delivery.Delivered
		f.accept(a, b)
		f.wantBacklog(1, 1)
	}},
	{"takes an empty batch", func(t *testing.T, f *fixture) { f.accept() }},
	{"finds a duplicate and stores nothing", func(t *testing.T, f *fixture) {
		first := f.alert("a", "one")
		f.accept(first)
		second := f.alert("a", "two", "three")
		second.Record.Body = []byte(`{"other":"content"}`)
		verdicts, err := f.Accept(t.Context(), []intake.Acceptance{second})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "verdicts", verdicts, []intake.Verdict{{Duplicate: true, Stored: first.Record}})
		record, deliveries, err := f.Alert(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "record", record, first.Record)
		equal(t, "deliveries", deliveries, first.Deliveries)
		f.wantBacklog(1, 0)
		f.wantNextDue("two", time.Time{})
	}},
	{"finds a duplicate within a batch", func(t *testing.T, f *fixture) {
		a, again, b := f.alert("a", "one"), f.alert("a", "one"), f.alert("b", "one")
		verdicts, err := f.Accept(t.Context(), []intake.Acceptance{a, again, b})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "verdicts", verdicts, []intake.Verdict{{}, {Duplicate: true, Stored: a.Record}, {}})
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{a.Deliveries[0].ID, b.Deliveries[0].ID})
		f.wantBacklog(2, 0)
	}},
	{"tells ids that differ in case apart", func(t *testing.T, f *fixture) {
		f.accept(f.alert("a"), f.alert("A"))
	}},
	{"does not claim for a duplicate", func(t *testing.T, f *fixture) {
		first := f.alert("a", "one")
		f.accept(first)
		again := first
		again.Claimed = []bool{true}
		if _, err := f.Accept(t.Context(), []intake.Acceptance{again}); err != nil {
			t.Fatal(err)
		}
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{first.Deliveries[0].ID})
	}},
	{"knows no other alert", func(t *testing.T, f *fixture) {
		_, _, err := f.Alert(t.Context(), "nobody")
		wantKind(t, "alert", err, problem.NotFound)
		_, err = f.Delivery(t.Context(), delivery.NewID(keyAt(epoch), 0))
		wantKind(t, "delivery", err, problem.NotFound)
	}},
}

var dispatchCases = []testCase{
	{"adds deliveries with the next numbers", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		f.accept(a, f.alert("b", "one", "two", "three"))
		want := a.Deliveries
		for round := range 2 {
			err := f.Dispatch(t.Context(), "a", func(r intake.Record, next uint16) (intake.Dispatch, error) {
				equal(t, "record", r, a.Record)
				equal(t, "next", next, uint16(len(a.Deliveries)+2*round))
				return intake.Dispatch{
					Deliveries: []delivery.Delivery{promise(r, next, "two"), promise(r, next+1, "three")},
					Claimed:    []bool{true, false},
				}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			n := uint16(1 + 2*round)
			want = append(want, promise(a.Record, n, "two"), promise(a.Record, n+1, "three"))
		}
		_, deliveries, err := f.Alert(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "deliveries", deliveries, want)
		f.wantBacklog(8, 0)
	}},
	{"numbers from 0 where there are none", func(t *testing.T, f *fixture) {
		before, a, after := f.alert("before", "one"), f.alert("a"), f.alert("after", "one")
		f.accept(before, a, after)
		f.dispatch("a", 1, nil)
		f.wantDelivery(promise(a.Record, 0, "late"))
	}},
	{"claims what it is told to", func(t *testing.T, f *fixture) {
		a := f.alert("a")
		f.accept(a)
		f.dispatch("a", 2, []bool{true, false})
		equal(t, "claimed", f.claim("late", f.now(), 10), []delivery.ID{delivery.NewID(a.Record.Key, 1)})
		f.release(delivery.NewID(a.Record.Key, 0))
		equal(t, "claimed", f.claim("late", f.now(), 10), []delivery.ID{delivery.NewID(a.Record.Key, 0)})
	}},
	{"returns the error of add as it is", func(t *testing.T, f *fixture) {
		f.accept(f.alert("a"))
		refused := errors.New("refused")
		err := f.Dispatch(t.Context(), "a", func(r intake.Record, next uint16) (intake.Dispatch, error) {
			return intake.Dispatch{Deliveries: []delivery.Delivery{promise(r, next, "one")}}, refused
		})
		if err != refused { //nolint:errorlint // as it is
			t.Errorf("got %v, want %v", err, refused)
		}
		f.wantBacklog(0, 0)
	}},
	{"knows no other alert", func(t *testing.T, f *fixture) {
		err := f.Dispatch(t.Context(), "nobody", func(intake.Record, uint16) (intake.Dispatch, error) {
			t.Error("add was called")
			return intake.Dispatch{}, nil
		})
		wantKind(t, "dispatch", err, problem.NotFound)
	}},
	{"keeps to the most deliveries an alert can have", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		a.Deliveries[0].ID = delivery.NewID(a.Record.Key, delivery.MaxPerAlert-2)
		f.accept(a, f.alert("b", "one"))
		wantKind(t, "two more", f.tryDispatch("a", 2, nil), problem.Invalid)
		f.wantBacklog(2, 0)
		f.dispatch("a", 1, nil)
		wantKind(t, "one more", f.tryDispatch("a", 1, nil), problem.Invalid)
		f.wantBacklog(3, 0)
	}},
}

// tryDispatch adds n deliveries to the destination "late".
func (f *fixture) tryDispatch(alertID string, n int, claimed []bool) error {
	return f.Dispatch(f.t.Context(), alertID, func(r intake.Record, next uint16) (intake.Dispatch, error) {
		d := intake.Dispatch{Claimed: claimed}
		for i := range n {
			d.Deliveries = append(d.Deliveries, promise(r, next+uint16(i), "late"))
		}
		return d, nil
	})
}

func (f *fixture) dispatch(alertID string, n int, claimed []bool) {
	f.t.Helper()
	if err := f.tryDispatch(alertID, n, claimed); err != nil {
		f.t.Fatalf("dispatch: %v", err)
	}
}
