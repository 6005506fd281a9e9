// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

func TestSchedule_StaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	s := delivery.DefaultSchedule()
	base := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, time.Hour}
	rapid.Check(t, func(t *rapid.T) {
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		s.Random = func() float64 { return random }
		n := rapid.IntRange(1, len(base)).Draw(t, "attempts")
		now := time.Unix(1_800_000_000, 0)
		since := now.Add(-time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "age")))
		at, ok := s.Next(n, since, now, 0, 0)
		if wait := at.Sub(now); wait < base[n-1]/2 || wait > base[n-1]*3/2 {
			t.Fatalf("after attempt %d: a wait of %s, want %s times 0.5 to 1.5", n, wait, base[n-1])
		}
		if want := at.Sub(since) < 24*time.Hour; ok != want {
			t.Fatalf("tried again at age %s: got %v, want %v", at.Sub(since), ok, want)
		}
		asked := time.Duration(rapid.Int64Range(1, int64(10*time.Hour)).Draw(t, "asked"))
		at, ok = s.Next(n, since, now, asked, 48*time.Hour)
		if wait := at.Sub(now); !ok || wait != min(max(asked, time.Second), time.Hour) {
			t.Fatalf("asked to wait %s: waits %s, want at least a second and at most an hour of it", asked, wait)
		}
	})
}

func TestID_RoundTripsAsText(t *testing.T) {
	t.Parallel()
	id := delivery.NewID(delivery.Key{1, 2, 3, 15: 255}, 513)
	again, err := delivery.ParseID(id.String())
	if err != nil || again != id || again.Number() != 513 || again.Alert() != (delivery.Key{1, 2, 3, 15: 255}) {
		t.Errorf("got %v, %v; want %v", again, err, id)
	}
	for _, bad := range []string{"", "xyz", id.String()[2:], id.String() + "00"} {
		if _, err := delivery.ParseID(bad); err == nil {
			t.Errorf("%q was taken for an id", bad)
		}
	}
}
