// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"slices"
	"time"
)

// A guest waits for a place in a lane.
type guest struct{ answer chan bool } // holds one

// reserve promises a place to a delivery that is to be stored. In a lane that flows it waits for one: whoever sends
// alerts faster than they can be brought is slowed down to what this machine does, instead of having them queue up on
// disk, from where they cost twice as much.
func (l *lane) reserve(patience time.Duration) bool {
	l.mu.Lock()
	if l.hasPlace() && len(l.queue) == 0 {
		l.reserved++
		l.mu.Unlock()
		return true
	}
	if l.behind || l.loading {
		patience = min(patience, behindPatience)
	}
	if patience <= 0 || !l.open() || !l.flow.fast(l.d.opts.Now()) {
		l.mu.Unlock()
		return false
	}
	g := &guest{answer: make(chan bool, 1)}
	l.queue = append(l.queue, g)
	l.mu.Unlock()

	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case granted := <-g.answer:
		return granted
	case <-late.C:
	}
	l.mu.Lock()
	l.queue = slices.DeleteFunc(l.queue, func(other *guest) bool { return other == g })
	l.mu.Unlock()
	select {
	case granted := <-g.answer: // at the last moment
		return granted
	default:
		return false
	}
}

// open reports whether the lane takes new deliveries at all. The lock is held.
func (l *lane) open() bool {
	return l.config.Enabled && l.breaker.state == closed && !l.d.opts.Now().Before(l.quiet)
}

// hasPlace reports whether it takes one now. A lane that is behind takes its deliveries from the store, the longest due
// first; new ones queue up there. The lock is held.
func (l *lane) hasPlace() bool {
	return l.open() && !l.behind && !l.loading && len(l.ready)+l.reserved < l.d.opts.LaneSize
}

// seat gives places to those who wait. The lock is held.
func (l *lane) seat() {
	for len(l.queue) > 0 && l.hasPlace() {
		l.reserved++
		l.queue[0].answer <- true
		l.queue[0] = nil
		l.queue = l.queue[1:]
	}
}

// sendAway tells everybody who waits that there will be no place. The lock is held.
func (l *lane) sendAway() {
	for _, g := range l.queue {
		g.answer <- false
	}
	l.queue = nil
}

// behindPatience is how long a place is waited for in a lane that is behind: it may not come to have one for a while,
// and the alert may be for other destinations too. But it slows down those who send more than can be brought.
const behindPatience = 10 * time.Millisecond

// flow is how quickly attempts end, one after the other.
type flow struct {
	last    time.Time
	between time.Duration // on the average, the latest counting most
}

const (
	// A lane flows fast while an attempt ends every two milliseconds or quicker, and the last one just did.
	fastBetween = 2 * time.Millisecond
	fastWithin  = 20 * time.Millisecond
)

func (f *flow) ended(now time.Time) {
	f.between += (min(now.Sub(f.last), time.Second) - f.between) / 8
	f.last = now
}

func (f *flow) fast(now time.Time) bool {
	return f.between < fastBetween && now.Sub(f.last) < fastWithin && !f.last.IsZero()
}
