// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Dispatcher brings deliveries to destinations, each in a lane of its own.
//
// A delivery reaches its lane in one of two ways. The fast one: whoever stores it first asks [Dispatcher.Reserve] for
// a place, stores it as claimed, and hands it over with [Dispatcher.Deliver]; the store is not read. The other: it
// waits in the store until the lane claims it, when it is due and the lane has room. So memory does not grow with
// what waits.
type Dispatcher struct {
	queue Queue
	opts  Options

	mu       sync.RWMutex
	lanes    map[string]*lane
	stopping bool

	held    atomic.Int64 // bytes of alerts in memory, over all lanes
	working sync.WaitGroup
	ctx     context.Context // of attempts and store calls; cancelled when stopping takes too long
	cancel  context.CancelFunc
	lasting context.Context // of store calls that are not interrupted
	loads   chan struct{}   // limits how many lanes read the store at once
	clock   sync.Once       // starts the clock of fallbacks
	pause   sync.Once
	paused  chan struct{} // closed by Pause
	since   time.Time     // when it was made: what is older may have been tried by a process that did not live to record it
}

// Options are the dispatcher's settings; zero members take defaults.
type Options struct {
	Schedule    Schedule
	Concurrency int   // of a lane that sets none; 8
	LaneSize    int   // deliveries a lane holds in memory; 256
	MemoryBytes int64 // of alerts held in memory by all lanes; 64 MiB
	Now         func() time.Time
	Log         *slog.Logger
	Observe     Observer
	Link        func(alertID string) string // where a person reads more, for an alert that names no link; may be nil

	// Orphaned is told of a destination that a delivery was stored for and that has no lane: it was deleted after the
	// alert was routed, and before it was stored. It is called from whoever stores, so it must not wait. May be nil.
	Orphaned func(destinationID string)
}

// Observer is told what happens; its methods must be fast and safe for concurrent use.
type Observer interface {
	// Attempted is told each attempt, and how long after acceptance it ended.
	Attempted(lane LaneConfig, a Attempt, sinceAccepted time.Duration)
	// Settled is told each settlement that was recorded, and of which job.
	Settled(lane LaneConfig, job Job, s Settlement)
	// Unhealthy is told each failed attempt of a destination that is UNHEALTHY by then, and at which job.
	Unhealthy(lane LaneConfig, job Job, h Health)
}

// LaneConfig is what the dispatcher knows of a destination.
type LaneConfig struct {
	DestinationID string
	DisplayName   string
	Type          string
	Enabled       bool
	Sender        destination.Sender
	Concurrency   int           // 0 is the dispatcher's default
	RatePerSecond float64       // 0 is no limit
	Burst         int           // how many attempts may start at once; fewer than one second's mean those
	MaxAge        time.Duration // 0 is the schedule's
	Fallback      Fallback      // who gets an alert when this one does not take it
	FallbackAfter time.Duration // 0: when a delivery ends FAILED; else also when it is open for so long
}

