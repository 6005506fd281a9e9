// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

var lifecycleCases = []testCase{
	{"everything survives a close", func(t *testing.T, f *fixture) {
		w := newWorld(f)
		override := registry.Override{DetectionID: "A", Severity: alert.Low, Destinations: []string{}}
		f.putOverride(override, nil)
		token := auth.Token{ID: "1", Name: "n", Permissions: []auth.Permission{}, CreatedAt: f.now()}
		outcome := registry.TestOutcome{Delivered: true, AttemptedAt: f.now()}
		if err := errors.Join(f.CreateToken(t.Context(), token), f.SaveTestOutcome(t.Context(), "k", outcome)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Keyset(t.Context(), []byte("keys")); err != nil {
			t.Fatal(err)
		}
		destinations, err := f.Destinations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		backlog := f.Backlog()
		next, _, err := f.NextDue(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}

		f.reopen()

		again := &world{start: w.start, end: w.end}
		again.read(f)
		equal(t, "world", again, w)
		equal(t, "backlog", f.Backlog(), backlog)
		f.wantNextDue("one", next)
		f.wantDestinations(destinations...)
		f.wantOverrides(override)
		f.wantTokens(token)
		if got, ok, err := f.TestOutcome(t.Context(), "k"); !ok || err != nil || got != outcome {
			t.Errorf("test outcome: got %+v, %v, %v", got, ok, err)
		}
		if got, err := f.Keyset(t.Context(), []byte("others")); err != nil || string(got) != "keys" {
			t.Errorf("keyset: got %q, %v", got, err)
		}
		wantConflict := destination.Destination{ID: "three", DisplayName: "THE ONE"}
		if err := f.CreateDestination(t.Context(), wantConflict); err == nil {
			t.Error("a taken name is free after the reopening")
		}
	}},
	{"claims do not survive a close", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one")
		a.Claimed = []bool{true, false}
		f.accept(a)
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{a.Deliveries[1].ID})
		f.reopen()
		equal(t, "claimed", f.claim("one", f.now(), 10), idsOf(a.Deliveries))
	}},
	{"may be closed twice, and refuses work then", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		for range 2 {
			if err := f.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if _, err := f.Accept(t.Context(), []intake.Acceptance{a}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("accept: got %v, want ErrUnavailable", err)
		}
		if _, err := f.Destinations(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("destinations: got %v, want ErrUnavailable", err)
		}
		if err := f.Check(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("check: got %v, want ErrUnavailable", err)
		}
	}},
	{"can be written to", func(t *testing.T, f *fixture) {
		if err := f.Check(t.Context()); err != nil {
			t.Errorf("check: %v", err)
		}
	}},
	{"does nothing for a caller that is gone", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := f.alert("b", "one")
		b.Claimed = []bool{true}
		calls := map[string]func() error{
			"accept":  func() error { _, err := f.Accept(ctx, []intake.Acceptance{b}); return err },
			"claim":   func() error { _, err := f.Claim(ctx, "one", f.now(), 10, plenty); return err },
			"nextdue": func() error { _, _, err := f.NextDue(ctx, "one"); return err },
			"settle": func() error {
				return f.Settle(ctx, delivery.Settlement{ID: d.ID, State: delivery.Delivered, Attempt: f.attempt("DELIVERED")})
			},
			"create": func() error { return f.CreateDestination(ctx, destination.Destination{ID: "x", DisplayName: "X"}) },
			"alerts": func() error { _, _, err := f.Alerts(ctx, intake.Filter{}, "", 10); return err },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want context.Canceled", name, err)
			}
		}
		f.wantDelivery(d)
		f.wantBacklog(1, 0)
		f.wantDestinations()
		f.accept(f.alert("b", "one"))
		equal(t, "claimed", len(f.claim("one", f.now(), 10)), 2)
	}},
	{"releases a claim even when the caller is gone", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f.claim("one", f.now(), 1)
		if err := f.Release(ctx, d.ID); err != nil {
			t.Errorf("release: %v", err)
		}
		equal(t, "claimed", f.claim("one", f.now(), 1), []delivery.ID{d.ID})
	}},
	{"many at once: everything adds up", manyAtOnce},
	{"many at once: one wins each id", func(t *testing.T, f *fixture) {
		const callers, ids = 16, 20
		var stored, duplicates atomic.Int64
		together(callers, func(int) {
			for n := range ids {
				verdicts, err := f.Accept(t.Context(), []intake.Acceptance{f.alert(fmt.Sprint("a", n), "one")})
				switch {
				case err != nil:
					t.Error(err)
				case verdicts[0].Duplicate:
					duplicates.Add(1)
				default:
					stored.Add(1)
				}
			}
		})
		equal(t, "stored", stored.Load(), ids)
		equal(t, "duplicates", duplicates.Load(), (callers-1)*ids)
		f.wantBacklog(ids, 0)
	}},
	{"many at once: one wins each name", func(t *testing.T, f *fixture) {
		var created atomic.Int64
		together(16, func(n int) {
			d := destination.Destination{ID: fmt.Sprint("d", n), DisplayName: []string{"name", "NAME"}[n%2]}
			if f.CreateDestination(t.Context(), d) == nil {
				created.Add(1)
			}
		})
		equal(t, "created", created.Load(), 1)
	}},
	{"many at once: no update is lost", func(t *testing.T, f *fixture) {
		f.destinations("one")
		together(16, func(int) {
			_, err := f.UpdateDestination(t.Context(), "one", func(d destination.Destination) (destination.Destination, error) {
				d.Revision++
				return d, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		list, err := f.Destinations(t.Context())
		if err != nil || len(list) != 1 || list[0].Revision != 17 {
			t.Errorf("got %+v, %v", list, err)
		}
	}},
	{"many at once: one keyset", func(t *testing.T, f *fixture) {
		var got [16]string
		together(len(got), func(n int) {
			keyset, err := f.Keyset(t.Context(), fmt.Append(nil, n))
			if err != nil {
				t.Error(err)
			}
			got[n] = string(keyset)
		})
		for _, k := range got {
			equal(t, "keyset", k, got[0])
		}
	}},
}

// together runs f n times at once and waits for all.
func together(n int, f func(n int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// manyAtOnce has 64 callers accept, claim, retry, release and settle until each delivery was made, and made by one.
func manyAtOnce(t *testing.T, f *fixture) {
	const callers, alerts, to = 64, 12, 4
	var made sync.Map // delivery.ID -> how often
	var open atomic.Int64
	open.Store(callers * alerts * 2)
	work := func(caller, round int, j delivery.Job) {
		d := j.Delivery
		var err error
		switch {
		case (caller+round)%7 == 0:
			err = f.Release(t.Context(), d.ID)
		case len(d.Attempts) == 0 && (caller+round)%3 == 0:
			err = f.Settle(t.Context(), delivery.Settlement{
				ID: d.ID, Attempt: f.attempt(destination.OutcomeRetry), State: delivery.Retrying, NextAttemptAt: d.NextAttemptAt.Add(time.Millisecond),
			})
		default:
			if _, twice := made.LoadOrStore(d.ID, true); twice {
				t.Errorf("delivery %s was made twice", d.ID)
			}
			open.Add(-1)
			err = f.Settle(t.Context(), delivery.Settlement{
				ID: d.ID, Attempt: f.attempt(destination.OutcomeDelivered), State: delivery.Delivered,
			})
		}
		if err != nil {
			t.Error(err)
		}
	}
	together(callers, func(caller int) {
		for n := range alerts {
			a := f.alert(fmt.Sprintf("a%d-%d", caller, n), fmt.Sprint("d", n%to), fmt.Sprint("d", caller%to))
			a.Claimed[0] = n%2 == 0
			if _, err := f.Accept(t.Context(), []intake.Acceptance{a}); err != nil {
				t.Error(err)
				return
			}
			if a.Claimed[0] {
				work(1, 0, delivery.Job{Delivery: a.Deliveries[0]})
			}
		}
		for round := 0; open.Load() > 0 && !t.Failed(); round++ {
			jobs, err := f.Claim(t.Context(), fmt.Sprint("d", (caller+round)%to), epoch.Add(1000*time.Hour), 5, plenty)
			if err != nil {
				t.Error(err)
				return
			}
			for _, j := range jobs {
				work(caller, round, j)
			}
		}
	})
	f.wantBacklog(0, 0)
	list := pages(t, 1000, func(cursor string) ([]delivery.Delivery, string, error) {
		return f.Deliveries(t.Context(), delivery.Filter{States: states(delivery.Delivered)}, cursor, 1000)
	})
	equal(t, "delivered", len(list), callers*alerts*2)
}
