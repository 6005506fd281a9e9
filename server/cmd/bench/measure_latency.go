// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// delays are what alerts took to reach destinations, sorted.
type delays struct {
	accepted []time.Duration // from the answer, as the sender saw it, to the arrival; 0 when it arrived before
	due      []time.Duration // from when the request was due to the arrival
}

func (d *delays) sort() {
	slices.Sort(d.accepted)
	slices.Sort(d.due)
}

// late is how long arrivals are waited for. An alert that is not there by then counts as if it had taken so long.
const late = time.Minute

// delaysAt sends alerts at a fixed rate to a server with an empty store and that many destinations, and returns the
// delays of the first counted of them.
func (b *bench) delaysAt(ctx context.Context, rate, destinations, counted int, hang bool, window time.Duration) (d delays, err error) {
	s, err := b.startServer(ctx)
	if err != nil {
		return d, err
	}
	defer s.discard()
	if err := b.sink.order(ctx, orders{Record: true, Hang: hang}); err != nil {
		return d, err
	}
	for n := range destinations {
		if _, err := s.addDestination(ctx, b.sink.url(n), false); err != nil {
			return d, err
		}
	}
	sent, err := pace(ctx, s.endpoint(), b.single(64), rate, window)
	if err != nil {
		return d, err
	}
	took, err := b.sink.await(ctx, counted, int64(len(sent)*counted), late)
	if err != nil {
		return d, err
	}
	arrivals, err := b.sink.arrivals(ctx)
	if err != nil {
		return d, err
	}
	for _, a := range arrivals {
		from, ok := sent[a.AlertID]
		if !ok {
			return d, fmt.Errorf("an alert arrived that was not sent: %q", a.AlertID)
		}
		if from.counts && a.Destination < counted {
			d.accepted = append(d.accepted, max(0, a.At.Sub(from.answered)))
			d.due = append(d.due, a.At.Sub(from.due))
		}
	}
	for range len(sent)*counted - int(took) {
		d.accepted, d.due = append(d.accepted, late), append(d.due, late)
	}
	if len(d.due) == 0 {
		return d, errors.New("no alert was due within the window")
	}
	d.sort()
	return d, nil
}

// latency measures how long alerts take from acceptance to arrival. A goal of 0 is none.
func (b *bench) latency(ctx context.Context, rate, destinations int, goal50, goal99 time.Duration) ([]row, error) {
	d, err := b.delaysAt(ctx, rate, destinations, destinations, false, b.duration)
	if err != nil {
		return nil, err
	}
	p50, p99 := percentile(d.accepted, 50), percentile(d.accepted, 99)
	due50, due99 := percentile(d.due, 50), percentile(d.due, 99)
	r := row{
		what:    fmt.Sprintf("accepted → delivered, %s alerts/s, %s", count(float64(rate)), plural(destinations, "destination")),
		figure:  fmt.Sprintf("p50 %s, p99 %s", milliseconds(p50), milliseconds(p99)),
		numbers: []float64{due50.Seconds(), due99.Seconds()}, // the others may be 0
		note:    fmt.Sprintf("from the request: p50 %s, p99 %s", milliseconds(due50), milliseconds(due99)),
		goal:    "p99 ≤ " + milliseconds(goal99),
	}
	met := p99 <= goal99
	if goal50 > 0 {
		r.goal = "p50 ≤ " + milliseconds(goal50) + ", " + r.goal
		met = met && p50 <= goal50
	}
	r.met = &met
	return []row{r}, nil
}

// besideAHungDestination measures the four others beside a destination that keeps every request, and without it.
func (b *bench) besideAHungDestination(ctx context.Context) ([]row, error) {
	const rate, others = 1000, mostDestinations - 1
	turns := max(1, b.turns()-2) // so that each is long enough for a 99th percentile
	var with, without delays
	p99 := func(all *delays, destinations int) func() (float64, error) {
		return func() (float64, error) {
			d, err := b.delaysAt(ctx, rate, destinations, others, true, b.duration/time.Duration(turns))
			all.accepted, all.due = append(all.accepted, d.accepted...), append(all.due, d.due...)
			return percentile(d.due, 99).Seconds(), err
		}
	}
	m, err := alternate(turns, p99(&without, others), p99(&with, others+1))
	if err != nil {
		return nil, err
	}
	with.sort()
	without.sort()
	r := row{
		what:    "the other four's p99 beside a destination that hangs, " + count(rate) + " alerts/s",
		figure:  inMilliseconds(m.figure),
		numbers: []float64{m.figure},
		note: fmt.Sprintf("from the request; from acceptance: p99 %s, without it %s",
			milliseconds(percentile(with.accepted, 99)), milliseconds(percentile(without.accepted, 99))),
	}
	r.comparedTo("without it", m, inMilliseconds)
	r.atMost(m.ratio, 1.5, "1.5 × without it")
	return []row{r}, nil
}
