// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// BenchmarkEncode is what is written of an alert of 1 KB, by how many destinations it goes to, and of a settlement.
func BenchmarkEncode(b *testing.B) {
	now := time.Now()
	for name, n := range map[string]int{"acceptance to 0": 0, "acceptance to 1": 1, "acceptance to 5": 5} {
		one := intake.Acceptance{Record: intake.Record{
			AlertID: "0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6b", AcceptedAt: now, Body: make([]byte, 1024),
			Route: route.Route{Scenario: route.StaticSeverity, Severity: alert.Low, Warnings: []route.Warning{}, Destinations: []route.Chosen{}},
		}}
		for i := range n {
			id := "0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6c"
			one.Record.Route.Destinations = append(one.Record.Route.Destinations, route.Chosen{ID: id, DisplayName: "On call", Type: "slack"})
			one.Deliveries = append(one.Deliveries, delivery.Delivery{
				ID: delivery.NewID(one.Record.Key, uint16(i)), AlertID: one.Record.AlertID, DestinationID: id, State: delivery.Pending,
				Cause: delivery.ByRoute, CreatedAt: now, Since: now, NextAttemptAt: now,
			})
		}
		batch := []intake.Acceptance{one}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encodeAcceptances(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("settlement", func(b *testing.B) {
		s := delivery.Settlement{State: delivery.Delivered, Attempt: delivery.Attempt{
			At: now, Duration: time.Millisecond, Outcome: destination.OutcomeDelivered, StatusCode: 200, Message: "ok",
		}}
		b.ReportAllocs()
		for b.Loop() {
			encodeSettlement(&s)
		}
	})
}
