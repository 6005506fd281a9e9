// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// lane is one destination's way out. It holds a few claimed deliveries in memory, runs up to Concurrency attempts at
// once, paces their starts, and claims more from the store when it runs dry.
type lane struct {
	d *Dispatcher

	mu       sync.Mutex
	config   LaneConfig
	limiter  *rate.Limiter // nil is no limit
	ready    []Job         // claimed, waiting for a worker; oldest first
	reserved int           // places promised to deliveries that are being stored
	running  int           // workers
	behind   bool          // the store may hold due deliveries that are not claimed
	loading  bool          // the store is being asked for them
	timer    *time.Timer   // wakes the lane at wakeAt
	wakeAt   time.Time
	paced    *time.Timer // set while the limiter makes the lane wait
	health   Health
}

func (l *lane) configure(c LaneConfig) {
	l.mu.Lock()
	if c.RatePerSecond != l.config.RatePerSecond {
		l.limiter = nil
		if l.paced != nil { // it waits for what the old rate allowed
			l.paced.Stop()
			l.paced = nil
		}
		if c.RatePerSecond > 0 {
			l.limiter = rate.NewLimiter(rate.Limit(c.RatePerSecond), max(1, int(c.RatePerSecond)))
		}
	}
	l.config = c
	if !c.Enabled {
		l.mu.Unlock()
		l.disable()
		return
	}
	l.behind = true
	l.pump()
	l.mu.Unlock()
}

// disable gives back what the lane holds and starts nothing more.
func (l *lane) disable() {
	l.mu.Lock()
	l.config.Enabled = false
	back := l.ready
	l.ready = nil
	for _, t := range []*time.Timer{l.timer, l.paced} {
		if t != nil {
			t.Stop()
		}
	}
	l.timer, l.paced = nil, nil
	l.mu.Unlock()
	l.d.release(back)
}

func (l *lane) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A lane that is behind takes its deliveries from the store, the longest due first; new ones queue up there.
	if !l.config.Enabled || l.behind || l.loading || len(l.ready)+l.reserved >= l.d.opts.LaneSize {
		return false
	}
	l.reserved++
	return true
}

func (l *lane) unreserve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved--
}

func (l *lane) deliver(job Job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved--
	if !l.config.Enabled {
		return false
	}
	l.ready = append(l.ready, job)
	l.pump()
	return true
}

func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behind = true
	l.pump()
}

// pump starts whatever can be started. The lock is held.
func (l *lane) pump() {
	for l.config.Enabled && len(l.ready) > 0 && l.running < l.config.Concurrency && l.mayStart() {
		job := l.take()
		if !l.d.start(func() { l.work(job) }) {
			l.ready = append(l.ready, job)
			return
		}
		l.running++
	}
	if l.config.Enabled && l.behind && !l.loading && len(l.ready) < l.d.opts.LaneSize/2 && l.mayHold() {
		l.loading = l.d.start(l.load)
	}
}

// mayHold says whether there is memory for more deliveries. A lane that has none gets one all the same, so that it is
// never stuck behind the others; the end of its attempt pumps the lane again.
func (l *lane) mayHold() bool {
	return l.d.room() > 0 || len(l.ready) == 0 && l.running == 0
}

// mayStart asks the limiter; when it says no, the lane is pumped again at the time it names.
func (l *lane) mayStart() bool {
	if l.limiter == nil {
		return true
	}
	if l.paced != nil {
		return false
	}
	now := l.d.opts.Now()
	r := l.limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return true
	}
	r.CancelAt(now)
	l.paced = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.paced = nil
		l.pump()
	})
	return false
}

func (l *lane) take() Job {
	job := l.ready[0]
	l.ready[0] = Job{}
	l.ready = l.ready[1:]
	if len(l.ready) == 0 {
		l.ready = nil
	}
	return job
}

// work tries jobs one after the other until the lane has none for it.
func (l *lane) work(job Job) {
	for {
		l.mu.Lock()
		config := l.config
		l.mu.Unlock()
		s := l.d.attempt(config, job)
		// The place is free only when the attempt is recorded: what a crash makes happen twice is what was in flight.
		l.d.settle(config, job, s)
		l.d.held.Add(-int64(job.Size))

		l.mu.Lock()
		l.note(s)
		if !l.config.Enabled || len(l.ready) == 0 || l.running > l.config.Concurrency || !l.mayStart() {
			l.running--
			l.pump()
			l.mu.Unlock()
			return
		}
		job = l.take()
		l.pump()
		l.mu.Unlock()
	}
}

// note keeps what a settled attempt says of the lane. The lock is held.
func (l *lane) note(s Settlement) {
	if s.Attempt.Outcome == destination.OutcomeDelivered {
		l.health = Health{State: Healthy, LastSuccess: s.Attempt.At}
	} else {
		l.health.State, l.health.LastFailure, l.health.LastError = Degraded, s.Attempt.At, s.Attempt.Message
		l.health.Failures++
	}
	if s.State == Retrying {
		l.arm(s.NextAttemptAt)
	}
}

// arm wakes the lane at a time, unless it wakes earlier anyhow. The lock is held.
func (l *lane) arm(at time.Time) {
	if !l.config.Enabled || l.timer != nil && !at.Before(l.wakeAt) {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.wakeAt = at
	var t *time.Timer
	t = time.AfterFunc(at.Sub(l.d.opts.Now()), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.timer == t {
			l.timer = nil
			l.behind = true
			l.pump()
		}
	})
	l.timer = t
}

// load claims due deliveries from the store.
func (l *lane) load() {
	l.d.loads <- struct{}{}
	defer func() { <-l.d.loads }()

	l.mu.Lock()
	id := l.config.DestinationID
	room := max(1, l.d.opts.LaneSize-len(l.ready)-l.reserved)
	l.behind = false // a wake during the claim sets it again
	l.mu.Unlock()

	now := l.d.opts.Now()
	budget := min(max(l.d.room(), 0), l.d.opts.MemoryBytes/8) // taken before, since other lanes load at the same time
	l.d.held.Add(budget)
	jobs, err := l.d.queue.Claim(l.d.ctx, id, now, room, int(budget))
	l.d.held.Add(-budget)
	for _, j := range jobs {
		l.d.held.Add(int64(j.Size))
	}
	next, some := time.Time{}, false
	if err == nil && len(jobs) < room {
		next, some, err = l.d.queue.NextDue(l.d.ctx, id)
	}

	l.mu.Lock()
	l.loading = false
	if !l.config.Enabled {
		l.mu.Unlock()
		l.d.release(jobs)
		return
	}
	defer l.mu.Unlock()
	if err != nil {
		l.d.opts.Log.Error("due deliveries could not be read; trying again", "destination_id", id, "error", err)
		next, some = now.Add(time.Second), true
	}
	l.ready = append(l.ready, jobs...)
	if len(jobs) == room || some && !next.After(now) { // there are more, or more than fit into memory
		l.behind, some = true, false
	}
	if some {
		l.arm(next)
	}
	l.pump()
}
