// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

var retentionCases = []testCase{
	{"removes what is older than a time, to the instant", func(t *testing.T, f *fixture) {
		old, edge := f.alert("old"), f.alert("edge")
		f.accept(old, edge, f.alert("new"))
		f.remove(edge.Record.AcceptedAt, 1)
		f.wantAlerts("new", "edge")
		f.remove(edge.Record.AcceptedAt.Add(time.Nanosecond*1000), 1)
		f.wantAlerts("new")
		f.remove(time.Time{}, 0)
		f.wantAlerts("new")
	}},
	{"removes the deliveries too", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one", "two")
		f.accept(a)
		f.deliver(a.Deliveries[0].ID)
		f.fail(a.Deliveries[1].ID)
		b := f.promised("b", "one")
		f.fail(b.ID)
		f.remove(b.CreatedAt, 1)
		f.reopen()
		for _, d := range a.Deliveries {
			_, err := f.Delivery(t.Context(), d.ID)
			wantKind(t, "delivery", err, problem.NotFound)
		}
		_, _, err := f.Alert(t.Context(), "a")
		wantKind(t, "alert", err, problem.NotFound)
		f.wantBacklog(0, 0)
		list, _, err := f.Replay(t.Context(), delivery.Filter{}, f.now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "replayed", idsOf(list), []delivery.ID{b.ID})
		if err := f.Settle(t.Context(), delivery.Settlement{ID: a.Deliveries[0].ID, State: delivery.Delivered}); err != nil {
			t.Errorf("settling a delivery that was removed: %v", err)
		}
	}},
	{"keeps an alert that is owed, and goes past it", func(t *testing.T, f *fixture) {
		f.destinations("one")
		owed := f.alert("owed", "one", "one")
		f.accept(owed, f.alert("gone", "one"), f.alert("none"))
		f.deliver(owed.Deliveries[0].ID)
		for _, id := range f.claim("one", f.now(), 10) {
			if id != owed.Deliveries[1].ID {
				f.deliver(id)
			}
		}
		f.retry(owed.Deliveries[1].ID, f.now())
		f.remove(f.now(), 2)
		f.wantAlerts("owed")
		f.wantBacklog(0, 1)
		f.deliver(owed.Deliveries[1].ID)
		f.remove(f.now(), 1)
		f.wantAlerts()
		f.wantBacklog(0, 0)
	}},
	{"goes in steps", func(t *testing.T, f *fixture) {
		for i := range 7 {
			f.accept(f.alert(fmt.Sprint("a", i)))
		}
		now, removed := f.now(), 0
		var after delivery.Key
		for rounds := 1; ; rounds++ {
			step, err := f.RemoveAlerts(t.Context(), now, after, 3)
			if err != nil || step.Removed > 3 || rounds > 20 {
				t.Fatalf("round %d: got %+v, %v", rounds, step, err)
			}
			if removed += step.Removed; !step.More {
				break
			}
			after = step.Next
		}
		equal(t, "removed", removed, 7)
		f.wantAlerts()
	}},
	{"frees the id", func(t *testing.T, f *fixture) {
		f.accept(f.alert("a", "one"))
		f.deliver(f.claim("one", f.now(), 1)[0])
		f.remove(f.now(), 1)
		again := f.alert("a", "one")
		f.accept(again)
		f.wantAlerts("a")
		f.wantDelivery(again.Deliveries[0])
	}},
	{"tells when the newest was accepted", func(t *testing.T, f *fixture) {
		f.wantNewest(time.Time{})
		f.accept(f.alert("a"))
		newest := f.alert("b")
		f.accept(newest)
		f.wantNewest(newest.Record.AcceptedAt)
		f.remove(f.now(), 2)
		f.wantNewest(time.Time{})
	}},
}

// remove removes in one walk all that is from before a time.
func (f *fixture) remove(before time.Time, want int) {
	f.t.Helper()
	removed := 0
	for step := (delivery.Key{}); ; {
		s, err := f.RemoveAlerts(f.t.Context(), before, step, 1000)
		if err != nil {
			f.t.Fatalf("remove alerts: %v", err)
		}
		removed += s.Removed
		if step = s.Next; !s.More {
			break
		}
	}
	equal(f.t, "removed", removed, want)
}

func (f *fixture) wantAlerts(want ...string) {
	f.t.Helper()
	var got []string
	for cursor := ""; ; {
		list, next, err := f.Alerts(f.t.Context(), intake.Filter{}, cursor, 1000)
		if err != nil {
			f.t.Fatalf("alerts: %v", err)
		}
		for _, a := range list {
			got = append(got, a.Record.AlertID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	equal(f.t, "alerts", got, want)
}

func (f *fixture) wantNewest(want time.Time) {
	f.t.Helper()
	got, err := f.NewestAlert(f.t.Context())
	if err != nil {
		f.t.Fatalf("newest alert: %v", err)
	}
	equal(f.t, "newest", got, want.Truncate(time.Millisecond))
}
