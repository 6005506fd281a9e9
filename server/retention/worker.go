// SPDX-License-Identifier: MPL-2.0

package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

const (
	// Every is the time between two passes.
	Every = time.Minute

	// A step is one transaction. It takes more alerts while steps are quick and fewer while they are slow, which they are
	// beside many others: whoever accepts an alert meanwhile waits for a step at most.
	stepLeast = 50
	stepMost  = 200
	quick     = 5 * time.Millisecond
	slow      = 15 * time.Millisecond

	// rest is how many times as long as a step the pause after it is. So others have the writer most of the time,
	// however slow the disk; and 200 alerts in 5 ms are still 8,000 a second.
	rest      = 4
	restLeast = 5 * time.Millisecond
)

// A clock that is wrong by weeks would have the worker remove all there is. It does not know what time it is, but it
// knows when an alert was last accepted, and when it last looked at the clock itself:
//
//	the clock is ahead of that by      what is old
//	less than leap                     is removed
//	more                               is removed after the worker has run for Grace, with a warning before
//
// Grace is for people: to set the clock, or to give a restored backup a longer retention. A clock that is behind only
// makes alerts stay longer.
const (
	leap = 24 * time.Hour

	// Grace is how long the worker holds back when it does not trust the clock.
	Grace = time.Hour
)

// Options are the parts of a worker that its user sets.
type Options struct {
	Keep    time.Duration    // how long an alert is kept after it was accepted
	Now     func() time.Time // the clock
	Log     *slog.Logger     // hears of passes that removed something, and of those that failed
	Removed func(alerts int) // called after each step that removed some
}

// Worker removes old alerts in the background until it is stopped.
type Worker struct {
	store  Store
	opts   Options
	seen   time.Time // the latest time known to be true: of an alert, or of a look at the clock
	until  time.Time // by the process's own clock, how long nothing is removed
	size   int       // of the next step
	cancel context.CancelFunc
	ended  chan struct{}
}

// New starts a worker.
func New(store Store, opts Options) *Worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{store: store, opts: opts, size: stepLeast, cancel: cancel, ended: make(chan struct{})}
	go w.run(ctx)
	return w
}

// Stop waits for the step under way, and starts none after it.
func (w *Worker) Stop(ctx context.Context) error {
	w.cancel()
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Worker) run(ctx context.Context) {
	defer close(w.ended)
	for ctx.Err() == nil {
		began := time.Now()
		removed, err := w.pass(ctx)
		if removed > 0 {
			w.opts.Log.Info("removed old alerts", "alerts", removed, "older_than", w.opts.Keep.String(), "took", time.Since(began).String())
		}
		if err != nil && ctx.Err() == nil {
			w.opts.Log.Error("old alerts could not be removed; trying again", "error", err)
		}
		wait(ctx, Every)
	}
}

// pass removes all that is old, step by step.
func (w *Worker) pass(ctx context.Context) (removed int, err error) {
	now := w.opts.Now()
	trusted, err := w.trust(ctx, now)
	if err != nil || !trusted {
		return 0, err
	}
	var after delivery.Key
	for ctx.Err() == nil {
		began := time.Now()
		step, err := w.store.RemoveAlerts(ctx, now.Add(-w.opts.Keep), after, w.size)
		if err != nil {
			return removed, err
		}
		if removed += step.Removed; step.Removed > 0 {
			w.opts.Removed(step.Removed)
		}
		if !step.More {
			break
		}
		took := time.Since(began)
		after, w.size = step.Next, nextSize(w.size, took)
		wait(ctx, max(rest*took, restLeast))
	}
	return removed, nil
}

// nextSize is how many alerts the step after one of a size takes.
func nextSize(size int, took time.Duration) int {
	switch {
	case took > slow:
		return max(size/2, stepLeast)
	case took < quick:
		return min(size*2, stepMost)
	}
	return size
}

// trust reports whether the clock is to be believed.
func (w *Worker) trust(ctx context.Context, now time.Time) (bool, error) {
	if w.seen.IsZero() {
		newest, err := w.store.NewestAlert(ctx)
		if err != nil {
			return false, err
		}
		if w.seen = newest; newest.IsZero() {
			w.seen = now // an empty store has nothing to lose
		}
	}
	if ahead := now.Sub(w.seen); ahead > leap {
		w.until = time.Now().Add(Grace)
		w.opts.Log.Warn("the clock is far ahead of what was last seen: alerts are not removed for a while. Stop the server if the clock is wrong, or if these alerts are to be kept longer than the retention",
			"now", now, "last_seen", w.seen, "ahead", ahead.String(), "retention", w.opts.Keep.String(), "for", Grace.String())
	}
	w.seen = now
	return !time.Now().Before(w.until), nil
}

// wait waits, or less if ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
