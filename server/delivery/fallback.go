// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fallbackEvery is how often the store is asked for deliveries that took too long.
	fallbackEvery = time.Second

	// fallbackBatch is how many of them are looked at together, and fallbacksAtOnce how many are written together.
	fallbackBatch   = 64
	fallbacksAtOnce = 16
)

// watchFallbacks gives alerts to fallbacks whose time has come, until the dispatcher pauses. It does not depend on
// lanes, since theirs may be disabled, or busy with others.
func (d *Dispatcher) watchFallbacks() {
	tick := time.NewTicker(fallbackEvery)
	defer tick.Stop()
	for {
		for d.fallBackSome() {
			if d.isPaused() {
				return
			}
		}
		select {
		case <-tick.C:
		case <-d.paused:
			return
		}
	}
}

func (d *Dispatcher) isPaused() bool {
	select {
	case <-d.paused:
		return true
	default:
		return false
	}
}

// fallBackSome deals with one batch, and reports whether another may be due.
func (d *Dispatcher) fallBackSome() (more bool) {
	now := d.opts.Now()
	due, err := d.queue.DueFallbacks(d.ctx, now, fallbackBatch)
	if err != nil {
		d.opts.Log.Error("deliveries that are due to fall back could not be read; trying again", "error", err)
		return false
	}
	var done atomic.Int32
	inParallel(fallbacksAtOnce, due, func(late *Delivery) {
		if d.fallBack(late, now) {
			done.Add(1)
		}
	})
	return len(due) == fallbackBatch && done.Load() > 0
}

// fallBack gives a delivery's alert to what is its destination's fallback by now, if it still has one. One without a
// lane is left for the next round: either the server is starting, or the destination was deleted and the delivery is
// about to be failed.
func (d *Dispatcher) fallBack(late *Delivery, now time.Time) (done bool) {
	c, ok := d.config(late.DestinationID)
	if !ok {
		return false
	}
	to := d.fallbackOf(&c, "")
	made, err := d.queue.FallBack(d.ctx, late.ID, to, now)
	if err != nil {
		d.opts.Log.Error("an alert could not be given to the fallback; trying again",
			"delivery_id", late.ID.String(), "destination_id", to.DestinationID, "error", err)
		return false
	}
	if made {
		d.wakeFallback(to)
	}
	return true
}

// maxFallbacks is how many destinations are passed over in a chain of fallbacks: it has no more.
const maxFallbacks = 3

// fallbackOf returns who gets an alert that a destination does not take: its fallback, or the next in the chain where
// that is disabled, since a disabled destination is given nothing new. subject is the destination that the alert is
// about, or "": it gets no such alert, neither now nor when the fallback in turn takes too long.
func (d *Dispatcher) fallbackOf(c *LaneConfig, subject string) Fallback {
	to := c.Fallback
	for range maxFallbacks {
		if to.DestinationID == "" || to.DestinationID == subject {
			return Fallback{}
		}
		next, ok := d.config(to.DestinationID)
		if !ok { // the server is starting, or the store makes no delivery
			return to
		}
		if to.After = next.FallbackAfter; subject != "" && next.Fallback.DestinationID == subject {
			to.After = 0
		}
		if next.Enabled {
			return to
		}
		to = next.Fallback
	}
	return Fallback{}
}

// wakeFallback says that a fallback may have a delivery. Unlike Wake it looks for no orphan: a delivery is made only
// while its destination exists, and whoever deletes that afterwards fails it.
func (d *Dispatcher) wakeFallback(to Fallback) {
	if l := d.lane(to.DestinationID); l != nil {
		l.wake()
	}
}

// inParallel calls f with each item, at most limit at once, and returns when all calls did.
func inParallel[T any](limit int, items []T, f func(*T)) {
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(limit, len(items)) {
		working.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(items)); i = next.Add(1) - 1 {
				f(&items[i])
			}
		})
	}
	working.Wait()
}