// NewDispatcher returns a dispatcher without lanes.
func NewDispatcher(queue Queue, opts Options) *Dispatcher {
	if opts.Schedule.Waits == nil {
		opts.Schedule = DefaultSchedule()
	}
	if opts.Concurrency == 0 {
		opts.Concurrency = 8
	}
	if opts.LaneSize == 0 {
		opts.LaneSize = 256
	}
	if opts.MemoryBytes == 0 {
		opts.MemoryBytes = 64 << 20
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d := &Dispatcher{queue: queue, opts: opts, lanes: map[string]*lane{}, loads: make(chan struct{}, 16), paused: make(chan struct{}), since: opts.Now()}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.lasting = context.WithoutCancel(d.ctx)
	return d
}

// SetLane opens a destination's lane or changes its configuration, which closes its circuit breaker. A lane that is
// disabled gives back what it holds; attempts under way end as they would.
func (d *Dispatcher) SetLane(c LaneConfig) {
	if c.Concurrency == 0 {
		c.Concurrency = d.opts.Concurrency
	}
	d.mu.Lock()
	l, ok := d.lanes[c.DestinationID]
	if !ok {
		l = &lane{d: d, health: Health{State: HealthUnknown}}
		d.lanes[c.DestinationID] = l
	}
	d.mu.Unlock()
	l.configure(c)
	d.clock.Do(func() { d.start(d.watchFallbacks) })
}

// RemoveLane closes a destination's lane: what it holds is given back, attempts under way end as they would.
func (d *Dispatcher) RemoveLane(destinationID string) {
	d.mu.Lock()
	l, ok := d.lanes[destinationID]
	delete(d.lanes, destinationID)
	d.mu.Unlock()
	if ok {
		l.disable()
	}
}

func (d *Dispatcher) lane(destinationID string) *lane {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.lanes[destinationID]
}

// config returns the configuration of a destination's lane.
func (d *Dispatcher) config(destinationID string) (LaneConfig, bool) {
	l := d.lane(destinationID)
	if l == nil {
		return LaneConfig{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config, true
}

// Reserve asks for a place for one new delivery of an alert of size bytes. When it is granted, exactly one of Deliver
// and Unreserve must follow, with the same size. When it is not, store the delivery unclaimed and call Wake afterwards.
// Where the lane is full of deliveries that are being made by the hundred a second, Reserve waits for a place, for as
// long as patience says; a destination that is slow is not waited for.
func (d *Dispatcher) Reserve(destinationID string, size int, patience time.Duration) bool {
	l := d.lane(destinationID)
	if l == nil || d.room() < int64(size) || !l.reserve(patience) {
		return false
	}
	if d.room() < int64(size) { // after a wait
		l.unreserve()
		return false
	}
	d.held.Add(int64(size))
	return true
}

// room is how many more bytes of alerts may be held in memory; it may be negative.
func (d *Dispatcher) room() int64 { return d.opts.MemoryBytes - d.held.Load() }

// Unreserve gives a granted place back.
func (d *Dispatcher) Unreserve(destinationID string, size int) {
	d.held.Add(-int64(size))
	if l := d.lane(destinationID); l != nil {
		l.unreserve()
	}
}

// Deliver hands over a stored, claimed delivery that a place was reserved for. When the lane was closed meanwhile the
// claim is given back.
func (d *Dispatcher) Deliver(job Job) {
	l := d.lane(job.Delivery.DestinationID)
	if l == nil || !l.deliver(job) {
		d.release([]Job{job})
	}
	if l == nil {
		d.orphaned(job.Delivery.DestinationID)
	}
}

func (d *Dispatcher) orphaned(destinationID string) {
	if d.opts.Orphaned != nil {
		d.opts.Orphaned(destinationID)
	}
}

// Wake says that the store may hold a due delivery for a destination.
func (d *Dispatcher) Wake(destinationID string) {
	l := d.lane(destinationID)
	if l == nil {
		d.orphaned(destinationID)
		return
	}
	l.wake()
}

// Health tells how a destination's last attempts went.
func (d *Dispatcher) Health(destinationID string) Health {
	if l := d.lane(destinationID); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.currentHealth()
	}
	return Health{State: HealthUnknown}
}

// Health is how a destination's last attempts went, since the start of the process.
type Health struct {
	State       HealthState
	LastSuccess time.Time
	LastFailure time.Time
	LastError   string    // of the last attempt; "" after a success
	Failures    int       // attempts that failed since the last success
	ProbeAt     time.Time // while the circuit breaker is open: before it nothing is tried
}

// HealthState sums a destination's health up.
type HealthState string

// The states of health. A destination that is UNHEALTHY is still tried: a few deliveries by their schedules; many,
// which open the circuit breaker, one attempt at a time until one succeeds.
const (
	HealthUnknown HealthState = "UNKNOWN"   // not tried since the start
	Healthy       HealthState = "HEALTHY"   // the last attempt was delivered
	Degraded      HealthState = "DEGRADED"  // the last attempt was not
	Unhealthy     HealthState = "UNHEALTHY" // ten in a row failed, none of them refused for good; or the circuit breaker is open
)

// Pause starts no more attempts, for good: it is how stopping begins.
func (d *Dispatcher) Pause() {
	d.mu.Lock()
	d.stopping = true
	lanes := make([]*lane, 0, len(d.lanes))
	for _, l := range d.lanes {
		lanes = append(lanes, l)
	}
	d.mu.Unlock()
	d.pause.Do(func() { close(d.paused) })
	for _, l := range lanes {
		l.disable()
	}
}

// Stop starts no more attempts, and lets those under way finish and be recorded. When ctx ends first they are
// cancelled, recorded as interrupted and tried again by whoever opens the store next.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.Pause()
	done := make(chan struct{})
	go func() {
		d.working.Wait()
		close(done)
	}()
	select {
	case <-done:
		d.cancel()
		return nil
	case <-ctx.Done():
		d.cancel()
		<-done
		return nil
	}
}

// start runs f in a goroutine that Stop waits for; false when the dispatcher is stopping.
func (d *Dispatcher) start(f func()) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.stopping {
		return false
	}
	d.working.Go(f)
	return true
}

// release gives a lane's claims back, and with them the memory they held.
func (d *Dispatcher) release(jobs []Job) {
	if len(jobs) == 0 {
		return
	}
	ids := make([]ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.Delivery.ID
		d.held.Add(-int64(j.Size))
	}
	if err := d.queue.Release(d.lasting, ids...); err != nil {
		d.opts.Log.Error("claims could not be given back; they return at the next start", "error", err)
		return
	}
	// A lane that was enabled again meanwhile has looked for them while they were claimed.
	if l := d.lane(jobs[0].Delivery.DestinationID); l != nil {
		l.wake()
	}
}

