// SPDX-License-Identifier: MPL-2.0

// Package watch raises alerts about the router itself: of type SYSTEM_ERROR, accepted and routed like any other.
//
//	AlertRouter.DeliveryFailed        a delivery was given up
//	AlertRouter.DestinationUnhealthy  an attempt failed at a destination that is UNHEALTHY
//	AlertRouter.StoreDegraded         the store refused writes for a while
//
//	watch.go  what is seen, and what waits to be raised
//	raise.go  raising it: how often, and until it is accepted
//	alert.go  what the alerts say
package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

// Every is how long nothing more is raised of a kind about a destination.
const Every = time.Hour

const (
	// checkEvery is how often the store is asked whether it takes writes.
	checkEvery = 5 * time.Second

	// maxEntries is how many kinds and destinations are kept in mind: more than there are destinations.
	maxEntries = 1 << 16
)

// Log is what the watch asks of a store.
type Log interface {
	// Raise reports whether what key names is due: it was not within every before now. When it is due, that it was at
	// now is recorded in the same step, so of many callers one hears that it is. Records older than every are removed
	// in passing. One that lies in the future by more than every is passed over: a clock was wrong.
	Raise(ctx context.Context, key string, now time.Time, every time.Duration) (due bool, err error)

	// Check reports whether the store can be written to. It writes only to find out whether a failure has passed, and
	// then as much as what failed.
	Check(ctx context.Context) error
}

// Accepter is where alerts are raised; see [intake.Intake].
type Accepter interface {
	Accept(ctx context.Context, items []intake.Item) ([]intake.Result, error)
}

// Options are the watch's surroundings.
type Options struct {
	Now    func() time.Time
	Log    *slog.Logger
	Raised func(kind string) // told each alert that was raised; quick
}

// Watch observes deliveries and the store. Its methods are safe for concurrent use, and none but Stop waits for the
// store or for acceptance.
//
// What is seen before Start is raised after it.
type Watch struct {
	log  Log
	opts Options

	mu      sync.Mutex
	entries map[key]*entry
	dropped int // events that found no room since the last line about them

	wake    chan struct{} // holds one: something new may be due
	to      Accepter
	cancel  context.CancelFunc
	working sync.WaitGroup
}

// key is what at most one alert in Every is raised about.
type key struct{ kind, destinationID string }

func (k key) String() string { return k.kind + "/" + k.destinationID }

// entry is what is known of a key. A burst of one kind about one destination makes one entry, whatever its size, so no
// burst pushes another's first event out.
type entry struct {
	pending *event       // the latest that was not raised
	since   time.Time    // when the first of those was seen
	more    int          // how many besides it
	owed    *intake.Item // due and recorded as raised, but not accepted yet
	notYet  time.Time    // before it the store need not be asked whether this is due
}

// event is what was seen: a failedContext, an unhealthyContext or a degradedContext. It keeps nothing large.
type event struct {
	at   time.Time
	what any
}

// New returns a watch that raises nothing before Start.
func New(log Log, opts Options) *Watch {
	return &Watch{log: log, opts: opts, entries: map[key]*entry{}, wake: make(chan struct{}, 1)}
}

// Attempted implements [delivery.Observer]; single attempts are nothing to raise.
func (w *Watch) Attempted(delivery.LaneConfig, delivery.Attempt, time.Duration) {}

// Settled implements [delivery.Observer]: it sees deliveries given up. Those whose destination was deleted are what
// somebody wanted.
func (w *Watch) Settled(lane delivery.LaneConfig, job delivery.Job, s delivery.Settlement) {
	if s.State != delivery.Failed || s.Reason == delivery.DestinationDeleted || job.Alert == nil || job.Alert.AboutRouter() {
		return
	}
	w.see(key{alert.DeliveryFailed, lane.DestinationID}, event{w.opts.Now(), failed(lane, &job.Delivery, &s)})
}

// Unhealthy implements [delivery.Observer]: it sees destinations that take nothing.
func (w *Watch) Unhealthy(lane delivery.LaneConfig, job delivery.Job, h delivery.Health) {
	if job.Alert == nil || job.Alert.AboutRouter() {
		return
	}
	w.see(key{alert.DestinationUnhealthy, lane.DestinationID}, event{w.opts.Now(), unhealthy(lane, h)})
}

// SetLane is told of each destination; nothing follows from it here.
func (w *Watch) SetLane(delivery.LaneConfig) {}

// RemoveLane is told that a destination was deleted: what was not raised about it no longer matters.
func (w *Watch) RemoveLane(destinationID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.entries, key{alert.DeliveryFailed, destinationID})
	delete(w.entries, key{alert.DestinationUnhealthy, destinationID})
}

// see keeps an event until it may be raised.
func (w *Watch) see(k key, ev event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entries[k]
	if e == nil {
		if len(w.entries) >= maxEntries {
			w.dropped++ // logged by the worker
			return
		}
		e = &entry{}
		w.entries[k] = e
	}
	early := ev.at.Before(e.notYet) || e.owed != nil
	switch {
	case early && k.kind == alert.DestinationUnhealthy:
		return // by then it may be well again; if it is not, it is seen again
	case e.pending != nil:
		e.more++
	default:
		e.since = ev.at
		if !early {
			w.nudge()
		}
	}
	e.pending = &ev
}

func (w *Watch) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
