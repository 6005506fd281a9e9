// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// promise stores an alert with a delivery to each destination, with a time to fall back if its lane names one, and
// hands them over, as the intake does.
func (w *world) promise(body string, to ...string) (alertID string) {
	w.t.Helper()
	now := time.Now()
	a := intake.Acceptance{Record: intake.Record{
		Key: delivery.Key(uuid.Must(uuid.NewV7())), AcceptedAt: now, Body: []byte(body), Digest: intake.DigestOf([]byte(body)),
		Route: route.Route{Severity: alert.High},
	}}
	a.Record.AlertID = uuid.UUID(a.Record.Key).String()
	for i, id := range to {
		d := delivery.Delivery{
			ID: delivery.NewID(a.Record.Key, uint16(i)), AlertID: a.Record.AlertID, DestinationID: id, State: delivery.Pending,
			Cause: delivery.ByRoute, CreatedAt: now, Since: now, NextAttemptAt: now,
		}
		if after := w.lanes[id].FallbackAfter; after > 0 {
			d.FallbackAt = now.Add(after)
		}
		a.Deliveries = append(a.Deliveries, d)
		a.Claimed = append(a.Claimed, w.dispatcher.Reserve(id, len(body), 0))
	}
	if _, err := w.store.Accept(context.Background(), []intake.Acceptance{a}); err != nil {
		w.t.Fatal(err)
	}
	parsed, err := wire.Parse([]byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i, d := range a.Deliveries {
		if a.Claimed[i] {
			w.dispatcher.Deliver(delivery.Job{Delivery: d, Alert: parsed, Severity: alert.High, AcceptedAt: now, Size: len(body)})
		} else {
			w.dispatcher.Wake(d.DestinationID)
		}
	}
	return a.Record.AlertID
}

const (
	plainAlert = `{"type":"RULE","detection":{"id":"d","severity":"HIGH"}}`
	aboutA     = `{"type":"SYSTEM_ERROR","dedup":"a","detection":{"id":"AlertRouter.DeliveryFailed","severity":"HIGH"}}`
)

func fallsBackTo(id string, after time.Duration) func(*delivery.LaneConfig) {
	return func(c *delivery.LaneConfig) {
		c.DisplayName = "The " + c.DestinationID
		c.Fallback, c.FallbackAfter = delivery.Fallback{DestinationID: id, After: 1000 * time.Hour}, after // that After is not to be trusted
	}
}

// inbox keeps the messages it gets, and answers all with one error.
type inbox struct {
	err  error
	mu   sync.Mutex
	got  []destination.Message
	when []time.Time
}

func (*inbox) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (r *inbox) Send(_ context.Context, m *destination.Message) (destination.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.when = append(r.got, *m), append(r.when, time.Now())
	return destination.Receipt{}, r.err
}

func (r *inbox) messages() []destination.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

var errRefused = destination.Permanent(errors.New("refused"))

func TestFallback_GetsWhatFailed(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b, c := &inbox{err: errRefused}, &inbox{err: errRefused}, &inbox{}
		w.connect("c", c)
		w.connect("b", b, fallsBackTo("c", 0))
		w.connect("a", a, fallsBackTo("b", 0))
		id := w.promise(plainAlert, "a")
		synctest.Wait()
		w.wantState(id, "a", delivery.Failed, delivery.Permanent)
		if d := w.wantState(id, "b", delivery.Failed, delivery.Permanent); d.Cause != delivery.ByFallback || d.FallbackOf != "a" || !d.FallbackAt.IsZero() {
			t.Errorf("got %+v, want a fallback of a without a FallbackAt", d)
		}
		w.wantState(id, "c", delivery.Delivered, "")
		if got := b.messages(); len(got) != 1 || got[0].FallbackOf != "The a" {
			t.Errorf("b got %+v, want one message that stands in for The a", got)
		}
		if got := c.messages(); len(got) != 1 || got[0].FallbackOf != "The b" {
			t.Errorf("c got %+v, want one message that stands in for The b", got)
		}
	})
}

