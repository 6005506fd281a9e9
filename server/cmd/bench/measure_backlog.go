// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// waiting is a server with a backlog: deliveries promised to a destination that is held.
type waiting struct {
	*server
	destination string
	backlog     int
}

// fillBacklog accepts n alerts for a destination that is held. One gets through: a rate limit lets the first pass.
func (b *bench) fillBacklog(ctx context.Context, n int) (*waiting, error) {
	s, err := b.startServer(ctx)
	if err != nil {
		return nil, err
	}
	w := &waiting{server: s}
	if w.destination, err = s.addDestination(ctx, b.sink.url(0), true); err == nil {
		if err = fill(ctx, s.batchEndpoint(), b.alerts, n); err == nil {
			w.backlog, err = s.settledBacklog(ctx, n-1)
		}
	}
	if err != nil {
		s.discard()
		return nil, err
	}
	return w, nil
}

// settledBacklog waits until no more than n deliveries are owed, and fewer only by a few. Whoever counted the one that
// is still under way would wait for it in vain.
func (s *server) settledBacklog(ctx context.Context, n int) (int, error) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		backlog, err := s.backlog(ctx)
		switch {
		case err != nil:
			return 0, err
		case backlog <= n && backlog >= n*9/10:
			return backlog, nil
		case backlog < n || time.Now().After(deadline):
			return 0, fmt.Errorf("%d deliveries wait; there should be %d", backlog, n)
		}
	}
}

// drain measures how fast a backlog is delivered once its destination takes deliveries again: all of it, or what a
// minute takes.
func (b *bench) drain(ctx context.Context) ([]row, error) {
	w, err := b.fillBacklog(ctx, b.waiting)
	if err != nil {
		return nil, err
	}
	defer w.discard()
	m, err := alternate(1,
		func() (float64, error) { return b.post(ctx, b.duration/2) },
		func() (float64, error) {
			if err := b.sink.order(ctx, orders{}); err != nil {
				return 0, err
			}
			began := time.Now()
			if err := w.setFree(ctx, w.destination, b.sink.url(0)); err != nil {
				return 0, err
			}
			took, err := b.sink.await(ctx, 1, int64(w.backlog), time.Minute)
			return float64(took) / time.Since(began).Seconds(), err
		})
	if err != nil {
		return nil, err
	}
	r := row{what: fmt.Sprintf("drain %s waiting deliveries to 1 destination", count(float64(b.waiting)))}
	r.figure, r.numbers = perSecond(m.figure), []float64{m.figure}
	r.comparedTo("post", m, perSecond)
	r.atLeast(0.25)
	return []row{r}, nil
}

// starts is how often a start is measured.
func (b *bench) starts() int {
	if b.quick {
		return 1
	}
	return 3
}

// startEmpty measures the first start with nothing stored.
func (b *bench) startEmpty(ctx context.Context) ([]row, error) {
	var took []time.Duration
	for range b.starts() {
		s, err := b.startServer(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, s.ready)
		s.discard()
	}
	return []row{startRow("an empty store", median(took), 100*time.Millisecond)}, nil
}

// startWaiting measures starts with n deliveries waiting. With a goal for memory, in MB, it measures that, too.
func (b *bench) startWaiting(ctx context.Context, n int, goal time.Duration, goalMB float64) ([]row, error) {
	w, err := b.fillBacklog(ctx, n)
	if err != nil {
		return nil, err
	}
	s := w.server
	defer func() { s.discard() }()
	_, filling, err := memoryOf(s.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	var now memory
	var peak int64
	for range b.starts() {
		if err := s.stop(); err != nil {
			return nil, fmt.Errorf("stop the server: %w", err)
		}
		again, err := b.startServerOn(ctx, w.data)
		if err != nil {
			return nil, err
		}
		s = again
		took = append(took, s.ready)
		if now, peak, err = memoryOf(s.cmd.Process.Pid); err != nil {
			return nil, err
		}
	}
	rows := []row{startRow(count(float64(n))+" deliveries waiting", median(took), goal)}
	if goalMB > 0 {
		most := max(filling, peak)
		r := row{what: fmt.Sprintf("memory, %s deliveries waiting", count(float64(n))), figure: memory{all: most}.String(), numbers: []float64{float64(most)}}
		r.atMost(float64(most), goalMB*1e6, fmt.Sprintf("%.0f MB", goalMB))
		r.note = fmt.Sprintf("the peak: %s while they were accepted, %s in a start, then %s", memory{all: filling}, memory{all: peak}, ofOwn(now))
		rows = append(rows, r)
	}
	return rows, nil
}

func startRow(with string, took, goal time.Duration) row {
	r := row{what: "start to ready, " + with, figure: milliseconds(took), numbers: []float64{took.Seconds()}}
	r.atMost(took.Seconds(), goal.Seconds(), milliseconds(goal))
	return r
}
