// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// world is a dispatcher over a real bolt file, fed by a real intake, in a synctest bubble: its time is virtual.
type world struct {
	t          *testing.T
	store      *bolt.Store
	dispatcher *delivery.Dispatcher
	lanes      map[string]delivery.LaneConfig
}

// inBubble runs a test in virtual time. Schedules have no randomness unless a test adds it: every factor is 1.
func inBubble(t *testing.T, test func(w *world), change ...func(*delivery.Options)) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		opts := delivery.Options{Schedule: delivery.DefaultSchedule(), Observe: quiet{}}
		opts.Schedule.Random = func() float64 { return 0.5 }
		for _, edit := range change {
			edit(&opts)
		}
		w := &world{t: t, store: store, dispatcher: delivery.NewDispatcher(store, opts), lanes: map[string]delivery.LaneConfig{}}
		test(w)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(w.dispatcher.Stop(ctx), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

type quiet struct{}

func (quiet) Attempted(delivery.LaneConfig, delivery.Attempt, time.Duration) {}
func (quiet) Settled(delivery.LaneConfig, delivery.Job, delivery.Settlement) {}
func (quiet) Unhealthy(delivery.LaneConfig, delivery.Job, delivery.Health)   {}
func (quiet) Accepted(route.Scenario)                                        {}
func (quiet) Repeated()                                                      {}

// receiver is a destination that does as it is told and remembers when it was called.
type receiver struct {
	mu      sync.Mutex
	calls   []call
	now     int // under way
	most    int // under way at once
	respond func(ctx context.Context, n int) error
}

type call struct {
	at      time.Time
	alertID string
	attempt int
	again   bool
	tried   time.Time
}

func (*receiver) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (r *receiver) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	r.mu.Lock()
	r.calls = append(r.calls, call{time.Now(), m.AlertID, m.Attempt, m.Again, m.Tried})
	n := len(r.calls)
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now--
	}()
	if r.respond == nil {
		return destination.Receipt{StatusCode: 200, Message: "ok"}, nil
	}
	return destination.Receipt{}, r.respond(ctx, n)
}

// since returns when the calls came, counted from start.
func (r *receiver) since(start time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []time.Duration
	for _, c := range r.calls {
		out = append(out, c.at.Sub(start))
	}
	return out
}

func (r *receiver) made() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (r *receiver) peak() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// connect opens a lane that wants every alert.
func (w *world) connect(id string, s destination.Sender, change ...func(*delivery.LaneConfig)) {
	w.t.Helper()
	if _, ok := w.lanes[id]; !ok {
		if err := w.store.CreateDestination(context.Background(), destination.Destination{ID: id, DisplayName: id, Type: "test"}); err != nil {
			w.t.Fatal(err)
		}
	}
	c := delivery.LaneConfig{DestinationID: id, DisplayName: id, Type: "test", Enabled: true, Sender: s}
	for _, edit := range change {
		edit(&c)
	}
	w.lanes[id] = c
	w.dispatcher.SetLane(c)
	synctest.Wait()
}

// accept takes n alerts in, which go to every lane, and returns their ids.
func (w *world) accept(n int) []string {
	w.t.Helper()
	var destinations []route.Destination
	for id := range w.lanes {
		destinations = append(destinations, route.Destination{ID: id, DisplayName: id, Enabled: true, Severities: []alert.Severity{alert.High}})
	}
	table := route.Compile(destinations, nil)
	in := intake.New(w.store, w.dispatcher, func() *route.Table { return table }, intake.Options{
		BacklogLimit: 1 << 30, Backlog: w.store.Backlog, Now: time.Now, Observe: quiet{},
	})
	var ids []string
	for range n {
		body := []byte(`{"type":"RULE","detection":{"id":"d","severity":"HIGH"}}`)
		parsed, err := wire.Parse(body)
		if err != nil {
			w.t.Fatal(err)
		}
		results, err := in.Accept(context.Background(), []intake.Item{{Alert: parsed, Body: body}})
		if err != nil || results[0].Err != nil {
			w.t.Fatal(err, results)
		}
		ids = append(ids, results[0].AlertID)
	}
	return ids
}

