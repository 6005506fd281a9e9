// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// counter is a destination that takes everything at once.
type counter struct{ n atomic.Int64 }

func (*counter) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (c *counter) Send(context.Context, *destination.Message) (destination.Receipt, error) {
	c.n.Add(1)
	return destination.Receipt{StatusCode: 200}, nil
}

// stock puts n alerts into a store, the i-th with deliveries to the destinations that to names.
func stock(t testing.TB, store *bolt.Store, n int, to func(i int) []string) {
	t.Helper()
	now := time.Now()
	const batch = 500
	for from := 0; from < n; from += batch {
		var list []intake.Acceptance
		for i := from; i < min(n, from+batch); i++ {
			body := []byte(plainAlert)
			r := intake.Record{
				Key: delivery.Key(uuid.Must(uuid.NewV7())), AcceptedAt: now, Body: body, Digest: intake.DigestOf(body),
				Route: route.Route{Severity: alert.High},
			}
			r.AlertID = uuid.UUID(r.Key).String()
			a := intake.Acceptance{Record: r}
			for j, id := range to(i) {
				a.Deliveries = append(a.Deliveries, delivery.Delivery{
					ID: delivery.NewID(r.Key, uint16(j)), AlertID: r.AlertID, DestinationID: id, State: delivery.Pending,
					Cause: delivery.ByRoute, CreatedAt: now, Since: now, NextAttemptAt: now,
				})
			}
			a.Claimed = make([]bool, len(a.Deliveries))
			list = append(list, a)
		}
		if _, err := store.Accept(context.Background(), list); err != nil {
			t.Fatal(err)
		}
	}
}

func openStore(t testing.TB) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// until waits for real work to be done.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not after ten minutes: %s", what)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// Ten thousand destinations start with a backlog each, and then idle.
func TestDispatcher_ServesTenThousandLanes(t *testing.T) {
	lanes, deliveries := 10_000, 20_000
	if testing.Short() {
		lanes, deliveries = 500, 1000
	}
	store := openStore(t)
	name := func(i int) string { return fmt.Sprintf("destination-%05d", i%lanes) }
	stock(t, store, deliveries/10, func(i int) (to []string) {
		for j := range 10 {
			to = append(to, name(10*i+j))
		}
		return to
	})
	d := delivery.NewDispatcher(store, delivery.Options{Observe: quiet{}})
	defer func() { _ = d.Stop(context.Background()) }()
	senders := make([]counter, lanes)
	before, start := heap(), time.Now()
	for i := range senders {
		d.SetLane(delivery.LaneConfig{DestinationID: name(i), DisplayName: name(i), Type: "test", Enabled: true, Sender: &senders[i]})
	}
	set := time.Since(start)
	until(t, "all deliveries are made", func() bool { return store.Backlog().Open() == 0 })
	took := time.Since(start)
	for i := range senders {
		if got := senders[i].n.Load(); int(got) != deliveries/lanes {
			t.Errorf("%s got %d, want %d", name(i), got, deliveries/lanes)
		}
	}
	perLane := (int64(heap()) - int64(before)) / int64(lanes)
	t.Logf("lanes set within %s, all delivered within %s; %d bytes an idle lane", set, took, perLane)
	if !testing.Short() && perLane > 4<<10 { // few lanes tell nothing about one
		t.Errorf("an idle lane takes %d bytes, want at most 4 KiB", perLane)
	}
}

// A destination with a long backlog takes nothing from its neighbours.
func TestDispatcher_AHotLaneDelaysNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		hot := &receiver{respond: func(context.Context, int) error { time.Sleep(10 * time.Millisecond); return nil }}
		stock(t, w.store, 2500, func(int) []string { return []string{"hot"} })
		w.connect("hot", hot)
		quick := &receiver{}
		w.connect("quick", quick)
		for i := range 20 {
			time.Sleep(100 * time.Millisecond)
			start := time.Now()
			w.promise(plainAlert, "quick")
			for len(quick.made()) == i {
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(start); took > time.Millisecond {
				t.Errorf("a delivery took %s beside a hot lane", took)
			}
		}
		if n := len(hot.made()); n < 1500 || n == 2500 {
			t.Errorf("the hot lane made %d of 2500 attempts in 2s, want 800 a second", n)
		}
		time.Sleep(10 * time.Second)
		if n := len(hot.made()); n != 2500 || hot.peak() != 8 {
			t.Errorf("the hot lane made %d of 2500 attempts, %d at once; want all, 8 at once", n, hot.peak())
		}
	})
}

// What expires behind an open breaker is given up without being held in memory.
func TestDispatcher_GivesUpALongBacklogBehindABreaker(t *testing.T) {
	inBubble(t, func(w *world) {
		const n = 1500
		r, _ := broken(errDown)
		stock(t, w.store, n, func(int) []string { return []string{"a"} })
		w.connect("a", r, func(c *delivery.LaneConfig) { c.MaxAge = time.Hour })
		time.Sleep(time.Hour - time.Second)
		if open := w.store.Backlog().Open(); open != n {
			t.Errorf("%d are open before the maximum age, want %d", open, n)
		}
		time.Sleep(time.Minute)
		if open := w.store.Backlog().Open(); open != 0 {
			t.Errorf("%d are still open a minute after the maximum age", open)
		}
		if tries := len(r.made()); tries > 150 {
			t.Errorf("%d attempts, want about one each 30s", tries)
		}
	}, func(o *delivery.Options) { o.MemoryBytes = 5000 })
}
