// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"math/rand/v2"
	"time"
)

// Schedule says when a delivery is tried again, and when it is given up.
//
//	after attempt   1    2    3     4      5       6       7 and on
//	wait            1s   5s   30s   2min   10min   30min   1h
//
// each multiplied by a random factor from 0.5 to 1.5. A wait the destination asked for wins, if it is one at all: it is
// at least MinWait and at most MaxWait.
type Schedule struct {
	Waits   []time.Duration // after the first attempt, the second, …; the last one repeats. Never empty.
	MaxAge  time.Duration   // a delivery this old is not tried again
	MinWait time.Duration   // the shortest wait a destination can ask for
	MaxWait time.Duration   // the longest
	Random  func() float64  // in [0, 1); safe for concurrent use
}

// DefaultSchedule returns the schedule above with a maximum age of 24 hours.
func DefaultSchedule() Schedule {
	return Schedule{
		Waits: []time.Duration{
			time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
		},
		MaxAge:  24 * time.Hour,
		MinWait: time.Second,
		MaxWait: time.Hour,
		Random:  rand.Float64,
	}
}

// Next returns when to try again after a failed attempt that ended now. attempts is how many were made since the
// delivery's age began; asked is the wait the destination asked for, or 0 when it asked for none. ok is false
// when no further attempt fits before since+maxAge; a maxAge of 0 is the schedule's own.
func (s Schedule) Next(attempts int, since, now time.Time, asked, maxAge time.Duration) (at time.Time, ok bool) {
	if maxAge == 0 {
		maxAge = s.MaxAge
	}
	var wait time.Duration
	if asked > 0 {
		wait = min(max(asked, s.MinWait), s.MaxWait)
	} else {
		base := s.Waits[min(max(attempts, 1), len(s.Waits))-1]
		wait = time.Duration(float64(base) * (0.5 + s.Random()))
	}
	at = now.Add(wait)
	return at, at.Sub(since) < maxAge
}