// deliveryTo returns an alert's delivery to a destination.
func (w *world) deliveryTo(alertID, destinationID string) delivery.Delivery {
	w.t.Helper()
	_, deliveries, err := w.store.Alert(context.Background(), alertID)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(deliveries, func(d delivery.Delivery) bool { return d.DestinationID == destinationID })
	if i < 0 {
		w.t.Fatalf("alert %s has no delivery to %s", alertID, destinationID)
	}
	return deliveries[i]
}

func (w *world) wantState(alertID, destinationID string, state delivery.State, reason delivery.Reason) delivery.Delivery {
	w.t.Helper()
	d := w.deliveryTo(alertID, destinationID)
	if d.State != state || d.Reason != reason {
		w.t.Fatalf("delivery to %s: got %s %s, want %s %s (attempts %+v)", destinationID, d.State, d.Reason, state, reason, d.Attempts)
	}
	return d
}

var errDown = errors.New("down")

func TestDispatcher_DeliversAtOnceToEach(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := &receiver{}, &receiver{}
		w.connect("a", a)
		w.connect("b", b)
		start := time.Now()
		ids := w.accept(3)
		synctest.Wait()
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
			w.wantState(id, "b", delivery.Delivered, "")
		}
		if len(a.made()) != 3 || len(b.made()) != 3 || time.Since(start) != 0 {
			t.Errorf("got %d and %d calls within %s, want 3 each at once", len(a.made()), len(b.made()), time.Since(start))
		}
		if backlog := w.store.Backlog().Open(); backlog != 0 {
			t.Errorf("%d deliveries are still open", backlog)
		}
	})
}

// Vector 34 of the routing design: what failed once is tried again alone.
func TestDispatcher_TriesOnlyWhatFailedAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		a, c := &receiver{}, &receiver{}
		b := &receiver{respond: func(_ context.Context, n int) error {
			if n == 1 {
				return errDown
			}
			return nil
		}}
		w.connect("A", a)
		w.connect("B", b)
		w.connect("C", c)
		id := w.accept(1)[0]
		time.Sleep(time.Hour)
		for _, name := range []string{"A", "B", "C"} {
			w.wantState(id, name, delivery.Delivered, "")
		}
		if len(a.made()) != 1 || len(b.made()) != 2 || len(c.made()) != 1 {
			t.Errorf("got %d, %d and %d calls, want 1, 2 and 1", len(a.made()), len(b.made()), len(c.made()))
		}
		if b.made()[0].attempt != 1 || b.made()[1].attempt != 2 {
			t.Errorf("got attempts %+v, want 1 then 2", b.made())
		}
	})
}