// operatorAttempts is how often something is tried that only an operator can mend, such as a host name that does not
// exist: it may be a passing fault all the same.
const operatorAttempts = 5

// attempt tries a job once and says what follows.
func (d *Dispatcher) attempt(c *LaneConfig, job *Job) Settlement {
	a, advice := Try(d.ctx, c.Sender, d.Message(job), d.opts.Now, d.opts.Log)
	d.opts.Observe.Attempted(*c, a, d.opts.Now().Sub(job.AcceptedAt))
	s := Settlement{ID: job.Delivery.ID, Attempt: a}
	made := attemptsSince(&job.Delivery) + 1
	switch {
	case a.Outcome == destination.OutcomeDelivered:
		s.State = Delivered
	case a.Outcome == destination.OutcomePermanent:
		s.State, s.Reason = Failed, Permanent
	case d.ctx.Err() != nil:
		s.Attempt.Message = "the server was stopped during the attempt"
		s.State, s.NextAttemptAt = Retrying, d.opts.Now()
	case advice.NeedsOperator && made >= operatorAttempts:
		s.State, s.Reason = Failed, Permanent
	default:
		at, ok := d.opts.Schedule.Next(made, job.Delivery.Since, d.opts.Now(), advice.Wait, c.MaxAge)
		s.State, s.NextAttemptAt = Retrying, at
		if !ok {
			s.State, s.Reason, s.NextAttemptAt = Failed, Expired, time.Time{}
		}
	}
	if s.State == Failed {
		s.Fallback = d.fallbackOf(c, job.Alert.Subject())
	}
	return s
}

// expire gives a job up for its age, without an attempt.
func (d *Dispatcher) expire(c *LaneConfig, job *Job) {
	d.settle(c, job, Settlement{
		ID: job.Delivery.ID, State: Failed, Reason: Expired, SettledAt: d.opts.Now(),
		Fallback: d.fallbackOf(c, job.Alert.Subject()),
	})
	d.held.Add(-int64(job.Size))
}

// attemptsSince counts the attempts since the delivery was promised or replayed: a replay begins the schedule anew.
func attemptsSince(d *Delivery) int {
	n := 0
	for i := range d.Attempts {
		if !d.Attempts[i].At.Before(d.Since) {
			n++
		}
	}
	return n
}

// Message returns what a sender is given of a job.
func (d *Dispatcher) Message(job *Job) *destination.Message {
	m := &destination.Message{
		Alert: job.Alert, AlertID: job.Delivery.AlertID, Severity: job.Severity, Link: job.Alert.Link,
		CreatedAt: job.Alert.CreatedAt.Time, DeliveryID: job.Delivery.ID.String(), Promised: job.Delivery.CreatedAt, Attempt: len(job.Delivery.Attempts) + job.Delivery.AttemptsDropped + 1,
	}
	for _, a := range job.Delivery.Attempts {
		if mayHaveArrived(a) || job.Delivery.AttemptsDropped > 0 { // of those it is not known
			m.Again, m.Tried = true, a.At.Add(a.Duration)
		}
	}
	if job.Delivery.CreatedAt.Before(d.since) { // from a process that is no more, and may have tried it until then
		m.Again = true
		if m.Tried.Before(d.since) {
			m.Tried = d.since
		}
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = job.AcceptedAt
	}
	if m.Link == "" && d.opts.Link != nil {
		m.Link = d.opts.Link(m.AlertID)
	}
	if m.FallbackOf = job.Delivery.FallbackOf; m.FallbackOf != "" {
		if c, ok := d.config(m.FallbackOf); ok {
			m.FallbackOf = c.DisplayName
		}
	}
	return m
}

// mayHaveArrived reports whether an attempt that was not delivered may have reached the destination all the same: its
// answer was lost, or it is that of a server that failed on the way. One that is told to come later was turned away.
func mayHaveArrived(a Attempt) bool {
	return a.Outcome == destination.OutcomeAmbiguous || a.Outcome == destination.OutcomeRetry && a.StatusCode >= 500 && a.StatusCode != 503
}

// settle records a settlement, for as long as it takes: an attempt that was made must not be forgotten while the
// store recovers. Only a stop that ran out of time ends it early; the attempt is then made again after the restart.
func (d *Dispatcher) settle(c *LaneConfig, job *Job, s Settlement) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := d.queue.Settle(d.lasting, s)
		if err == nil {
			d.opts.Observe.Settled(*c, *job, s)
			d.wakeFallback(s.Fallback)
			return
		}
		d.opts.Log.Error("what became of a delivery could not be recorded; trying again", "delivery_id", s.ID.String(), "error", err)
		select {
		case <-time.After(wait):
		case <-d.ctx.Done():
			return
		}
	}
}
