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
//
// While its breaker is not closed it holds none: at each probe it claims a few, gives up those that are too old, tries
// one of the others and gives the rest back.
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
	breaker  breaker
	queue    []*guest // who waits for a place; the longest waiting first
	flow     flow
	enabled  time.Time // when the lane was enabled after it had been disabled
	quiet    time.Time // until when the destination wants to be left alone
	health   Health    // but for what the breaker says: see currentHealth
}

// probeClaims is how many deliveries are claimed to find one for a probe, and those that are too old. They are the
// longest due, which are nearly always the oldest: one that was tried is due later than others of its age, and behind
// more than these it may be found too old only when they are.
const probeClaims = 128

func (l *lane) configure(c LaneConfig) {
	l.mu.Lock()
	if c.RatePerSecond != l.config.RatePerSecond || c.Burst != l.config.Burst {
		l.limiter = nil
		if l.paced != nil { // it waits for what the old rate allowed
			l.paced.Stop()
			l.paced = nil
		}
		if c.RatePerSecond > 0 {
			l.limiter = rate.NewLimiter(rate.Limit(c.RatePerSecond), max(1, int(c.RatePerSecond), c.Burst))
		}
	}
	if known := l.config.DestinationID != ""; known && c.Enabled && !l.config.Enabled {
		l.enabled = l.d.opts.Now()
	}
	l.config = c
	l.breaker.reset()
	l.quiet = time.Time{}
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
	l.sendAway()
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

func (l *lane) unreserve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved--
	l.seat()
}

func (l *lane) deliver(job Job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved--
	if !l.open() {
		return false
	}
	l.ready = append(l.ready, job)
	l.pump()
	l.seat()
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
		job, probe := l.take(), l.breaker.start()
		if !l.d.start(func() { l.work(job, probe) }) {
			l.ready = append(l.ready, job)
			return
		}
		l.running++
	}
	if l.config.Enabled && l.behind && !l.loading && l.mayLoad() {
		l.loading = l.d.start(l.load)
	}
	l.seat()
}

// mayLoad says whether the lane has room for more deliveries. The lock is held.
func (l *lane) mayLoad() bool {
	if l.keepsQuiet() {
		return false
	}
	if l.breaker.state != closed {
		return len(l.ready) == 0 && l.breakerAllows()
	}
	return len(l.ready) < l.d.opts.LaneSize/2 && l.mayHold()
}

// mayHold says whether there is memory for more deliveries. A lane that has none gets one all the same, so that it is
// never stuck behind the others; the end of its attempt pumps the lane again.
func (l *lane) mayHold() bool {
	return l.d.room() > 0 || len(l.ready) == 0 && l.running == 0
}

// mayStart asks the destination's wish to be left alone, the breaker and the limiter; when one says no, the lane is
// pumped again at the time it names. The lock is held.
func (l *lane) mayStart() bool { return !l.keepsQuiet() && l.breakerAllows() && l.limiterAllows() }

// keepsQuiet reports whether the destination said when to come back, and that is yet to come: it means whoever comes,
// not one delivery. The lock is held.
func (l *lane) keepsQuiet() bool {
	if !l.d.opts.Now().Before(l.quiet) {
		return false
	}
	l.arm(l.quiet)
	return true
}

func (l *lane) breakerAllows() bool {
	if l.breaker.state == closed {
		return true
	}
	if l.breaker.allows(l.d.opts.Now()) {
		return true
	}
	if l.breaker.state == open { // a half-open one waits for its probe to end
		l.arm(l.breaker.probeAt)
	}
	return false
}