// What a process that was killed had under way is not recorded, so the next one takes everything older for tried.
func TestDispatcher_SaysWhatMayHaveBeenTried(t *testing.T) {
	inBubble(t, func(w *world) {
		a := &receiver{respond: func(_ context.Context, n int) error {
			if n == 1 {
				return destination.Ambiguous(errDown)
			}
			return nil
		}}
		w.connect("a", a)
		first := w.accept(1)[0]
		time.Sleep(time.Minute)
		w.connect("a", a, func(c *delivery.LaneConfig) { c.Enabled = false })
		old := w.accept(1)[0]
		time.Sleep(time.Minute)
		if err := w.dispatcher.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		w.dispatcher = delivery.NewDispatcher(w.store, delivery.Options{Observe: quiet{}})
		time.Sleep(time.Second)
		w.connect("a", a)
		recent := w.accept(1)[0]
		synctest.Wait()
		got := map[string][]bool{}
		for _, c := range a.made() {
			got[c.alertID] = append(got[c.alertID], c.again)
			want := time.Time{}
			if c.again {
				want = started
				if c.at.Before(started) {
					want = a.made()[0].at
				}
			}
			if !c.tried.Equal(want) {
				t.Errorf("attempt %d of %s at %s: got %s for the latest end of the attempt before, want %s", c.attempt, c.alertID, c.at, c.tried, want)
			}
		}
		want := map[string][]bool{first: {false, true}, old: {true}, recent: {false}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestDispatcher_SaysWhenSomethingLastMayHaveArrived has attempts that were turned away after one whose answer was lost.
func TestDispatcher_SaysWhenSomethingLastMayHaveArrived(t *testing.T) {
	inBubble(t, func(w *world) {
		a := &receiver{respond: func(_ context.Context, n int) error {
			return []error{destination.RetryAfter(errDown, time.Second), destination.Ambiguous(errDown), destination.RetryAfter(errDown, time.Minute), errDown, nil}[n-1]
		}}
		w.connect("a", a)
		w.accept(1)
		time.Sleep(time.Hour)
		made := a.made()
		if len(made) != 5 {
			t.Fatalf("got %d attempts, want 5", len(made))
		}
		for n, c := range made {
			want := time.Time{}
			if n > 1 {
				want = made[1].at
			}
			if c.again != (n > 1) || !c.tried.Equal(want) {
				t.Errorf("attempt %d: got again %t since %s, want %t since %s", n+1, c.again, c.tried, n > 1, want)
			}
		}
	})
}

func TestDispatcher_WhatWasTurnedAwayIsNotSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		err    error
		again  bool
	}{
		"lost":        {0, destination.Ambiguous(errDown), true},
		"failed":      {500, errDown, true},
		"gateway":     {504, errDown, true},
		"unreachable": {0, errDown, false},
		"turned away": {429, destination.RetryAfter(errDown, time.Second), false},
		"unavailable": {503, errDown, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				var mu sync.Mutex
				var again []bool
				w.connect("a", sendFunc(func(m *destination.Message) (destination.Receipt, error) {
					mu.Lock()
					defer mu.Unlock()
					if again = append(again, m.Again); len(again) == 1 {
						return destination.Receipt{StatusCode: c.status}, c.err
					}
					return destination.Receipt{StatusCode: 200}, nil
				}))
				w.accept(1)
				time.Sleep(time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if want := []bool{false, c.again}; !slices.Equal(again, want) {
					t.Errorf("got %v, want %v", again, want)
				}
			})
		})
	}
}

// sendFunc is a destination that does as the function says.
type sendFunc func(m *destination.Message) (destination.Receipt, error)

func (sendFunc) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (f sendFunc) Send(_ context.Context, m *destination.Message) (destination.Receipt, error) {
	return f(m)
}

// A vendor that says when to come back means whoever comes: those who go on are banned.
func TestDispatcher_LeavesADestinationAloneThatSaysWhenToComeBack(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(_ context.Context, n int) error {
			if n == 3 {
				return destination.RetryAfter(errDown, 40*time.Second)
			}
			return nil
		}}
		other := &receiver{}
		w.connect("a", r, func(c *delivery.LaneConfig) { c.Concurrency = 1 })
		w.connect("b", other)
		start := time.Now()
		ids := w.accept(10)
		time.Sleep(10 * time.Second)
		ids = append(ids, w.accept(300)...) // more than a lane holds
		time.Sleep(29 * time.Second)
		if n, all := len(r.made()), len(other.made()); n != 3 || all != len(ids) {
			t.Errorf("got %d attempts at it and %d at another one before it is time, want 3 and %d", n, all, len(ids))
		}
		time.Sleep(2 * time.Second)
		if at := r.since(start)[3]; at != 40*time.Second {
			t.Errorf("got the next attempt after %s, want 40s", at)
		}
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
		}
		// Somebody who mends the configuration need not wait.
		r.respond = func(context.Context, int) error { return destination.RetryAfter(errDown, time.Hour) }
		last := w.accept(1)[0]
		synctest.Wait()
		mended := &receiver{}
		w.connect("a", mended)
		second := w.accept(1)[0]
		synctest.Wait()
		w.wantState(second, "a", delivery.Delivered, "")
		time.Sleep(time.Hour + time.Second)
		w.wantState(last, "a", delivery.Delivered, "")
	})
}

