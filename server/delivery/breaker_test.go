// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// watcher is an observer that keeps what it is told. It asks the dispatcher back, which must not hang.
type watcher struct {
	quiet
	dispatcher *delivery.Dispatcher
	mu         sync.Mutex
	unhealthy  []delivery.Health
	settled    []delivery.Settlement
}

func (o *watcher) Unhealthy(c delivery.LaneConfig, _ delivery.Job, h delivery.Health) {
	o.dispatcher.Health(c.DestinationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unhealthy = append(o.unhealthy, h)
}

func (o *watcher) Settled(c delivery.LaneConfig, _ delivery.Job, s delivery.Settlement) {
	o.dispatcher.Health(c.DestinationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled = append(o.settled, s)
}

func (o *watcher) reports() []delivery.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.unhealthy)
}

func (o *watcher) settlements() []delivery.Settlement {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.settled)
}

// broken is a receiver that fails until it is mended.
func broken(err error) (r *receiver, mend func()) {
	var mended atomic.Bool
	r = &receiver{respond: func(context.Context, int) error {
		if mended.Load() {
			return nil
		}
		return err
	}}
	return r, func() { mended.Store(true) }
}

func TestBreaker_LeavesADestinationAloneButForProbes(t *testing.T) {
	inBubble(t, func(w *world) {
		r, mend := broken(errDown)
		w.connect("a", r)
		start := time.Now()
		ids := w.accept(40)
		synctest.Wait()
		opened := len(r.made())
		if opened < 10 || opened > 10+8 {
			t.Fatalf("%d attempts before the breaker opened, want 10, and no more than 8 others under way", opened)
		}
		time.Sleep(2 * time.Minute)
		var want []time.Duration
		for at, wait := time.Duration(0), time.Second; at+wait <= 2*time.Minute; wait = min(2*wait, 30*time.Second) {
			at += wait
			want = append(want, at)
		}
		if got := r.since(start)[opened:]; !slices.Equal(got, want) {
			t.Errorf("probes at\n %v, want\n %v", got, want)
		}
		if h := w.dispatcher.Health("a"); h.State != delivery.Unhealthy || h.ProbeAt.Sub(start) != 121*time.Second || h.Failures != len(r.made()) || h.LastError != "down" {
			t.Errorf("got %+v, want UNHEALTHY with a probe at 2m1s and %d failures", h, len(r.made()))
		}
		mend()
		time.Sleep(time.Until(h(w, "a").ProbeAt))
		synctest.Wait()
		for _, id := range ids[opened+len(want):] { // the others wait for their own next attempts
			w.wantState(id, "a", delivery.Delivered, "")
		}
		if h := h(w, "a"); h.State != delivery.Healthy || h.Failures != 0 || h.LastError != "" || !h.ProbeAt.IsZero() || h.LastFailure.IsZero() || !h.LastSuccess.Equal(time.Now()) {
			t.Errorf("got %+v, want HEALTHY", h)
		}
		time.Sleep(time.Hour)
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
		}
	})
}

func h(w *world, id string) delivery.Health { return w.dispatcher.Health(id) }

func TestBreaker_LetsTheWholeCrowdThroughAfterAGoodProbe(t *testing.T) {
	inBubble(t, func(w *world) {
		var fail atomic.Bool
		fail.Store(true)
		r := &receiver{respond: func(context.Context, int) error {
			if fail.Load() {
				return errDown
			}
			time.Sleep(time.Second)
			return nil
		}}
		w.connect("a", r)
		w.accept(100)
		time.Sleep(500 * time.Millisecond)
		fail.Store(false)
		time.Sleep(time.Second) // the probe at 1 s takes until 2 s
		if r.running() != 1 {
			t.Errorf("%d attempts at once while half-open, want 1", r.running())
		}
		time.Sleep(time.Second)
		if r.running() != 8 {
			t.Errorf("%d attempts at once after a good probe, want 8", r.running())
		}
	})
}

