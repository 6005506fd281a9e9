// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

var replayCases = []testCase{
	{"makes a FAILED one PENDING, due now", func(t *testing.T, f *fixture) {
		f.destinations("one")
		d := f.promised("a", "one")
		d = settled(d, f.fail(d.ID))
		now := f.now()
		got, err := f.ReplayOne(t.Context(), d.ID, now)
		if err != nil {
			t.Fatal(err)
		}
		want := replayed(d, now)
		equal(t, "replayed", got, want)
		f.wantDelivery(want)
		f.wantBacklog(1, 0)
		equal(t, "claimed", f.claim("one", now, 1), []delivery.ID{d.ID})
	}},
	{"refuses one that is not FAILED, unknown, or has no destination", func(t *testing.T, f *fixture) {
		f.destinations("one")
		a := f.alert("a", "one", "one", "one", "gone")
		f.accept(a)
		id := func(n int) delivery.ID { return a.Deliveries[n].ID }
		f.retry(id(1), f.now())
		f.deliver(id(2))
		f.fail(id(3))
		for n := range a.Deliveries {
			before := f.delivery(id(n))
			_, err := f.ReplayOne(t.Context(), id(n), f.now())
			wantKind(t, fmt.Sprint("delivery ", n), err, problem.Conflict)
			f.wantDelivery(before)
		}
		_, err := f.ReplayOne(t.Context(), delivery.NewID(keyAt(epoch), 0), f.now())
		wantKind(t, "unknown", err, problem.NotFound)
		f.wantBacklog(1, 1)
	}},
	{"takes the oldest first, to the limit", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		var failed []delivery.ID
		for i := range 5 {
			a := f.alert(fmt.Sprint("a", i), "one", "two", "gone", "one")
			f.accept(a)
			for _, d := range a.Deliveries[:3] {
				f.fail(d.ID)
			}
			failed = append(failed, a.Deliveries[0].ID, a.Deliveries[1].ID)
		}
		var got []delivery.ID
		for _, want := range []struct {
			n    int
			more bool
		}{{4, true}, {4, true}, {2, false}, {0, false}} {
			now := f.now()
			list, more, err := f.Replay(t.Context(), delivery.Filter{}, now, 4)
			if err != nil || len(list) != want.n || more && !want.more {
				t.Fatalf("got %d, more %v, %v; want %+v", len(list), more, err, want)
			}
			for _, d := range list {
				equal(t, "state", d.State, delivery.Pending)
				equal(t, "due", d.NextAttemptAt, now)
				f.wantDelivery(d)
				got = append(got, d.ID)
			}
		}
		equal(t, "replayed", got, failed)
		f.wantBacklog(15, 0)
	}},
	{"comes to an end though what it replays fails again", func(t *testing.T, f *fixture) {
		f.destinations("one")
		var want, got []delivery.ID
		for i := range 5 {
			d := f.promised(fmt.Sprint("a", i), "one")
			f.fail(d.ID)
			want = append(want, d.ID)
		}
		now := f.now()
		newer := f.promised("newer", "one") // fails, but not before now
		f.fail(newer.ID)
		for round, more := 0, true; more; round++ {
			var list []delivery.Delivery
			var err error
			list, more, err = f.Replay(t.Context(), delivery.Filter{}, now, 2)
			if err != nil || round > len(want) {
				t.Fatalf("round %d: got %d deliveries, more %v, %v", round, len(got), more, err)
			}
			got = append(got, idsOf(list)...)
			for _, d := range list {
				f.fail(d.ID)
			}
		}
		equal(t, "replayed", got, want)
		list, _, err := f.Replay(t.Context(), delivery.Filter{}, f.now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "replayed later", idsOf(list), append(want, newer.ID))
	}},
	{"says whether more may be left", func(t *testing.T, f *fixture) {
		f.destinations("one")
		for i := range 3 {
			f.fail(f.promised(fmt.Sprint("a", i), "one").ID)
		}
		_, more, err := f.Replay(t.Context(), delivery.Filter{}, f.now(), 2)
		if err != nil || !more {
			t.Errorf("one is left: got more %v, %v", more, err)
		}
	}},
	{"takes what the filter picks", func(t *testing.T, f *fixture) {
		for _, c := range deliveryFilters {
			w := newWorld(f)
			filter := c.of(w)
			var want []delivery.ID
			for _, d := range slices.Backward(w.deliveries) {
				if filter.Matches(&d) && d.State == delivery.Failed && d.DestinationID != "gone" {
					want = append(want, d.ID)
				}
			}
			list, more, err := f.Replay(t.Context(), filter, f.now(), 1000)
			if err != nil || more {
				t.Fatalf("%s: more %v, %v", c.name, more, err)
			}
			// Those of earlier worlds may be among them.
			list = slices.DeleteFunc(list, func(d delivery.Delivery) bool { return !w.has(d.ID) })
			equal(t, c.name, idsOf(list), want)
		}
	}},
}

