// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

var fallbackCases = []testCase{
	{"FAILED gives the alert to the fallback", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one")
		f.accept(a)
		s := f.failTo(a.Deliveries[0].ID, delivery.Fallback{DestinationID: "two"})
		f.wantDelivery(settled(a.Deliveries[0], s))
		f.wantDelivery(standIn(a.Deliveries[0], 1, "two", s.Attempt.At.Add(s.Attempt.Duration)))
		f.wantBacklog(1, 0)
		equal(t, "claimed", f.claim("two", f.now().Add(time.Minute), 9), []delivery.ID{delivery.NewID(a.Record.Key, 1)})
	}},
	{"a fallback of a fallback is numbered on, and has its own time", func(t *testing.T, f *fixture) {
		f.destinations("one", "two", "three")
		a := f.alert("a", "one", "other")
		f.accept(a)
		s := f.failTo(a.Deliveries[0].ID, delivery.Fallback{DestinationID: "two", After: time.Hour})
		second := standIn(a.Deliveries[0], 2, "two", s.Attempt.At.Add(s.Attempt.Duration))
		second.FallbackAt = second.CreatedAt.Add(time.Hour)
		f.wantDelivery(second)
		s = f.failTo(second.ID, delivery.Fallback{DestinationID: "three"})
		second.FallbackAt = time.Time{}
		f.wantDelivery(settled(second, s))
		f.wantDelivery(standIn(second, 3, "three", s.Attempt.At.Add(s.Attempt.Duration)))
		f.wantDueFallbacks(later)
	}},
	{"no settlement but FAILED gives it", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one", "one")
		f.accept(a)
		for n, state := range []delivery.State{delivery.Delivered, delivery.Retrying} {
			f.settle(delivery.Settlement{
				ID: a.Deliveries[n].ID, State: state, Attempt: f.attempt(destination.OutcomeRetry), NextAttemptAt: f.now(),
				Fallback: delivery.Fallback{DestinationID: "two"},
			})
		}
		f.wantDeliveries("a", 2)
	}},
	{"an alert is given to a destination once", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one", "two", "one")
		f.accept(a)
		to := delivery.Fallback{DestinationID: "two"}
		f.failTo(a.Deliveries[0].ID, to)
		f.fallBack(a.Deliveries[2].ID, to, false)
		f.wantDeliveries("a", 3)
		b := f.alert("b", "one", "one")
		f.accept(b)
		f.failTo(b.Deliveries[0].ID, to)
		f.failTo(b.Deliveries[1].ID, to)
		f.replayOne(b.Deliveries[0].ID)
		f.failTo(b.Deliveries[0].ID, to)
		f.wantDeliveries("b", 3)
	}},
	{"an alert is not given to the destination it is about", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one", "one")
		a.Record.Body = []byte(`{"alert_id":"a","type":"SYSTEM_ERROR","dedup":"two","detection":{"id":"AlertRouter.DeliveryFailed","severity":"CRITICAL"}}`)
		f.accept(a)
		f.failTo(a.Deliveries[0].ID, delivery.Fallback{DestinationID: "two"})
		f.fallBack(a.Deliveries[1].ID, delivery.Fallback{DestinationID: "two"}, false)
		f.wantDeliveries("a", 2)
	}},
	{"a destination that is gone is given nothing", func(t *testing.T, f *fixture) {
		f.destinations("one")
		d := f.promised("a", "one")
		f.fallBack(d.ID, delivery.Fallback{DestinationID: "two"}, false)
		f.fallBack(d.ID, delivery.Fallback{}, false)
		f.failTo(d.ID, delivery.Fallback{DestinationID: "two"})
		f.wantDeliveries("a", 1)
	}},
	{"an age without an attempt ends a delivery too", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		d := f.promised("a", "one")
		f.claim("one", f.now(), 1)
		now := f.now()
		f.settle(delivery.Settlement{
			ID: d.ID, State: delivery.Failed, Reason: delivery.Expired, SettledAt: now, Fallback: delivery.Fallback{DestinationID: "two"},
		})
		want := d
		want.State, want.Reason, want.NextAttemptAt, want.SettledAt = delivery.Failed, delivery.Expired, time.Time{}, now
		f.wantDelivery(want)
		f.wantDelivery(standIn(d, 1, "two", now))
	}},
	{"the time after which others get it is kept until the delivery ends", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one", "one", "one", "one")
		for n := range a.Deliveries {
			a.Deliveries[n].FallbackAt = epoch.Add(time.Duration(4-n) * time.Hour)
		}
		f.accept(a)
		id := func(n int) delivery.ID { return a.Deliveries[n].ID }
		f.wantDueFallbacks(epoch.Add(time.Hour - time.Microsecond))
		f.wantDueFallbacks(epoch.Add(2*time.Hour), id(3), id(2))
		f.deliver(id(3))
		f.retry(id(2), epoch.Add(9*time.Hour))
		f.wantDueFallbacks(epoch.Add(2*time.Hour), id(2))
		f.reopen()
		f.wantDueFallbacks(later, id(2), id(1), id(0))
		if due, err := f.DueFallbacks(t.Context(), later, 2); err != nil || len(due) != 2 {
			t.Errorf("to a limit: got %d, %v", len(due), err)
		}
		f.fail(id(2))
		f.deleteDestination("one")
		f.failOpen("one", f.now(), 10, 2)
		f.wantDueFallbacks(later)
	}},
	{"falling back leaves the delivery owed", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.alert("a", "one")
		a.Deliveries[0].FallbackAt = epoch
		f.accept(a)
		now := f.now()
		made, err := f.FallBack(t.Context(), a.Deliveries[0].ID, delivery.Fallback{DestinationID: "two"}, now)
		if err != nil || !made {
			t.Fatalf("got %v, %v", made, err)
		}
		want := a.Deliveries[0]
		want.FallbackAt = time.Time{}
		f.wantDelivery(want)
		f.wantDelivery(standIn(want, 1, "two", now))
		f.wantBacklog(2, 0)
		f.wantDueFallbacks(later)
		f.fallBack(want.ID, delivery.Fallback{DestinationID: "two"}, false)
		f.deliver(want.ID)
		f.fallBack(want.ID, delivery.Fallback{DestinationID: "one"}, false)
		f.fallBack(delivery.NewID(keyAt(epoch), 0), delivery.Fallback{DestinationID: "two"}, false)
		f.wantDeliveries("a", 2)
	}},
	{"having nowhere to fall back to clears the time", func(t *testing.T, f *fixture) {
		f.destinations("one")
		a := f.alert("a", "one")
		a.Deliveries[0].FallbackAt = epoch
		f.accept(a)
		f.wantDueFallbacks(later, a.Deliveries[0].ID)
		f.fallBack(a.Deliveries[0].ID, delivery.Fallback{}, false)
		f.wantDueFallbacks(later)
		f.wantBacklog(1, 0)
	}},
}