func (r *receiver) running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// A few deliveries follow their schedules to the second, however often they fail.
func TestBreaker_DelaysNoFew(t *testing.T) {
	type answer struct {
		name string
		err  error
		wait time.Duration // what a schedule makes of it; 0 is its own
		span time.Duration // how long it is watched
	}
	answers := []answer{
		{"RETRY", errDown, 0, time.Hour},
		{"WAIT 1s", destination.RetryAfter(errDown, time.Second), time.Second, 2 * time.Minute},
		{"WAIT 1ms", destination.RetryAfter(errDown, time.Millisecond), time.Second, 2 * time.Minute},
		{"WAIT 45s", destination.RetryAfter(errDown, 45*time.Second), 45 * time.Second, time.Hour},
		{"WAIT 40m", destination.RetryAfter(errDown, 40*time.Minute), 40 * time.Minute, time.Hour},
		{"WAIT 2h", destination.RetryAfter(errDown, 2*time.Hour), time.Hour, time.Hour},
	}
	for _, n := range []int{1, 5, 9} {
		for _, random := range []float64{0, 0.25, 0.5, 0.999} {
			for _, a := range answers {
				if a.wait != 0 && (random != 0.5 || n > 1) {
					continue // a wait that is asked for has no randomness, and is for all
				}
				t.Run(fmt.Sprintf("%d deliveries, random %v, %s", n, random, a.name), func(t *testing.T) {
					inBubble(t, func(w *world) {
						r, _ := broken(a.err)
						w.connect("a", r)
						start := time.Now()
						w.accept(n)
						time.Sleep(a.span + time.Millisecond)
						var want []time.Duration
						schedule := delivery.DefaultSchedule()
						for i, at := 0, time.Duration(0); at <= a.span; i++ {
							want = append(want, slices.Repeat([]time.Duration{at}, n)...)
							wait := a.wait
							if wait == 0 {
								wait = time.Duration(float64(schedule.Waits[min(i, len(schedule.Waits)-1)]) * (0.5 + random))
							}
							at += wait
						}
						if got := r.since(start); !slices.Equal(got, want) {
							t.Errorf("attempts at\n %v, want\n %v", got, want)
						}
					}, func(o *delivery.Options) {
						o.Schedule.Random = func() float64 { return random }
						o.Concurrency = 9
					})
				})
			}
		}
	}
}

func TestBreaker_OneDeliveryThatFailsForLongMakesTheDestinationUnhealthy(t *testing.T) {
	o := &watcher{}
	inBubble(t, func(w *world) {
		o.dispatcher = w.dispatcher
		r, mend := broken(errDown)
		w.connect("a", r)
		if h(w, "a").State != delivery.HealthUnknown {
			t.Errorf("got %s before the first attempt", h(w, "a").State)
		}
		w.accept(1)
		time.Sleep(3 * time.Hour)
		if got := h(w, "a"); got.State != delivery.Degraded || got.Failures != 9 || len(o.reports()) != 0 {
			t.Errorf("got %+v after 3 hours, and %d reports; want DEGRADED after 9 failures, none", got, len(o.reports()))
		}
		time.Sleep(3 * time.Hour)
		if got := h(w, "a"); got.State != delivery.Unhealthy || !got.ProbeAt.IsZero() || got.Failures != 12 || len(o.reports()) != 3 {
			t.Errorf("got %+v after 6 hours, and %d reports; want UNHEALTHY after 12 failures, the breaker closed, and 3", got, len(o.reports()))
		}
		mend()
		time.Sleep(time.Hour)
		if got := h(w, "a"); got.State != delivery.Healthy {
			t.Errorf("got %+v, want HEALTHY", got)
		}
	}, func(opts *delivery.Options) { opts.Observe = o })
}

func TestBreaker_TellsOfEachFailureFromTheOneThatOpensIt(t *testing.T) {
	o := &watcher{}
	inBubble(t, func(w *world) {
		o.dispatcher = w.dispatcher
		r, _ := broken(errDown)
		w.connect("a", r, func(c *delivery.LaneConfig) { c.Concurrency = 1 })
		w.accept(20)
		synctest.Wait()
		if len(r.made()) != 10 || len(o.reports()) != 1 || o.reports()[0].State != delivery.Unhealthy || time.Until(o.reports()[0].ProbeAt) != time.Second {
			t.Fatalf("got %d attempts and %+v, want 10 and one report that says UNHEALTHY and names the probe", len(r.made()), o.reports())
		}
		time.Sleep(7*time.Second + time.Millisecond)
		if len(r.made()) != 13 || len(o.reports()) != 4 {
			t.Errorf("got %d attempts and %d reports, want 13 and 4", len(r.made()), len(o.reports()))
		}
	}, func(opts *delivery.Options) { opts.Observe = o })
}

func TestBreaker_IsNotOpenedByWhatIsRefused(t *testing.T) {
	o := &watcher{}
	inBubble(t, func(w *world) {
		o.dispatcher = w.dispatcher
		r, _ := broken(destination.Permanent(errors.New("no such channel")))
		w.connect("a", r)
		ids := w.accept(100)
		synctest.Wait()
		for _, id := range ids {
			w.wantState(id, "a", delivery.Failed, delivery.Permanent)
		}
		if got := h(w, "a"); got.State != delivery.Degraded || got.Failures != 100 || len(o.reports()) != 0 {
			t.Errorf("got %+v and %d reports, want DEGRADED and none", got, len(o.reports()))
		}
	}, func(opts *delivery.Options) { opts.Observe = o })
}