func (l *lane) limiterAllows() bool {
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

// work tries jobs one after the other until the lane has none for it. probe is the first one's number as a probe, or 0.
func (l *lane) work(job Job, probe int) {
	for more := true; more; {
		l.mu.Lock()
		config := l.config
		l.mu.Unlock()
		s := l.d.attempt(&config, &job)
		// The place is free only when the attempt is recorded: what a crash makes happen twice is what was in flight.
		l.d.settle(&config, &job, s)
		l.d.held.Add(-int64(job.Size))

		l.mu.Lock()
		back := l.note(&s, probe)
		health := l.currentHealth()
		next := Job{}
		if more = l.config.Enabled && len(l.ready) > 0 && l.running <= l.config.Concurrency && l.mayStart(); more {
			next, probe = l.take(), l.breaker.start()
		} else {
			l.running--
		}
		l.pump()
		l.mu.Unlock()

		l.d.release(back)
		if s.Attempt.Outcome != destination.OutcomeDelivered && health.State == Unhealthy && l.d.ctx.Err() == nil {
			l.d.opts.Observe.Unhealthy(config, job, health)
		}
		job = next
	}
}

// note keeps what a settled attempt says of the lane, and returns what the lane is to give back: when the breaker
// opens it holds nothing more. The lock is held.
func (l *lane) note(s *Settlement, probe int) (back []Job) {
	if s.State == Retrying {
		l.arm(s.NextAttemptAt)
	}
	if l.d.ctx.Err() != nil { // it was interrupted, which says nothing of the destination
		return nil
	}
	l.flow.ended(l.d.opts.Now())
	if s.Attempt.Outcome == destination.OutcomeDelivered {
		l.health.State, l.health.LastSuccess, l.health.LastError, l.health.Failures = Healthy, s.Attempt.At, "", 0
	} else {
		l.health.State, l.health.LastFailure, l.health.LastError = Degraded, s.Attempt.At, s.Attempt.Message
		l.health.Failures++
	}
	was := l.breaker.state
	l.breaker.end(s.ID, s.Attempt.Outcome, probe, l.d.opts.Now(), l.d.opts.Schedule.Random)
	wait := s.Attempt.Outcome == destination.OutcomeWait && s.NextAttemptAt.After(l.quiet)
	if wait {
		l.quiet = s.NextAttemptAt
	}
	if l.breaker.state == was && !wait {
		return nil
	}
	l.behind = true // as long as it was not closed, or kept quiet, the lane claimed next to nothing
	if l.breaker.state == open || wait {
		l.sendAway()
		back, l.ready = l.ready, nil
	}
	return back
}

// currentHealth is the lane's health with what the breaker says of it. The lock is held.
func (l *lane) currentHealth() Health {
	h := l.health
	if l.breaker.unhealthy() {
		h.State = Unhealthy
	}
	if l.breaker.state != closed {
		h.ProbeAt = l.breaker.probeAt
	}
	return h
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
	l.mu.Lock()
	id := l.config.DestinationID
	limit := max(1, l.d.opts.LaneSize-len(l.ready)-l.reserved)
	if l.breaker.state != closed {
		limit = probeClaims
	}
	l.behind = false // a wake during the claim sets it again
	l.mu.Unlock()

	now := l.d.opts.Now()
	jobs, next, some, err := l.d.claim(id, now, limit)
	if err != nil {
		l.d.opts.Log.Error("due deliveries could not be read; trying again", "destination_id", id, "error", err)
		next, some = now.Add(time.Second), true
	}

	l.mu.Lock()
	if !l.config.Enabled {
		l.loading = false
		l.mu.Unlock()
		l.d.release(jobs)
		return
	}
	if len(jobs) == limit || some && !next.After(now) { // there are more, or more than fit into memory
		l.behind, some = true, false
	}
	if some {
		l.arm(next)
	}
	var old, spare []Job
	if l.breaker.state != closed {
		jobs, old, spare = l.sift(jobs, now)
	}
	l.ready = append(l.ready, jobs...)
	l.loading = len(old) > 0
	l.pump()
	config := l.config
	l.mu.Unlock()

	l.d.release(spare) // and look for them again
	if len(old) > 0 {
		inParallel(config.Concurrency, old, func(job *Job) { l.d.expire(&config, job) })
		l.mu.Lock()
		defer l.mu.Unlock()
		l.loading, l.behind = false, true
		l.pump()
	}
}

// sift chooses from what was claimed while the breaker is not closed: one to be tried, and those too old to wait for
// their turn. The lock is held.
func (l *lane) sift(jobs []Job, now time.Time) (try, old, spare []Job) {
	maxAge := l.config.MaxAge
	if maxAge == 0 {
		maxAge = l.d.opts.Schedule.MaxAge
	}
	for _, job := range jobs {
		since := job.Delivery.Since
		if since.Before(l.enabled) { // what waited for the destination to be enabled is promised an attempt
			since = l.enabled
		}
		switch {
		case now.Sub(since) >= maxAge:
			old = append(old, job)
		case len(try)+len(l.ready) == 0:
			try = append(try, job)
		default:
			spare = append(spare, job)
		}
	}
	return try, old, spare
}

// claim claims due deliveries, and says when the next one is due if those were all.
func (d *Dispatcher) claim(destinationID string, now time.Time, limit int) (jobs []Job, next time.Time, some bool, err error) {
	d.loads <- struct{}{}
	defer func() { <-d.loads }()
	budget := min(max(d.room(), 0), d.opts.MemoryBytes/8) // taken before, since other lanes load at the same time
	d.held.Add(budget)
	jobs, err = d.queue.Claim(d.ctx, destinationID, now, limit, int(budget))
	d.held.Add(-budget)
	for i := range jobs {
		d.held.Add(int64(jobs[i].Size))
	}
	if err == nil && len(jobs) < limit {
		next, some, err = d.queue.NextDue(d.ctx, destinationID)
	}
	return jobs, next, some, err
}
