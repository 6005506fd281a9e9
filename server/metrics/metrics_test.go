// SPDX-License-Identifier: MPL-2.0

package metrics_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/metrics"
)

func newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Sources{
		Backlog: func() delivery.Backlog { return delivery.Backlog{} }, Now: time.Now,
		OldestOpen: func(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil },
		Health:     func(string) delivery.Health { return delivery.Health{State: delivery.Healthy} },
	})
}

// A name may pass from one destination to another in either order of the two changes.
func TestMetrics_CountUnderTheNameADestinationHas(t *testing.T) {
	m := newMetrics()
	lane := func(id, name string) delivery.LaneConfig {
		return delivery.LaneConfig{DestinationID: id, DisplayName: name, Type: "webhook", Enabled: true}
	}
	deliver := func(id string) {
		m.Attempted(lane(id, ""), delivery.Attempt{Outcome: destination.OutcomeDelivered}, time.Second)
		m.Settled(lane(id, ""), delivery.Job{}, delivery.Settlement{State: delivery.Delivered})
	}
	want := func(when string, lines ...string) {
		t.Helper()
		if got := counted(t, m); !slices.Equal(got, lines) {
			t.Errorf("%s:\ngot  %q\nwant %q", when, got, lines)
		}
	}
	m.SetLane(lane("a", "On call"))
	want("before anything was tried")
	deliver("a")
	deliver("a")
	want("after two deliveries", "On call/DELIVERED 2", "On call/DELIVERED/ 2")

	m.SetLane(lane("b", "On call"))
	deliver("b")
	m.SetLane(lane("a", "Backup"))
	deliver("a")
	deliver("b")
	want("after the name has passed on", "Backup/DELIVERED 1", "Backup/DELIVERED/ 1", "On call/DELIVERED 1", "On call/DELIVERED/ 1")

	m.RemoveLane("a")
	deliver("a")
	m.Attempted(lane("b", ""), delivery.Attempt{Outcome: destination.OutcomePermanent}, time.Second)
	m.Settled(lane("b", ""), delivery.Job{}, delivery.Settlement{State: delivery.Failed, Reason: delivery.Permanent})
	want("after one was deleted and one failed",
		"/DELIVERED 1", "/DELIVERED/ 1", "On call/DELIVERED 1", "On call/DELIVERED/ 1", "On call/FAILED/PERMANENT 1", "On call/PERMANENT 1")
}

// counted returns what is counted of each destination, sorted: its name, what became of it, and how often.
func counted(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	var found []string
	for line := range strings.Lines(recorder.Body.String()) {
		for prefix, names := range map[string][]string{
			"alertrouter_attempts_total{":           {"destination", "outcome"},
			"alertrouter_deliveries_settled_total{": {"destination", "state", "reason"},
		} {
			if !strings.HasPrefix(line, prefix) {
				continue
			}
			var values []string
			for _, name := range names {
				_, rest, _ := strings.Cut(line, name+`="`)
				value, _, _ := strings.Cut(rest, `"`)
				values = append(values, value)
			}
			found = append(found, strings.Join(values, "/")+line[strings.LastIndex(line, " "):len(line)-1])
		}
	}
	slices.Sort(found)
	return found
}
