// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

var settleCases = []testCase{
	{"RETRYING keeps it owed, due later", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.claim("one", f.now(), 1)
		next := f.now().Add(time.Hour)
		s := f.retry(d.ID, next)
		d.State, d.NextAttemptAt, d.Attempts = delivery.Retrying, next, []delivery.Attempt{s.Attempt}
		f.wantDelivery(d)
		f.wantBacklog(0, 1)
		f.wantNextDue("one", next)
		equal(t, "before it is due", f.claim("one", next.Add(-time.Microsecond), 1), nil)
		equal(t, "when it is due", f.claim("one", next, 1), []delivery.ID{d.ID})
	}},
	{"DELIVERED ends it", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.claim("one", f.now(), 1)
		s := f.deliver(d.ID)
		f.wantDelivery(settled(d, s))
		f.wantBacklog(0, 0)
		f.wantNextDue("one", time.Time{})
	}},
	{"FAILED ends it for a reason", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.claim("one", f.now(), 1)
		s := f.fail(d.ID)
		f.wantDelivery(settled(d, s))
		f.wantBacklog(0, 0)
		f.wantNextDue("one", time.Time{})
	}},
	{"keeps all attempts in order", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.wantBacklog(1, 0)
		for range 3 {
			s := f.retry(d.ID, f.now())
			d.Attempts = append(d.Attempts, s.Attempt)
			d.State, d.NextAttemptAt = delivery.Retrying, s.NextAttemptAt
			f.wantDelivery(d)
			f.wantBacklog(0, 1)
		}
		f.wantDelivery(settled(d, f.deliver(d.ID)))
		f.wantBacklog(0, 0)
	}},
	{"drops attempts from the middle when there are many", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		const most = delivery.KeptFirst + delivery.KeptLast
		var all []delivery.Attempt
		for len(all) < most-1 {
			all = append(all, f.attempt(destination.OutcomeRetry))
		}
		d := &a.Deliveries[0]
		d.State, d.Attempts = delivery.Retrying, all
		f.accept(a)
		want := *d
		for n := range 4 {
			s := f.retry(want.ID, f.now())
			all = append(all[:len(all):len(all)], s.Attempt)
			want.NextAttemptAt, want.Attempts, want.AttemptsDropped = s.NextAttemptAt, all, n
			if n > 0 {
				want.Attempts = append(slices.Clone(all[:delivery.KeptFirst]), all[len(all)-delivery.KeptLast:]...)
			}
			f.wantDelivery(want)
		}
	}},
	{"needs no claim", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.wantDelivery(settled(d, f.deliver(d.ID)))
		equal(t, "claimed", f.claim("one", f.now(), 1), nil)
	}},
	{"leaves the others alone", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one", "two")
		f.accept(a)
		f.deliver(a.Deliveries[0].ID)
		f.wantDelivery(a.Deliveries[1])
		f.wantDelivery(a.Deliveries[2])
		f.wantBacklog(2, 0)
	}},
	{"ignores a delivery that is gone", func(t *testing.T, f *fixture) {
		f.deliver(delivery.NewID(keyAt(epoch), 0))
		f.wantBacklog(0, 0)
	}},
	{"refuses a state that no attempt leads to", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		for _, state := range []delivery.State{delivery.Pending, "", "LOST"} {
			if err := f.Settle(t.Context(), delivery.Settlement{ID: d.ID, State: state}); err == nil {
				t.Errorf("settled in state %q", state)
			}
		}
		f.wantDelivery(d)
	}},
	{"RETRYING leaves a deleted destination's delivery FAILED", func(t *testing.T, f *fixture) {
		d := f.deleted("a")
		s := f.retry(d.ID, f.now().Add(time.Hour))
		d.Attempts = append(d.Attempts, s.Attempt)
		f.wantDelivery(d)
		f.wantBacklog(0, 0)
		f.wantNextDue("one", time.Time{})
	}},
	{"FAILED leaves a deleted destination's delivery as it is", func(t *testing.T, f *fixture) {
		d := f.deleted("a")
		s := f.fail(d.ID)
		d.Attempts = append(d.Attempts, s.Attempt)
		f.wantDelivery(d)
	}},
	{"DELIVERED makes a deleted destination's delivery DELIVERED", func(t *testing.T, f *fixture) {
		d := f.deleted("a")
		f.wantDelivery(settled(d, f.deliver(d.ID)))
		f.wantBacklog(0, 0)
		list, _, err := f.Deliveries(t.Context(), delivery.Filter{States: []delivery.State{delivery.Failed}}, "", 10)
		if err != nil || len(list) > 0 {
			t.Errorf("still listed as FAILED: %+v, %v", list, err)
		}
	}},
	{"leaves a delivered one DELIVERED", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		d = settled(d, f.deliver(d.ID))
		for _, s := range []delivery.Settlement{f.fail(d.ID), f.retry(d.ID, f.now()), f.deliver(d.ID)} {
			d.Attempts = append(d.Attempts, s.Attempt)
		}
		f.wantDelivery(d)
		f.wantBacklog(0, 0)
	}},
	{"releases the claim in every state", func(t *testing.T, f *fixture) {
		f.destinations("one")
		d := f.promised("a", "one")
		claim := func() {
			t.Helper()
			equal(t, "claimed", f.claim("one", f.now(), 1), []delivery.ID{d.ID})
		}
		claim()
		f.retry(d.ID, f.now())
		claim()
		f.fail(d.ID)
		f.replayOne(d.ID)
		claim()
		f.deliver(d.ID)
	}},
	{"keeps what an attempt says", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		attempt := delivery.Attempt{
			At: f.now(), Duration: 3 * time.Second, Outcome: destination.OutcomeDelivered, StatusCode: 201,
			Message: "cr\xe9\u00e9", ExternalID: "OPS-7", ExternalURL: "https://example.com/OPS-7", Truncated: true,
		}
		s := f.settle(delivery.Settlement{ID: d.ID, Attempt: attempt, State: delivery.Delivered})
		f.wantDelivery(settled(d, s))
	}},
}

// settled returns what a settlement that ends d makes of it.
func settled(d delivery.Delivery, s delivery.Settlement) delivery.Delivery {
	d.State, d.Reason = s.State, s.Reason
	d.NextAttemptAt, d.SettledAt = time.Time{}, s.Attempt.At.Add(s.Attempt.Duration)
	d.Attempts = append(d.Attempts[:len(d.Attempts):len(d.Attempts)], s.Attempt)
	return d
}

// deleted returns a claimed delivery to the destination "one", which is deleted while it is tried.
func (f *fixture) deleted(alertID string) delivery.Delivery {
	f.t.Helper()
	f.destinations("one")
	d := f.promised(alertID, "one")
	equal(f.t, "claimed", f.claim("one", f.now(), 1), []delivery.ID{d.ID})
	f.deleteDestination("one")
	now := f.now()
	f.failOpen("one", now, 10, 1)
	d.State, d.Reason, d.NextAttemptAt, d.SettledAt = delivery.Failed, delivery.DestinationDeleted, time.Time{}, now
	f.wantDelivery(d)
	return d
}
