// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

// Whatever is opened and settled in whatever order, the oldest is never missed: looks that are cut short may name an
// earlier time, and say the right one after enough of them.
func TestOldestOpen_NeverNamesALaterOne(t *testing.T) {
	t.Parallel()
	for _, steps := range []int{1, 1000} {
		s := open(t, filepath.Join(t.TempDir(), "store.db"))
		s.SetOldestSteps(steps)
		if err := s.CreateDestination(t.Context(), destination.Destination{ID: "one", DisplayName: "one"}); err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, uint64(steps)))
		var owed, failed []delivery.ID
		for n := range 600 {
			switch {
			case random.IntN(3) == 0 || len(owed) == 0:
				a := sample("one")
				binary.BigEndian.PutUint64(a.Record.Key[:], uint64(1_000_000+10*n-random.IntN(30))<<16|0x7000) // not in the order of time
				a.Deliveries[0].ID = delivery.NewID(a.Record.Key, 0)
				if _, err := s.Accept(t.Context(), []intake.Acceptance{a}); err != nil {
					t.Fatal(err)
				}
				owed = append(owed, a.Deliveries[0].ID)
			case random.IntN(10) == 0 && len(failed) > 0:
				at := random.IntN(len(failed))
				if _, err := s.ReplayOne(t.Context(), failed[at], time.Now()); err != nil {
					t.Fatal(err)
				}
				owed, failed = append(owed, failed[at]), slices.Delete(failed, at, at+1)
			default:
				at := random.IntN(min(len(owed), 5))
				end := delivered(owed[at])
				if random.IntN(4) == 0 {
					end.State, end.Reason, failed = delivery.Failed, delivery.Permanent, append(failed, owed[at])
				}
				if err := s.Settle(t.Context(), end); err != nil {
					t.Fatal(err)
				}
				owed = slices.Delete(owed, at, at+1)
			}
			if random.IntN(4) > 0 {
				continue
			}
			got, ok, err := s.OldestOpen(t.Context())
			want, some := lowest(owed)
			if err != nil || ok != some || got.After(want) || steps == 1000 && !got.Equal(want) {
				t.Fatalf("%d steps, round %d: got %v, %v, %v; want %v", steps, n, got, ok, err, want)
			}
		}
		want, _ := lowest(owed)
		for range 300 {
			if got, _, err := s.OldestOpen(t.Context()); err != nil {
				t.Fatal(err)
			} else if got.Equal(want) {
				want = time.Time{}
				break
			}
		}
		if !want.IsZero() {
			t.Errorf("%d steps: %v was not found", steps, want)
		}
	}
}

func lowest(ids []delivery.ID) (time.Time, bool) {
	if len(ids) == 0 {
		return time.Time{}, false
	}
	least := slices.MinFunc(ids, func(a, b delivery.ID) int { return slices.Compare(a[:], b[:]) })
	return time.UnixMilli(int64(binary.BigEndian.Uint64(least[:8]) >> 16)).UTC(), true
}

// BenchmarkOldestOpen is a look at 100,000 deliveries: the first one, at the index of what is open; one over those that
// were settled since the last; and one with nothing settled.
func BenchmarkOldestOpen(b *testing.B) {
	s, _ := benchStore(b)
	ids := fill(b, s, 100_000, "one")
	for _, id := range ids[:1000] { // what is looked over is all that is settled, over and over
		if err := s.Settle(b.Context(), delivered(id)); err != nil {
			b.Fatal(err)
		}
	}
	for name, before := range map[string]func(){
		"first": s.ForgetOldest, "after 1,000 were settled": s.RewindOldest, "unchanged": func() {},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, ok, err := s.OldestOpen(b.Context()); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
