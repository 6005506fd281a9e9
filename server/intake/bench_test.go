// SPDX-License-Identifier: MPL-2.0

package intake_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// nowhere is a log that stores nothing: what is left is the intake's own work.
type nowhere struct{ intake.Log }

func (nowhere) Accept(_ context.Context, batch []intake.Acceptance) ([]intake.Verdict, error) {
	return make([]intake.Verdict, len(batch)), nil
}

// BenchmarkAccept is one alert of 1 KB to three destinations a call, stored and not.
func BenchmarkAccept(b *testing.B) {
	padding := strings.Repeat("x", 850)
	item := func(n int64) intake.Item {
		return parse(b, fmt.Sprintf(`{"alert_id":"%d","type":"RULE","detection":{"id":"d","severity":"HIGH"},"context":{"x":"%s"}}`, n, padding))
	}
	var destinations []route.Destination
	for _, id := range []string{"one", "two", "three"} {
		destinations = append(destinations, route.Destination{ID: id, DisplayName: id, Enabled: true, Severities: []alert.Severity{alert.High}})
	}
	table := route.Compile(destinations, nil)
	alone := intake.New(nowhere{}, lanes{}, func() *route.Table { return table }, intake.Options{
		BacklogLimit: 1, Backlog: func() delivery.Backlog { return delivery.Backlog{} }, Now: time.Now, Observe: lanes{},
	})
	b.Run("not stored", func(b *testing.B) {
		one := []intake.Item{item(0)}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := alone.Accept(b.Context(), one); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("stored", func(b *testing.B) {
		in, _ := newIntake(b)
		items := make([]intake.Item, b.N)
		for i := range items {
			items[i] = item(int64(i))
		}
		var n atomic.Int64
		b.SetParallelism(32)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1) - 1
				if _, err := in.Accept(b.Context(), items[i:i+1]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
