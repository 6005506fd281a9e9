// SPDX-License-Identifier: MPL-2.0

package watch

import (
	"context"
	"errors"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

const (
	// askEvery is how long the store's word that something is not due, since an earlier process raised it, is taken.
	askEvery = time.Minute

	// again is the wait after the store or the intake failed.
	again = 5 * time.Second

	// perDelivery is the wait after raising an alert, for each destination it went to. With n destinations that all
	// fail at once and all hear of the others there are n×n deliveries to make: this makes it a steady 100 a second
	// instead of a flood, and nobody with a few destinations notices.
	perDelivery = 10 * time.Millisecond

	// lastDeliveries is how many deliveries Stop still makes, without that wait.
	lastDeliveries = 1000
)

// Start raises what is seen, until Stop.
func (w *Watch) Start(to Accepter) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.to = cancel, to
	w.working.Go(func() { w.raiseAll(ctx) })
	w.working.Go(func() { w.checkStore(ctx) })
}

// Stop raises what is due, then no more. What cannot be raised before ctx ends is lost, and says so in the log.
func (w *Watch) Stop(ctx context.Context) error {
	if w.cancel == nil {
		return nil
	}
	w.cancel()
	w.working.Wait()
	for left := lastDeliveries; left > 0; {
		k, _, ok := w.next()
		if !ok {
			break
		}
		sent, err := w.raise(ctx, k)
		if err != nil {
			w.opts.Log.Error("a system alert could not be raised", "alert", k.String(), "error", err)
			break
		}
		left -= 1 + sent
	}
	if n := w.waiting(); n > 0 {
		w.opts.Log.Warn("stopped with system alerts that were not raised", "alerts", n)
	}
	return nil
}

// raiseAll raises one after the other.
func (w *Watch) raiseAll(ctx context.Context) {
	for {
		k, wait, ok := w.next()
		if ok {
			sent, err := w.raise(ctx, k)
			wait = time.Duration(sent) * perDelivery
			if err != nil && ctx.Err() == nil {
				w.opts.Log.Error("a system alert could not be raised; trying again", "alert", k.String(), "error", err)
				wait = again
			}
			w.pause(ctx, wait, nil)
		} else {
			w.pause(ctx, wait, w.wake)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// pause waits, or less when it is woken or ctx ends.
func (w *Watch) pause(ctx context.Context, wait time.Duration, wake <-chan struct{}) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// next returns the key whose event has waited the longest of those that may be due; ok is false when there is none,
// and wait says how long it may be until there is. Entries that say nothing any more are removed.
func (w *Watch) next() (k key, wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dropped > 0 {
		w.opts.Log.Error("events found no room and raise no system alert", "events", w.dropped)
		w.dropped = 0
	}
	now := w.opts.Now()
	var oldest time.Time
	wait = Every
	for candidate, e := range w.entries {
		left := e.notYet.Sub(now)
		switch {
		case e.owed == nil && e.pending == nil:
			if left <= 0 {
				delete(w.entries, candidate)
			}
		case e.owed == nil && left > 0:
			wait = min(wait, left)
		default:
			since := e.since
			if e.owed != nil {
				since = e.owed.Alert.CreatedAt.Time
			}
			if !ok || since.Before(oldest) {
				k, oldest, ok = candidate, since, true
			}
		}
	}
	return k, wait, ok
}

// waiting counts what was not raised and would be due.
func (w *Watch) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.entries {
		if e.owed != nil || e.pending != nil && !e.notYet.After(w.opts.Now()) {
			n++
		}
	}
	return n
}

// raise raises one alert if it is due, and returns how many deliveries that made.
//
// That it was raised is recorded first, and the alert, whose id stays the same, then owed until it is accepted. So
// however often the server crashes there is at most one in Every, and a failing store or intake only delays it. It is
// lost only when the process dies between the two commits, or while the second keeps failing; the other order would
// repeat the alert with each crash of a loop.
func (w *Watch) raise(ctx context.Context, k key) (sent int, err error) {
	owed, err := w.take(ctx, k)
	if err != nil || owed == nil {
		return 0, err
	}
	results, err := w.to.Accept(ctx, []intake.Item{*owed})
	if err != nil {
		return 0, err
	}
	w.paid(k)
	if err := results[0].Err; err != nil { // of this alert alone: it would be refused again
		return 0, err
	}
	sent = len(results[0].Route.Destinations)
	w.opts.Raised(k.kind)
	w.opts.Log.Warn("raised a system alert", "alert", k.kind, "destination_id", k.destinationID, "alert_id", results[0].AlertID, "deliveries", sent)
	return sent, nil
}

func (w *Watch) paid(k key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.entries[k]; e != nil {
		e.owed = nil
	}
}

// take returns the alert that is owed for a key, after asking the store if none is yet; nil when it is not due.
func (w *Watch) take(ctx context.Context, k key) (*intake.Item, error) {
	now := w.opts.Now()
	w.mu.Lock()
	e := w.entries[k]
	w.mu.Unlock()
	if e == nil { // the destination was deleted
		return nil, nil
	}
	if e.owed != nil { // which only this goroutine changes
		return e.owed, nil
	}
	due, err := w.log.Raise(ctx, k.String(), now, Every)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !due {
		e.notYet = now.Add(askEvery)
		if k.kind == alert.DestinationUnhealthy {
			e.pending, e.more = nil, 0
		}
		return nil, nil
	}
	e.owed, err = compose(k, e.pending, e.more)
	e.notYet, e.pending, e.more = now.Add(Every), nil, 0
	return e.owed, err
}

// checkStore sees when the store refused writes. Nothing can be raised before it takes them again.
func (w *Watch) checkStore(ctx context.Context) {
	var from time.Time
	var last error
	for ctx.Err() == nil {
		err := w.log.Check(ctx)
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			if last == nil {
				from = w.opts.Now()
			}
			last = err
		case last != nil:
			now := w.opts.Now()
			w.see(key{kind: alert.StoreDegraded}, event{now, degradedContext{
				From: from.UTC().Truncate(time.Second), To: now.UTC().Truncate(time.Second), Error: last.Error(),
			}})
			last = nil
		}
		w.pause(ctx, checkEvery, nil)
	}
}