func TestFallback_GetsWhatExpired(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := &inbox{err: errDown}, &inbox{}
		w.connect("b", b)
		w.connect("a", a, fallsBackTo("b", 0), func(c *delivery.LaneConfig) { c.MaxAge = time.Hour })
		start := time.Now()
		var ids []string
		for range 50 { // most expire behind the open breaker, some after an attempt
			ids = append(ids, w.promise(plainAlert, "a"))
		}
		time.Sleep(61 * time.Minute)
		for _, id := range ids {
			w.wantState(id, "a", delivery.Failed, delivery.Expired)
			w.wantState(id, "b", delivery.Delivered, "")
		}
		if len(b.messages()) != len(ids) || b.when[0].Sub(start) < 20*time.Minute {
			t.Errorf("b got %d messages for %d alerts, the first after %s", len(b.messages()), len(ids), b.when[0].Sub(start))
		}
	})
}

func TestFallback_GetsWhatTakesTooLongAndTheOriginalIsTriedOn(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		t.Run(fmt.Sprintf("enabled %v", enabled), func(t *testing.T) {
			inBubble(t, func(w *world) {
				a, mend := broken(errDown)
				b := &inbox{err: errDown}
				c := &inbox{}
				w.connect("c", c)
				w.connect("b", b, fallsBackTo("c", time.Minute))
				w.connect("a", a, fallsBackTo("b", 5*time.Minute), func(c *delivery.LaneConfig) { c.Enabled = enabled })
				start := time.Now()
				id := w.promise(plainAlert, "a")
				time.Sleep(5*time.Minute - time.Second)
				if len(b.messages()) != 0 {
					t.Errorf("b got it after %s, want 5m", b.when[0].Sub(start))
				}
				time.Sleep(time.Hour)
				if late := b.when[0].Sub(start) - 5*time.Minute; late < 0 || late > 2*time.Second {
					t.Errorf("b got it %s after its time, want within about a second", late)
				}
				if late := c.when[0].Sub(b.when[0]) - time.Minute; late < 0 || late > 2*time.Second {
					t.Errorf("c got it %s after its time, want within about a second", late)
				}
				if len(c.messages()) != 1 {
					t.Errorf("c got %d messages, want 1", len(c.messages()))
				}
				if d := w.deliveryTo(id, "a"); !d.State.Open() || !d.FallbackAt.IsZero() {
					t.Errorf("got %+v, want it open and not to fall back again", d)
				}
				mend()
				w.connect("a", a, fallsBackTo("b", 5*time.Minute))
				time.Sleep(time.Hour)
				w.wantState(id, "a", delivery.Delivered, "")
			})
		})
	}
}

func TestFallback_ThatIsNoneAnyMoreIsForgotten(t *testing.T) {
	inBubble(t, func(w *world) {
		b := &inbox{}
		w.connect("b", b)
		w.connect("a", &inbox{err: errDown}, fallsBackTo("b", time.Minute))
		id := w.promise(plainAlert, "a")
		w.connect("a", &inbox{err: errDown})
		time.Sleep(time.Hour)
		if d := w.deliveryTo(id, "a"); !d.FallbackAt.IsZero() || len(b.messages()) != 0 {
			t.Errorf("got %+v, and %d messages to the former fallback", d, len(b.messages()))
		}
	})
}

// Deliveries without a lane, as while the server starts, are neither forgotten nor in anybody's way.
func TestFallback_WaitsForTheLane(t *testing.T) {
	inBubble(t, func(w *world) {
		b, c := &inbox{}, &inbox{}
		w.connect("b", b)
		w.connect("a", &inbox{err: errDown}, fallsBackTo("b", time.Minute), func(c *delivery.LaneConfig) { c.Enabled = false })
		config := w.lanes["a"]
		for range 70 {
			w.promise(plainAlert, "a")
		}
		w.dispatcher.RemoveLane("a")
		w.connect("c", c)
		time.Sleep(2 * time.Minute)
		if len(b.messages()) != 0 {
			t.Errorf("%d fell back without a lane", len(b.messages()))
		}
		w.dispatcher.SetLane(config)
		time.Sleep(2 * time.Second)
		if len(b.messages()) != 70 {
			t.Errorf("%d fell back with the lane there, want 70", len(b.messages()))
		}
	})
}