func TestDispatcher_FollowsTheScheduleUntilTheMaximumAge(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { return errDown }}
		w.connect("a", r)
		start := time.Now()
		id := w.accept(1)[0]
		time.Sleep(30 * time.Hour)
		want := []time.Duration{0}
		for _, wait := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute} {
			want = append(want, want[len(want)-1]+wait)
		}
		for next := want[len(want)-1] + time.Hour; next < 24*time.Hour; next += time.Hour {
			want = append(want, next)
		}
		if got := r.since(start); !slices.Equal(got, want) {
			t.Errorf("attempts at\n %v, want\n %v", got, want)
		}
		d := w.wantState(id, "a", delivery.Failed, delivery.Expired)
		if len(d.Attempts) != len(want) || d.Attempts[0].Outcome != destination.OutcomeRetry || d.Attempts[0].Message != "down" {
			t.Errorf("got %d attempts, the first %+v; want %d, RETRY, down", len(d.Attempts), d.Attempts[0], len(want))
		}
	})
}

func TestDispatcher_HonoursRetryAfterUpToAnHour(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(_ context.Context, n int) error {
			switch n {
			case 1:
				return destination.RetryAfter(errDown, 90*time.Second)
			case 2:
				return destination.RetryAfter(errDown, 0) // asks for nothing: the schedule's second wait
			case 3:
				return destination.RetryAfter(errDown, 5*time.Hour)
			}
			return nil
		}}
		w.connect("a", r)
		start := time.Now()
		id := w.accept(1)[0]
		time.Sleep(6 * time.Hour)
		want := []time.Duration{0, 90 * time.Second, 95 * time.Second, 95*time.Second + time.Hour}
		if got := r.since(start); !slices.Equal(got, want) {
			t.Errorf("attempts at %v, want %v", got, want)
		}
		if d := w.wantState(id, "a", delivery.Delivered, ""); d.Attempts[0].Outcome != destination.OutcomeWait {
			t.Errorf("the first attempt's outcome is %s, want WAIT", d.Attempts[0].Outcome)
		}
	})
}

func TestDispatcher_GivesUpWhatIsPermanent(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { return destination.Permanent(errors.New("no such channel")) }}
		w.connect("a", r)
		id := w.accept(1)[0]
		time.Sleep(48 * time.Hour)
		if d := w.wantState(id, "a", delivery.Failed, delivery.Permanent); len(d.Attempts) != 1 || d.Attempts[0].Message != "no such channel" {
			t.Errorf("got attempts %+v, want one that says why", d.Attempts)
		}
	})
}

func TestDispatcher_AHangingDestinationDelaysNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		slow := &receiver{respond: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		quick := &receiver{}
		w.connect("slow", slow)
		w.connect("quick", quick)
		start := time.Now()
		ids := w.accept(1000)
		synctest.Wait()
		if len(quick.made()) != len(ids) || time.Since(start) != 0 {
			t.Errorf("the quick one got %d of %d alerts after %s", len(quick.made()), len(ids), time.Since(start))
		}
		if slow.peak() != 8 {
			t.Errorf("the slow one had %d attempts at once, want the default of 8", slow.peak())
		}
		time.Sleep(delivery.DefaultTimeout)
		synctest.Wait()
		if d := w.deliveryTo(ids[0], "slow"); len(d.Attempts) != 1 || !strings.Contains(d.Attempts[0].Message, "no answer within 30s") {
			t.Errorf("got %+v, want one attempt that ended at the time-out", d.Attempts)
		}
	})
}