// later is after all that the cases of this file play at.
var later = epoch.Add(100 * time.Hour)

// failTo fails a delivery for good, with a fallback.
func (f *fixture) failTo(id delivery.ID, to delivery.Fallback) delivery.Settlement {
	f.t.Helper()
	return f.settle(delivery.Settlement{
		ID: id, Attempt: f.attempt(destination.OutcomePermanent), State: delivery.Failed, Reason: delivery.Permanent, Fallback: to,
	})
}

func (f *fixture) fallBack(id delivery.ID, to delivery.Fallback, want bool) {
	f.t.Helper()
	if made, err := f.FallBack(f.t.Context(), id, to, f.now()); err != nil || made != want {
		f.t.Errorf("fall back to %q: got %v, %v; want %v", to.DestinationID, made, err, want)
	}
}

// standIn returns the delivery that stands in for d.
func standIn(d delivery.Delivery, n uint16, to string, at time.Time) delivery.Delivery {
	return delivery.Delivery{
		ID: delivery.NewID(d.ID.Alert(), n), AlertID: d.AlertID, DestinationID: to, State: delivery.Pending,
		Cause: delivery.ByFallback, FallbackOf: d.DestinationID, CreatedAt: at, Since: at, NextAttemptAt: at,
	}
}

func (f *fixture) wantDueFallbacks(now time.Time, want ...delivery.ID) {
	f.t.Helper()
	due, err := f.DueFallbacks(f.t.Context(), now, 100)
	if err != nil {
		f.t.Fatalf("due fallbacks: %v", err)
	}
	var got []delivery.ID
	for _, d := range due {
		equal(f.t, "due", d, f.delivery(d.ID))
		got = append(got, d.ID)
	}
	equal(f.t, fmt.Sprint("due fallbacks at ", now), got, want)
}

// wantDeliveries wants an alert to have so many.
func (f *fixture) wantDeliveries(alertID string, want int) {
	f.t.Helper()
	_, deliveries, err := f.Alert(f.t.Context(), alertID)
	if err != nil || len(deliveries) != want {
		f.t.Errorf("alert %s: got %d deliveries, %v; want %d", alertID, len(deliveries), err, want)
	}
}
