// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"slices"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

const (
	// tripAfter is how many attempts in a row fail before a destination counts as unhealthy, and how many deliveries
	// those must be of before the breaker opens.
	tripAfter = 10

	// How long an open breaker waits for its first probe, and at most for a later one; the first is multiplied by the
	// schedule's random factor.
	firstCoolDown = time.Second
	maxCoolDown   = 30 * time.Second
)

// breaker is a lane's circuit breaker: it keeps a crowd of deliveries away from a destination that takes none. It has
// no clock and no lock of its own. The zero value is closed.
//
//	state      event                                             next
//	closed     an attempt is delivered                           closed, counting from nothing
//	closed     attempts at ten deliveries in a row failed        open until probeAt, after a cool-down of 1 s
//	open       an attempt starts at probeAt or later             half-open: it is the probe, and nothing else starts
//	open       an attempt from before fails or is refused        open, as it was
//	half-open  the probe fails                                   open, the cool-down is twice as long: at most 30 s
//	half-open  the probe is refused (PERMANENT)                  closed: the destination answered
//	any        an attempt is delivered, whichever it is          closed
//	any        the destination's configuration changes           closed: somebody mended something
//
// Ten attempts in a row make a destination unhealthy, but it takes ten deliveries to open the breaker: fewer follow
// their own schedules, which are slow enough, to the second.
type breaker struct {
	state    breakerState
	failures int  // attempts in a row that failed
	failed   []ID // whose they were, while closed
	coolDown time.Duration
	probeAt  time.Time // while open
	probe    int       // the number of the last probe, from 1
}

type breakerState uint8

const (
	closed breakerState = iota
	open
	halfOpen
)

// unhealthy reports whether many attempts in a row failed. It is always true of a breaker that is not closed.
func (b *breaker) unhealthy() bool { return b.failures >= tripAfter || b.state != closed }

// allows reports whether an attempt may start.
func (b *breaker) allows(now time.Time) bool {
	return b.state == closed || b.state == open && !now.Before(b.probeAt)
}

// start notes that an attempt starts, which must be allowed. It returns the attempt's number as a probe, or 0.
func (b *breaker) start() (probe int) {
	if b.state == closed {
		return 0
	}
	b.state = halfOpen
	b.probe++
	return b.probe
}

// end notes how an attempt ended. random is the schedule's.
func (b *breaker) end(id ID, outcome destination.Outcome, probe int, now time.Time, random func() float64) {
	isProbe := b.state == halfOpen && probe == b.probe
	switch {
	case outcome == destination.OutcomeDelivered, isProbe && outcome == destination.OutcomePermanent:
		b.reset()
	case outcome == destination.OutcomePermanent:
	case isProbe:
		b.failures++
		b.trip(min(2*b.coolDown, maxCoolDown), now, random)
	default:
		b.failures++
		if b.state == closed && !slices.Contains(b.failed, id) {
			b.failed = append(b.failed, id)
		}
		if len(b.failed) >= tripAfter {
			b.trip(firstCoolDown, now, random)
		}
	}
}

func (b *breaker) trip(coolDown time.Duration, now time.Time, random func() float64) {
	b.state, b.failed, b.coolDown = open, nil, coolDown
	b.probeAt = now.Add(min(time.Duration(float64(coolDown)*(0.5+random())), maxCoolDown))
}

// reset closes the breaker. Probes under way are none any more.
func (b *breaker) reset() { *b = breaker{probe: b.probe} }
