// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// deliverTurns are few, so that one lasts long enough to tell whether a rate is sustained.
func (b *bench) deliverTurns() int { return min(2, b.turns()) }

func (b *bench) deliverTurn() time.Duration { return b.duration / time.Duration(b.deliverTurns()) }

// saturation is a server that accepts as fast as it can and delivers what it accepts.
type saturation struct {
	accepted  float64 // a second
	delivered float64 // a second of the same window
	backlog   int     // when the window ended
	idle      memory  // before
	peak      memory
	alerts    int
	used      *spent // by the server, the sink and the load
}

// saturated runs such a server, with an empty store, for a window.
func (b *bench) saturated(ctx context.Context, destinations int, window time.Duration) (r saturation, err error) {
	s, err := b.startServer(ctx)
	if err != nil {
		return r, err
	}
	defer s.discard()
	for n := range destinations {
		if _, err := s.addDestination(ctx, b.sink.url(n), false); err != nil {
			return r, err
		}
	}
	time.Sleep(min(time.Second, window/2)) // what starting took is done with
	if r.idle, _, err = memoryOf(s.cmd.Process.Pid); err != nil {
		return r, err
	}
	if err := b.sink.order(ctx, orders{}); err != nil {
		return r, err
	}
	watched := watchMemory(s.cmd.Process.Pid)
	r.used = &spent{pids: []int{s.cmd.Process.Pid, b.sink.cmd.Process.Pid, os.Getpid()}}
	var took []int64
	accepted, err := saturate(ctx, s.endpoint(), b.single(64), window, func() error {
		n, err := b.sink.took(ctx, destinations)
		if err != nil {
			return err
		}
		if took = append(took, n); len(took) == 2 {
			if r.backlog, err = s.backlog(ctx); err != nil {
				return err
			}
		}
		return r.used.look()
	})
	if err != nil {
		return r, err
	}
	r.accepted, r.alerts = accepted.rate(), accepted.alerts
	r.delivered = float64(took[1]-took[0]) / window.Seconds()
	r.peak, err = watched()
	return r, err
}

// deliverToOne measures accepting and delivering, both at once, and the memory it takes.
func (b *bench) deliverToOne(ctx context.Context) ([]row, error) {
	var all []saturation
	m, err := alternate(b.deliverTurns(),
		func() (float64, error) { return b.echoRate(ctx, 64, b.deliverTurn()/2) },
		func() (float64, error) {
			s, err := b.saturated(ctx, 1, b.deliverTurn())
			all = append(all, s)
			return min(s.accepted, s.delivered), err
		})
	if err != nil {
		return nil, err
	}
	sum := sumUp(all)
	r := row{what: "accept and deliver to 1 destination, 64 connections", figure: fmt.Sprintf("accepted %s, delivered %s", perSecond(sum.accepted), perSecond(sum.delivered))}
	r.numbers = []float64{m.figure, sum.accepted, sum.delivered}
	r.comparedTo("echo", m, perSecond)
	r.atLeast(0.25)
	r.note = fmt.Sprintf("the ratio is of the slower; backlog at the end of a window at most %s; %s", count(float64(sum.backlog)), sum.times())

	idle := row{what: "memory, idle", figure: sum.idle.String(), numbers: []float64{float64(sum.idle.all)}}
	idle.atMost(float64(sum.idle.all), 30e6, "30 MB")
	idle.note = ofOwn(sum.idle)
	peak := row{what: "memory, accepting and delivering saturated", figure: sum.peak.String(), numbers: []float64{float64(sum.peak.all)}}
	peak.atMost(float64(sum.peak.all), 150e6, "150 MB")
	peak.note = fmt.Sprintf("the peak of %s; %s", b.deliverTurn(), ofOwn(sum.peak))
	return []row{r, idle, peak}, nil
}

// deliverToFive measures deliveries when there are more than can be made.
func (b *bench) deliverToFive(ctx context.Context) ([]row, error) {
	var all []saturation
	m, err := alternate(b.deliverTurns(),
		func() (float64, error) { return b.post(ctx, b.deliverTurn()/2) },
		func() (float64, error) {
			s, err := b.saturated(ctx, 5, b.deliverTurn())
			all = append(all, s)
			return s.delivered, err
		})
	if err != nil {
		return nil, err
	}
	sum := sumUp(all)
	r := row{what: "deliver to 5 destinations, accepting over 64 connections"}
	r.figure, r.numbers = perSecond(m.figure), []float64{m.figure}
	r.comparedTo("post", m, perSecond)
	r.atLeast(0.7)
	r.note = fmt.Sprintf("accepted %s meanwhile; backlog at the end of a window at most %s; peak of memory %s; %s",
		perSecond(sum.accepted), count(float64(sum.backlog)), sum.peak, sum.times())
	return []row{r}, nil
}

// sumUp takes the means of rates and the most of memory and backlog.
func sumUp(all []saturation) saturation {
	sum := saturation{used: &spent{total: make([]time.Duration, 3)}}
	for _, s := range all {
		sum.accepted += s.accepted / float64(len(all))
		sum.delivered += s.delivered / float64(len(all))
		sum.backlog = max(sum.backlog, s.backlog)
		sum.alerts += s.alerts
		sum.idle = memory{max(sum.idle.all, s.idle.all), max(sum.idle.own, s.idle.own)}
		sum.peak = memory{max(sum.peak.all, s.peak.all), max(sum.peak.own, s.peak.own)}
		for i, t := range s.used.total {
			sum.used.total[i] += t
		}
	}
	return sum
}

func (s saturation) times() string {
	each := s.used.each(s.alerts)
	return fmt.Sprintf("processor time of an accepted alert: server %.0f µs, sink %.0f µs, load %.0f µs", each[0], each[1], each[2])
}

func ofOwn(m memory) string {
	return fmt.Sprintf("%.0f MB of its own, the rest is mapped files", float64(m.own)/1e6)
}
