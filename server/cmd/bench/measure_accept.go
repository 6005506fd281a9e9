// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// single is the load of alerts sent one by one.
func (b *bench) single(conns int) load {
	return load{alerts: b.alerts, member: "alert_id", conns: conns}
}

// echoRate is how many alerts a second the yardstick of accepting takes.
func (b *bench) echoRate(ctx context.Context, conns int, window time.Duration) (float64, error) {
	r, err := saturate(ctx, endpoint{address: b.echo.address, path: "/v1/alerts"}, b.single(conns), max(window, leastWindow), nil)
	if err != nil {
		return 0, fmt.Errorf("the echo: %w", err)
	}
	return r.rate(), nil
}

// accept measures accepting alerts one by one that are routed nowhere.
func (b *bench) accept(ctx context.Context, conns int, goal float64) ([]row, error) {
	r := row{what: fmt.Sprintf("accept, %s, routed nowhere", plural(conns, "connection"))}
	return b.acceptAs(ctx, r, conns, goal, b.single(conns))
}

// acceptBatches measures the same in batches, beside an echo that gets alerts one by one over as many connections as
// it takes to keep it busy.
func (b *bench) acceptBatches(ctx context.Context) ([]row, error) {
	l := b.single(4)
	l.batch = 500
	return b.acceptAs(ctx, row{what: "accept in batches of 500, 4 connections, routed nowhere"}, 64, 1, l)
}

func (b *bench) acceptAs(ctx context.Context, r row, echoConns int, goal float64, l load) ([]row, error) {
	s, err := b.startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer s.discard()
	to, window := s.endpoint(), b.turn()
	if l.batch > 0 {
		to, window = s.batchEndpoint(), max(window, time.Second/4) // so that it holds many
	}
	used := &spent{pids: []int{s.cmd.Process.Pid, os.Getpid()}}
	var all result
	m, err := alternate(b.turns(),
		func() (float64, error) { return b.echoRate(ctx, echoConns, b.turn()) },
		func() (float64, error) {
			one, err := saturate(ctx, to, l, window, used.look)
			all.join(one)
			return one.rate(), err
		})
	if err != nil {
		return nil, err
	}
	p50, p99 := percentile(all.latencies, 50), percentile(all.latencies, 99)
	r.figure = fmt.Sprintf("%s, p50 %s, p99 %s", perSecond(m.figure), milliseconds(p50), milliseconds(p99))
	r.numbers = []float64{m.figure, p50.Seconds(), p99.Seconds()}
	r.comparedTo("echo", m, perSecond)
	if goal > 0 {
		r.atLeast(goal)
	}
	each := used.each(all.alerts)
	r.note = fmt.Sprintf("processor time of an alert: server %.0f µs, load %.0f µs", each[0], each[1])
	if l.batch > 0 {
		r.note += "; the latency is a request's"
	}
	return []row{r}, nil
}