func TestBreaker_ARefusedProbeClosesIt(t *testing.T) {
	inBubble(t, func(w *world) {
		var answers atomic.Bool
		r := &receiver{respond: func(context.Context, int) error {
			if answers.Load() {
				return destination.Permanent(errors.New("no such channel"))
			}
			return errDown
		}}
		w.connect("a", r, func(c *delivery.LaneConfig) { c.Concurrency = 1 })
		ids := w.accept(30)
		synctest.Wait()
		answers.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, id := range ids {
			w.wantState(id, "a", delivery.Failed, delivery.Permanent)
		}
		if got := h(w, "a"); got.State != delivery.Degraded || !got.ProbeAt.IsZero() {
			t.Errorf("got %+v, want DEGRADED", got)
		}
	})
}

func TestBreaker_AChangedConfigurationClosesIt(t *testing.T) {
	inBubble(t, func(w *world) {
		down, _ := broken(errDown)
		w.connect("a", down, func(c *delivery.LaneConfig) { c.Concurrency = 1 })
		ids := w.accept(30)
		time.Sleep(time.Minute)
		tried := len(down.made())
		up := &receiver{}
		w.connect("a", up)
		synctest.Wait()
		if got := len(up.made()); got < 30-tried {
			t.Errorf("%d attempts at once after the change, want at least the %d that waited", got, 30-tried)
		}
		time.Sleep(time.Hour)
		for _, id := range ids {
			w.wantState(id, "a", delivery.Delivered, "")
		}
	})
}

// What hangs when the breaker opens is no probe, and does not stand in the way of one.
func TestBreaker_WhatIsUnderWayEndsAsItWould(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &receiver{respond: func(_ context.Context, n int) error {
			if n == 1 {
				time.Sleep(20 * time.Second)
				return nil
			}
			return errDown
		}}
		w.connect("a", r, func(c *delivery.LaneConfig) { c.Concurrency = 2 })
		start := time.Now()
		ids := w.accept(40)
		time.Sleep(10 * time.Second)
		if got, want := r.since(start)[11:], []time.Duration{time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("probes at %v, want %v", got, want)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		slow := ids[0] // of the two that begin together, the one that came first
		if len(w.deliveryTo(slow, "a").Attempts) > 0 && w.deliveryTo(slow, "a").State != delivery.Delivered {
			slow = ids[1]
		}
		w.wantState(slow, "a", delivery.Delivered, "")
		if got := len(r.since(start)); got < 11+4+9 {
			t.Errorf("%d attempts after the one under way was delivered: it did not close the breaker", got)
		}
	})
}

// What becomes too old while the breaker is open does not wait for its turn as a probe.
func TestBreaker_GivesUpWhatIsTooOldToWaitForAProbe(t *testing.T) {
	o := &watcher{}
	inBubble(t, func(w *world) {
		o.dispatcher = w.dispatcher
		r, _ := broken(errDown)
		w.connect("a", r, func(c *delivery.LaneConfig) { c.MaxAge = time.Hour })
		start := time.Now()
		first := w.accept(200)
		time.Sleep(30 * time.Minute)
		second := w.accept(10)
		time.Sleep(31 * time.Minute)
		untried := 0
		for _, id := range first {
			d := w.wantState(id, "a", delivery.Failed, delivery.Expired)
			if len(d.Attempts) == 0 {
				untried++
				if late := d.SettledAt.Sub(start.Add(time.Hour)); late < 0 || late > 31*time.Second {
					t.Errorf("given up %s after its maximum age, want within a cool-down", late)
				}
			}
		}
		if untried < 50 {
			t.Errorf("%d deliveries were given up without an attempt, want a good part of 200", untried)
		}
		for _, id := range second {
			if d := w.deliveryTo(id, "a"); !d.State.Open() {
				t.Errorf("got %+v, want it open", d)
			}
		}
		told := 0
		for _, s := range o.settlements() {
			if s.State == delivery.Failed && s.Attempt.At.IsZero() {
				told++
			}
		}
		if told < untried || told > len(first) {
			t.Errorf("the observer heard of %d given up without an attempt, want at least %d", told, untried)
		}
	}, func(opts *delivery.Options) { opts.Observe = o })
}

// What a disabled destination held back is promised an attempt, however old it is.
func TestBreaker_GivesAnAttemptToWhatWasHeldBack(t *testing.T) {
	inBubble(t, func(w *world) {
		r, mend := broken(errDown)
		w.connect("a", r)
		disabled, enabled := w.lanes["a"], w.lanes["a"]
		disabled.Enabled = false
		w.dispatcher.SetLane(disabled)
		ids := w.accept(200)
		time.Sleep(72 * time.Hour)
		w.dispatcher.SetLane(enabled)
		time.Sleep(time.Hour)
		mend()
		time.Sleep(time.Minute)
		delivered := 0
		for _, id := range ids {
			d := w.deliveryTo(id, "a")
			if len(d.Attempts) != 1 {
				t.Errorf("got %+v, want one attempt", d)
			}
			if d.State == delivery.Delivered {
				delivered++
			}
		}
		if delivered < 30 {
			t.Errorf("%d were delivered, want all that were not tried as probes", delivered)
		}
	})
}