func TestFallback_NeverTellsADestinationOfItself(t *testing.T) {
	inBubble(t, func(w *world) {
		a := &inbox{}
		w.connect("a", a)
		w.connect("b", &inbox{err: errRefused}, fallsBackTo("a", 0))
		w.connect("c", &inbox{err: errRefused}, fallsBackTo("d", 0))
		w.connect("d", &inbox{err: errDown}, fallsBackTo("a", time.Minute), func(c *delivery.LaneConfig) { c.MaxAge = time.Hour })
		id := w.promise(aboutA, "b", "c")
		time.Sleep(2 * time.Hour)
		w.wantState(id, "b", delivery.Failed, delivery.Permanent)
		w.wantState(id, "d", delivery.Failed, delivery.Expired)
		if got := a.messages(); len(got) != 0 {
			t.Errorf("a got %+v, an alert about itself", got)
		}
	})
}

func TestFallback_IsNamedByItsIDWhenItIsGone(t *testing.T) {
	inBubble(t, func(w *world) {
		b := &inbox{}
		w.connect("b", b, func(c *delivery.LaneConfig) { c.RatePerSecond = 0.001 })
		w.connect("a", &inbox{err: errRefused}, fallsBackTo("b", 0))
		w.promise(plainAlert, "b") // the one that b may take at once
		synctest.Wait()
		w.promise(plainAlert, "a")
		synctest.Wait()
		w.dispatcher.RemoveLane("a")
		w.connect("b", b)
		synctest.Wait()
		if got := b.messages(); len(got) != 2 || got[1].FallbackOf != "a" {
			t.Errorf("got %+v, want a second message that stands in for a", got)
		}
	})
}

func TestFallback_PassesOverOneThatIsDisabled(t *testing.T) {
	inBubble(t, func(w *world) {
		b, c := &inbox{}, &inbox{}
		disabled := func(c *delivery.LaneConfig) { c.Enabled = false }
		w.connect("c", c)
		w.connect("b", b, fallsBackTo("c", 0), disabled)
		w.connect("a", &inbox{err: errRefused}, fallsBackTo("b", 0))
		w.connect("z", &inbox{err: errDown}, fallsBackTo("b", time.Minute))
		w.promise(plainAlert, "a", "z")
		w.promise(plainAlert, "z")
		time.Sleep(2 * time.Minute)
		if len(b.messages()) != 0 || len(c.messages()) != 2 {
			t.Errorf("the disabled one got %d and its fallback %d, want 0 and 2", len(b.messages()), len(c.messages()))
		}
		w.connect("c", c, disabled)
		id := w.promise(plainAlert, "a")
		synctest.Wait()
		w.wantState(id, "a", delivery.Failed, delivery.Permanent) // and nothing else: there is nobody
	})
}

// flaky fails three of five calls that the clock of fallbacks makes.
type flaky struct {
	delivery.Queue
	mu    sync.Mutex
	calls int
}

var errDisk = errors.New("disk full")

func (q *flaky) fails() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	return q.calls%5 < 3
}

func (q *flaky) DueFallbacks(ctx context.Context, now time.Time, limit int) ([]delivery.Delivery, error) {
	if q.fails() {
		return nil, errDisk
	}
	return q.Queue.DueFallbacks(ctx, now, limit)
}

func (q *flaky) FallBack(ctx context.Context, id delivery.ID, to delivery.Fallback, now time.Time) (bool, error) {
	if q.fails() {
		return false, errDisk
	}
	return q.Queue.FallBack(ctx, id, to, now)
}

func TestFallback_TriesAgainAfterTheStoreFailed(t *testing.T) {
	inBubble(t, func(w *world) {
		schedule := delivery.DefaultSchedule()
		w.dispatcher = delivery.NewDispatcher(&flaky{Queue: w.store}, delivery.Options{Schedule: schedule, Observe: quiet{}})
		b := &inbox{}
		w.connect("b", b)
		w.connect("a", &inbox{err: errDown}, fallsBackTo("b", time.Minute))
		for range 20 {
			w.promise(plainAlert, "a")
		}
		time.Sleep(5 * time.Minute)
		if len(b.messages()) != 20 {
			t.Errorf("b got %d messages, want 20", len(b.messages()))
		}
	})
}
