// SPDX-License-Identifier: MPL-2.0

package retention_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/retention"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// BenchmarkAccept is how long an acceptance takes at a steady rate for 20 seconds, alone and while old alerts are
// removed. Once is enough: -benchtime 1x.
func BenchmarkAccept(b *testing.B) {
	const old, rate = 100_000, 500
	for _, removing := range []bool{false, true} {
		b.Run(fmt.Sprint("removing=", removing), func(b *testing.B) {
			s, err := bolt.Open(filepath.Join(b.TempDir(), "store.db"), bolt.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for range old / 1000 {
				batch := make([]intake.Acceptance, 1000)
				for i := range batch {
					batch[i] = sample(time.Now().Add(-keep - time.Hour))
				}
				if _, err := s.Accept(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := s.Accept(b.Context(), []intake.Acceptance{sample(time.Now())}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var removed atomic.Int64
				done := time.After(20 * time.Second)
				if removing {
					w := retention.New(s, retention.Options{Keep: keep, Now: time.Now, Log: slog.New(slog.DiscardHandler), Removed: func(n int) {
						removed.Add(int64(n))
					}})
					defer func() { _ = w.Stop(b.Context()) }()
				}
				report(b, steadily(b, s, rate, done))
				b.ReportMetric(float64(removed.Load()), "removed")
			}
		})
	}
}

// steadily accepts an alert at each tick until done, and returns how long each took from its tick on.
func steadily(b *testing.B, s *bolt.Store, rate int, done <-chan time.Time) []time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	defer all.Wait()
	began := time.Now()
	for n := 0; ; n++ {
		at := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(at))
		select {
		case <-done:
			all.Wait()
			return took
		default:
		}
		all.Go(func() {
			_, err := s.Accept(b.Context(), []intake.Acceptance{sample(time.Now())})
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(at))
		})
	}
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	b.ReportMetric(at(.5), "p50-ms")
	b.ReportMetric(at(.99), "p99-ms")
	b.ReportMetric(at(.999), "p99.9-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(float64(len(took)), "accepted")
}

var samples atomic.Uint64

// sample returns an alert of 1 KB, accepted at a time and delivered.
func sample(at time.Time) intake.Acceptance {
	n := samples.Add(1)
	var key delivery.Key
	binary.BigEndian.PutUint64(key[:], uint64(at.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(key[8:], 1<<63|n)
	id := fmt.Sprintf("%016x-%016x", n*0x9e3779b97f4a7c15, n)
	body := fmt.Appendf(nil, `{"alert_id":%q,"type":"RULE","detection":{"id":"Sample","severity":"LOW"},"context":{"x":"%0850d"}}`, id, n)
	return intake.Acceptance{
		Record: intake.Record{
			Key: key, AlertID: id, AcceptedAt: at.UTC(), Body: body, Digest: intake.DigestOf(body),
			Route: route.Route{Scenario: route.StaticSeverity, Severity: alert.Low},
		},
		Deliveries: []delivery.Delivery{{
			ID: delivery.NewID(key, 0), AlertID: id, DestinationID: "one", State: delivery.Delivered, Cause: delivery.ByRoute,
			CreatedAt: at, Since: at, SettledAt: at,
		}},
	}
}