func TestDispatcher_BringsWhatDidNotFitIntoMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { time.Sleep(10 * time.Millisecond); return nil }}
		w.connect("a", r)
		ids := w.accept(500)
		time.Sleep(time.Hour)
		if len(r.made()) != len(ids) {
			t.Errorf("got %d calls for %d alerts", len(r.made()), len(ids))
		}
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
		}
	}, func(o *delivery.Options) { o.LaneSize = 16 })
}

func TestDispatcher_HoldsNoMoreThanItsMemory(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { time.Sleep(10 * time.Millisecond); return nil }}
		w.connect("a", r)
		ids := w.accept(200)
		time.Sleep(time.Hour)
		if len(r.made()) != len(ids) {
			t.Errorf("got %d calls for %d alerts", len(r.made()), len(ids))
		}
	}, func(o *delivery.Options) { o.MemoryBytes = 100 }) // of alerts of some 50 bytes
}

func TestDispatcher_ADisabledDestinationKeepsWhatItWasPromised(t *testing.T) {
	inBubble(t, func(w *world) {
		down := &receiver{respond: func(context.Context, int) error { return errDown }}
		w.connect("a", down)
		first := w.accept(1)[0]
		synctest.Wait()
		w.connect("a", down, func(c *delivery.LaneConfig) { c.Enabled = false })
		second := w.accept(1)[0]
		time.Sleep(72 * time.Hour)
		if len(down.made()) != 1 {
			t.Errorf("a disabled destination was tried %d times more", len(down.made())-1)
		}
		up := &receiver{}
		w.connect("a", up)
		synctest.Wait()
		w.wantState(first, "a", delivery.Delivered, "")
		w.wantState(second, "a", delivery.Delivered, "")
	})
}

func TestDispatcher_BoundsConcurrencyAndRate(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		w.connect("narrow", r, func(c *delivery.LaneConfig) { c.Concurrency = 2 })
		start := time.Now()
		w.accept(10)
		time.Sleep(time.Hour)
		if calls := r.since(start); r.peak() != 2 || calls[9] != 4*time.Second {
			t.Errorf("at most %d at once, calls at %v; want 2, the last at 4s", r.peak(), calls)
		}
	})
}

func TestDispatcher_PacesTheStarts(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{}
		w.connect("paced", r, func(c *delivery.LaneConfig) { c.RatePerSecond = 2 })
		start := time.Now()
		ids := w.accept(20)
		time.Sleep(time.Hour)
		calls := r.since(start)
		if len(calls) != len(ids) {
			t.Fatalf("got %d calls, want %d", len(calls), len(ids))
		}
		for i := range calls {
			if i >= 4 && calls[i]-calls[i-4] < time.Second {
				t.Errorf("calls %d to %d came within %s; 2 a second with a burst of 2 is the most", i-4, i, calls[i]-calls[i-4])
			}
		}
		if took := calls[len(calls)-1]; took > 10*time.Second {
			t.Errorf("20 calls at 2 a second took %s", took)
		}
	})
}

func TestDispatcher_StartsABurstAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{}
		w.connect("paced", r, func(c *delivery.LaneConfig) { c.RatePerSecond, c.Burst = 25.0/300, 5 })
		start := time.Now()
		w.accept(30)
		time.Sleep(time.Hour)
		calls := r.since(start)
		if calls[4] > time.Second || calls[5] < 12*time.Second || calls[29] < 25*12*time.Second || calls[29] > 26*12*time.Second {
			t.Errorf("got calls at %v, want 5 at once and the rest 12 s apart", calls)
		}
	})
}

func TestDispatcher_AHigherRateHoldsAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{}
		w.connect("paced", r, func(c *delivery.LaneConfig) { c.RatePerSecond = 0.001 })
		w.accept(3)
		synctest.Wait()
		w.connect("paced", r, func(c *delivery.LaneConfig) { c.RatePerSecond = 100 })
		time.Sleep(time.Second)
		synctest.Wait()
		if len(r.made()) != 3 {
			t.Errorf("got %d calls a second after the rate was raised, want 3", len(r.made()))
		}
	})
}

