// SPDX-License-Identifier: MPL-2.0

package metrics_test

import (
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/metrics"
)

// BenchmarkDelivery is what is counted of one delivery at its first attempt, alone and from every processor.
func BenchmarkDelivery(b *testing.B) {
	m := metrics.New(metrics.Sources{})
	lane := delivery.LaneConfig{DestinationID: "a", DisplayName: "On call", Type: "webhook", Enabled: true}
	m.SetLane(lane)
	one := func() {
		m.Attempted(lane, delivery.Attempt{Outcome: destination.OutcomeDelivered, Duration: time.Millisecond}, time.Second)
		m.Settled(lane, delivery.Job{}, delivery.Settlement{State: delivery.Delivered})
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			one()
		}
	})
	b.Run("together", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one()
			}
		})
	})
}
