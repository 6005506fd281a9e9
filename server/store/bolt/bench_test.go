// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// BenchmarkAccept is one alert of 1 KB with one delivery a call.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s, commits := benchStore(b)
			inParallel(b, callers, func(int) error {
				_, err := s.Accept(b.Context(), []intake.Acceptance{sample("one")})
				return err
			})
			b.ReportMetric(float64(b.N)/float64(commits.Load()), "ops/commit")
		})
	}
}

// BenchmarkAcceptBatch is 500 alerts a call, from four callers.
func BenchmarkAcceptBatch(b *testing.B) {
	s, _ := benchStore(b)
	inParallel(b, 4, func(int) error {
		batch := make([]intake.Acceptance, 500)
		for i := range batch {
			batch[i] = sample("one")
		}
		_, err := s.Accept(b.Context(), batch)
		return err
	})
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "alerts/s")
}

// BenchmarkSettle is one DELIVERED attempt a call.
func BenchmarkSettle(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s, _ := benchStore(b)
			ids := fill(b, s, b.N, "one")
			inParallel(b, callers, func(n int) error { return s.Settle(b.Context(), delivered(ids[n])) })
		})
	}
}

// BenchmarkAcceptAndSettle is the fast path: an alert accepted as claimed, and settled.
func BenchmarkAcceptAndSettle(b *testing.B) {
	s, _ := benchStore(b)
	inParallel(b, 64, func(int) error {
		a := sample("one")
		a.Claimed = []bool{true}
		if _, err := s.Accept(b.Context(), []intake.Acceptance{a}); err != nil {
			return err
		}
		return s.Settle(b.Context(), delivered(a.Deliveries[0].ID))
	})
}

// BenchmarkClaim is a claim of eight, with its release, while 1,000 others are claimed.
func BenchmarkClaim(b *testing.B) {
	s, _ := benchStore(b)
	fill(b, s, 20_000, "one")
	if jobs, err := s.Claim(b.Context(), "one", time.Now(), 1000, plenty); err != nil || len(jobs) != 1000 {
		b.Fatalf("got %d jobs, %v", len(jobs), err)
	}
	b.ReportAllocs()
	for b.Loop() {
		jobs, err := s.Claim(b.Context(), "one", time.Now(), 8, plenty)
		if err != nil || len(jobs) != 8 {
			b.Fatalf("got %d jobs, %v", len(jobs), err)
		}
		for i := range jobs {
			if err := s.Release(b.Context(), jobs[i].Delivery.ID); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchStore(b *testing.B) (*bolt.Store, *atomic.Int64) {
	b.Helper()
	commits := new(atomic.Int64)
	s, err := bolt.Open(filepath.Join(b.TempDir(), "store.db"), bolt.Options{
		OnCommit: func(int, time.Duration) { commits.Add(1) },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s, commits
}

// inParallel shares b.N calls among callers.
func inParallel(b *testing.B, callers int, call func(n int) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := call(int(n - 1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// fill stores n alerts with a delivery each.
func fill(tb testing.TB, s *bolt.Store, n int, to string) []delivery.ID {
	tb.Helper()
	ids := make([]delivery.ID, 0, n)
	for len(ids) < n {
		batch := make([]intake.Acceptance, 0, 1000)
		for len(batch) < cap(batch) && len(ids) < n {
			a := sample(to)
			batch, ids = append(batch, a), append(ids, a.Deliveries[0].ID)
		}
		if _, err := s.Accept(tb.Context(), batch); err != nil {
			tb.Fatal(err)
		}
	}
	return ids
}

var (
	samples atomic.Uint64
	padding = bytes.Repeat([]byte("x"), 850)
)

// sample returns an alert of 1 KB with a delivery that is due. Its id is as good as random.
func sample(to string) intake.Acceptance {
	now, n := time.Now().UTC(), samples.Add(1)
	var key delivery.Key
	binary.BigEndian.PutUint64(key[:], uint64(now.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(key[8:], 1<<63|n)
	id := fmt.Sprintf("%016x-%016x", n*0x9e3779b97f4a7c15, n)
	body := fmt.Appendf(nil, `{"alert_id":%q,"type":"RULE","detection":{"id":"Sample","severity":"LOW"},"context":{"x":"%s"}}`, id, padding)
	return intake.Acceptance{
		Record: intake.Record{
			Key: key, AlertID: id, AcceptedAt: now, Body: body, Digest: intake.DigestOf(body),
			Route: route.Route{
				Scenario: route.StaticSeverity, Severity: alert.Low, Warnings: []route.Warning{},
				Destinations: []route.Chosen{{ID: to, DisplayName: "On call", Type: "slack"}},
			},
		},
		Deliveries: []delivery.Delivery{{
			ID: delivery.NewID(key, 0), AlertID: id, DestinationID: to, State: delivery.Pending, Cause: delivery.ByRoute,
			CreatedAt: now, Since: now, NextAttemptAt: now,
		}},
	}
}

func delivered(id delivery.ID) delivery.Settlement {
	return delivery.Settlement{ID: id, State: delivery.Delivered, Attempt: delivery.Attempt{
		At: time.Now(), Duration: time.Millisecond, Outcome: destination.OutcomeDelivered, StatusCode: 200, Message: "ok",
	}}
}
