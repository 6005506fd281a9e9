// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// BenchmarkDispatcher is one delivery from a backlog in a real store to a destination that takes it at once.
func BenchmarkDispatcher(b *testing.B) {
	for _, lanes := range []int{1, 16, 1000} {
		b.Run(fmt.Sprint("lanes=", lanes), func(b *testing.B) {
			store := openStore(b)
			name := func(i int) string { return fmt.Sprint("destination-", i%lanes) }
			stock(b, store, b.N, func(i int) []string { return []string{name(i)} })
			d := delivery.NewDispatcher(store, delivery.Options{Observe: quiet{}})
			defer func() { _ = d.Stop(context.Background()) }()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range lanes {
				d.SetLane(delivery.LaneConfig{DestinationID: name(i), Enabled: true, Sender: new(counter), Concurrency: 64})
			}
			until(b, "all deliveries are made", func() bool { return store.Backlog().Open() == 0 })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// idle is a queue in which nothing is due and everything is settled at once.
type idle struct{ delivery.Queue }

func (idle) Claim(context.Context, string, time.Time, int, int) ([]delivery.Job, error) {
	return nil, nil
}
func (idle) NextDue(context.Context, string) (at time.Time, ok bool, err error) { return }
func (idle) Settle(context.Context, delivery.Settlement) error                  { return nil }
func (idle) Release(context.Context, ...delivery.ID) error                      { return nil }
func (idle) DueFallbacks(context.Context, time.Time, int) ([]delivery.Delivery, error) {
	return nil, nil
}

// BenchmarkDispatcherAlone is what a delivery costs besides the store and the sender, from Reserve to settled.
func BenchmarkDispatcherAlone(b *testing.B) {
	d := delivery.NewDispatcher(idle{}, delivery.Options{Observe: quiet{}})
	defer func() { _ = d.Stop(context.Background()) }()
	sender := new(counter)
	d.SetLane(delivery.LaneConfig{DestinationID: "a", Enabled: true, Sender: sender})
	job := delivery.Job{
		Delivery: delivery.Delivery{DestinationID: "a", AlertID: "alert", State: delivery.Pending, Since: time.Now()},
		Alert:    new(alert.Alert), AcceptedAt: time.Now(), Size: 100,
	}
	b.ReportAllocs()
	for b.Loop() {
		for !d.Reserve("a", job.Size, 0) {
			time.Sleep(10 * time.Microsecond)
		}
		d.Deliver(job)
	}
}

// BenchmarkTry is one attempt without its sender.
func BenchmarkTry(b *testing.B) {
	m, log := new(destination.Message), slog.New(slog.DiscardHandler)
	b.ReportAllocs()
	for b.Loop() {
		delivery.Try(context.Background(), new(counter), m, time.Now, log)
	}
}