// Enabling a lane while what it held is being given back must not lose the wake-up.
func TestDispatcher_TogglingALaneLosesNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { time.Sleep(time.Millisecond); return nil }}
		w.connect("a", r)
		ids := w.accept(200)
		config := w.lanes["a"]
		for i := range 50 {
			config.Enabled = i%2 == 1
			w.dispatcher.SetLane(config)
			time.Sleep(time.Duration(i%3) * time.Millisecond)
		}
		config.Enabled = true
		w.dispatcher.SetLane(config)
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
		}
		if len(r.made()) != len(ids) {
			t.Errorf("got %d calls for %d alerts", len(r.made()), len(ids))
		}
	}, func(o *delivery.Options) { o.LaneSize = 32 })
}

func TestDispatcher_StopRecordsWhatWasUnderWay(t *testing.T) {
	inBubble(t, func(w *world) {
		finishes := &receiver{respond: func(context.Context, int) error { time.Sleep(5 * time.Second); return nil }}
		hangs := &receiver{respond: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		w.connect("finishes", finishes)
		w.connect("hangs", hangs)
		id := w.accept(1)[0]
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if err := w.dispatcher.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("stopping took %s, want the 10s it was given", took)
		}
		w.wantState(id, "finishes", delivery.Delivered, "")
		d := w.wantState(id, "hangs", delivery.Retrying, "")
		if !strings.Contains(d.Attempts[0].Message, "stopped") || d.NextAttemptAt.After(time.Now()) {
			t.Errorf("got %+v due %s, want an attempt that says it was interrupted, due at once", d.Attempts, d.NextAttemptAt)
		}
	})
}

func TestDispatcher_ASenderThatPanicsFailsItsAttemptOnly(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(_ context.Context, n int) error {
			if n == 1 {
				panic("secret-value")
			}
			return nil
		}}
		w.connect("a", r)
		id := w.accept(1)[0]
		time.Sleep(time.Minute)
		d := w.wantState(id, "a", delivery.Delivered, "")
		if len(d.Attempts) != 2 || strings.Contains(fmt.Sprint(d.Attempts), "secret-value") {
			t.Errorf("got %+v, want a failed attempt that does not quote the panic, then a good one", d.Attempts)
		}
	})
}

func TestDispatcher_AReplayBeginsTheScheduleAnew(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { return errDown }}
		w.connect("a", r)
		id := w.accept(1)[0]
		time.Sleep(48 * time.Hour)
		before := len(w.wantState(id, "a", delivery.Failed, delivery.Expired).Attempts)
		start := time.Now()
		if _, err := w.store.ReplayOne(context.Background(), w.deliveryTo(id, "a").ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		w.dispatcher.Wake("a")
		time.Sleep(10 * time.Second)
		if got := r.since(start)[before:]; !slices.Equal(got, []time.Duration{0, time.Second, 6 * time.Second}) {
			t.Errorf("attempts after the replay at %v, want 0s, 1s, 6s", got)
		}
	})
}

func TestDispatcher_RemovedLanesAreNotTried(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { return errDown }}
		w.connect("a", r)
		w.accept(1)
		synctest.Wait()
		w.dispatcher.RemoveLane("a")
		time.Sleep(24 * time.Hour)
		if len(r.made()) != 1 {
			t.Errorf("a removed lane made %d attempts more", len(r.made())-1)
		}
	})
}

// What only an operator can mend is given up after a few tries.
func TestDispatcher_GivesUpWhatNeedsAnOperator(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(context.Context, int) error { return fmt.Errorf("no such host: %w", outbound.ErrNeedsOperator) }}
		w.connect("a", r)
		id := w.accept(1)[0]
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if d := w.wantState(id, "a", delivery.Failed, delivery.Permanent); len(d.Attempts) != 5 {
			t.Errorf("got %d attempts, want 5", len(d.Attempts))
		}
	})
}
