// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
)

// largeStore measures accepting into a store that holds many alerts, beside an empty one: with the ids that engines
// send, which are random, and with those the server makes, which ascend.
func (b *bench) largeStore(ctx context.Context) ([]row, error) {
	large, err := b.startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer large.discard()
	if err := fill(ctx, large.batchEndpoint(), b.alerts, b.large); err != nil {
		return nil, err
	}
	var rows []row
	for _, kind := range []struct{ name, member string }{{"sent with the alerts", "alert_id"}, {"made by the server", "dedup"}} {
		r, err := b.besideAnEmptyStore(ctx, large, kind.member)
		if err != nil {
			return nil, err
		}
		r.what = fmt.Sprintf("accept, 64 connections, %s alerts in the store, ids %s", count(float64(b.large)), kind.name)
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) besideAnEmptyStore(ctx context.Context, large *server, member string) (row, error) {
	empty, err := b.startServer(ctx)
	if err != nil {
		return row{}, err
	}
	defer empty.discard()
	l := b.single(64)
	l.member = member
	var all result
	rateOf := func(s *server) (result, error) {
		return saturate(ctx, s.endpoint(), l, b.turn(), nil)
	}
	m, err := alternate(b.turns(),
		func() (float64, error) {
			r, err := rateOf(empty)
			return r.rate(), err
		},
		func() (float64, error) {
			r, err := rateOf(large)
			all.join(r)
			return r.rate(), err
		})
	if err != nil {
		return row{}, err
	}
	p99 := percentile(all.latencies, 99)
	r := row{figure: perSecond(m.figure) + ", p99 " + milliseconds(p99), numbers: []float64{m.figure, p99.Seconds()}}
	r.comparedTo("an empty store", m, perSecond)
	r.atLeast(0.7)
	return r, nil
}