func replayed(d delivery.Delivery, now time.Time) delivery.Delivery {
	d.State, d.Reason = delivery.Pending, ""
	d.Since, d.NextAttemptAt, d.SettledAt = now, now, time.Time{}
	return d
}

func (f *fixture) replayOne(id delivery.ID) {
	f.t.Helper()
	if _, err := f.ReplayOne(f.t.Context(), id, f.now()); err != nil {
		f.t.Fatalf("replay: %v", err)
	}
}

var failOpenCases = []testCase{
	{"fails the open ones in steps, claimed ones too", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one", "one", "two", "one", "one")
		a.Claimed[1] = true
		f.accept(a)
		id := func(n int) delivery.ID { return a.Deliveries[n].ID }
		retried := f.retry(id(2), f.now().Add(time.Hour))
		done := settled(a.Deliveries[4], f.deliver(id(4)))
		refused := settled(a.Deliveries[5], f.fail(id(5)))
		now := f.now()
		f.failOpen("one", now, 2, 2)
		f.failOpen("one", now, 2, 1)
		f.failOpen("one", now, 2, 0)
		for _, n := range []int{0, 1, 2} {
			want := a.Deliveries[n]
			want.State, want.Reason, want.NextAttemptAt, want.SettledAt = delivery.Failed, delivery.DestinationDeleted, time.Time{}, now
			if n == 2 {
				want.Attempts = []delivery.Attempt{retried.Attempt}
			}
			f.wantDelivery(want)
		}
		f.wantDelivery(a.Deliveries[3])
		f.wantDelivery(done)
		f.wantDelivery(refused)
		f.wantBacklog(1, 0)
		f.wantNextDue("one", time.Time{})
		equal(t, "claimed", f.claim("one", f.now().Add(2*time.Hour), 10), nil)
	}},
	{"does nothing to a destination that exists", func(t *testing.T, f *fixture) {
		f.destinations("one")
		d := f.promised("a", "one")
		f.failOpen("one", f.now(), 10, 0)
		f.wantDelivery(d)
		f.wantBacklog(1, 0)
		f.deleteDestination("one")
		f.failOpen("one", f.now(), 10, 1)
		f.failOpen("one", f.now(), 10, 0)
	}},
	{"finds the orphans", func(t *testing.T, f *fixture) {
		f.wantOrphans()
		f.destinations("a", "m", "z")
		f.accept(f.alert("1", "a", "b", "m", "n"), f.alert("2", "m", "b", "z", "z", "y"))
		f.wantOrphans("b", "n", "y")
		f.deleteDestination("z")
		f.wantOrphans("b", "n", "y", "z")
		f.failOpen("z", f.now(), 10, 2)
		f.wantOrphans("b", "n", "y")
		for _, id := range f.claim("n", f.now(), 10) {
			f.wantOrphans("b", "n", "y")
			f.deliver(id)
		}
		f.wantOrphans("b", "y")
	}},
	{"leaves deliveries alone when a destination is deleted", func(t *testing.T, f *fixture) {
		f.destinations("one")
		d := f.promised("a", "one")
		f.deleteDestination("one")
		f.wantDelivery(d)
		f.wantBacklog(1, 0)
	}},
}

func (f *fixture) failOpen(to string, now time.Time, limit, want int) {
	f.t.Helper()
	got, err := f.FailOpen(f.t.Context(), to, now, limit)
	if err != nil || got != want {
		f.t.Fatalf("fail open: got %d, %v; want %d", got, err, want)
	}
}

func (f *fixture) wantOrphans(want ...string) {
	f.t.Helper()
	got, err := f.OrphanedDestinations(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("orphaned destinations: got %q, want %q", got, want)
	}
}
