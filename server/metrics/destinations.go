// SPDX-License-Identifier: MPL-2.0

package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// lanes are the destinations there are. What is counted of one bears its name as it is now, and vanishes with it: the
// number of series follows the number of destinations. What ends after the deletion, or under an old name, is counted
// where it does not bring those back.
type lanes struct {
	mu   sync.RWMutex // held while counting, so that nothing is counted behind a deletion's back
	byID map[string]*lane
}

// lane is a destination there is. Finding what to count it in costs more than counting, so where most is counted is kept
// from the first time on.
type lane struct {
	delivery.LaneConfig
	delivered, settled func() prometheus.Counter  // attempts and deliveries that ended DELIVERED
	duration, latency  func() prometheus.Observer // of its type
}

func (m *Metrics) newLane(c delivery.LaneConfig) *lane {
	return &lane{
		LaneConfig: delivery.LaneConfig{DestinationID: c.DestinationID, DisplayName: c.DisplayName, Type: c.Type, Enabled: c.Enabled},
		delivered: sync.OnceValue(func() prometheus.Counter {
			return m.attempts.WithLabelValues(c.Type, c.DisplayName, string(destination.OutcomeDelivered))
		}),
		settled: sync.OnceValue(func() prometheus.Counter {
			return m.settled.WithLabelValues(c.Type, c.DisplayName, string(delivery.Delivered), "")
		}),
		duration: sync.OnceValue(func() prometheus.Observer { return m.duration.WithLabelValues(c.Type) }),
		latency:  sync.OnceValue(func() prometheus.Observer { return m.latency.WithLabelValues(c.Type) }),
	}
}

// lane calls count with the destination as it is now; one that is gone has no name.
func (m *Metrics) lane(c delivery.LaneConfig, count func(l *lane)) {
	m.lanes.mu.RLock()
	defer m.lanes.mu.RUnlock()
	l, ok := m.lanes.byID[c.DestinationID]
	if !ok {
		l = m.newLane(delivery.LaneConfig{Type: c.Type})
	}
	count(l)
}

// SetLane is told of each destination and each change to one.
func (m *Metrics) SetLane(c delivery.LaneConfig) {
	m.lanes.mu.Lock()
	defer m.lanes.mu.Unlock()
	if old, ok := m.lanes.byID[c.DestinationID]; ok && old.DisplayName != c.DisplayName {
		m.forget(old.LaneConfig)
	}
	if m.lanes.byID == nil {
		m.lanes.byID = map[string]*lane{}
	}
	m.lanes.byID[c.DestinationID] = m.newLane(c)
}

// RemoveLane is told that a destination was deleted.
func (m *Metrics) RemoveLane(destinationID string) {
	m.lanes.mu.Lock()
	defer m.lanes.mu.Unlock()
	if old, ok := m.lanes.byID[destinationID]; ok {
		delete(m.lanes.byID, destinationID)
		m.forget(old.LaneConfig)
	}
}

// forget removes what was counted under a name. Whoever bears it by now must not go on counting in what was removed.
func (m *Metrics) forget(c delivery.LaneConfig) {
	labels := prometheus.Labels{"type": c.Type, "destination": c.DisplayName}
	m.attempts.DeletePartialMatch(labels)
	m.settled.DeletePartialMatch(labels)
	for id, l := range m.lanes.byID {
		if l.DisplayName == c.DisplayName {
			m.lanes.byID[id] = m.newLane(l.LaneConfig)
		}
	}
}

// health reports how the destinations are, each by itself and counted.
type health struct {
	lanes *lanes
	of    func(destinationID string) delivery.Health
}

var (
	healthDesc = prometheus.NewDesc("alertrouter_destination_health",
		"How the last attempts of an enabled destination went: 0 not tried since the start, 1 healthy, 2 degraded, 3 unhealthy.",
		[]string{"type", "destination"}, nil)
	countDesc = prometheus.NewDesc("alertrouter_destinations",
		"Destinations, each with a lane of its own, by health or as DISABLED.",
		[]string{"health"}, nil)
)

// disabled stands among the states of health.
const disabled = "DISABLED"

func (h *health) Describe(descs chan<- *prometheus.Desc) {
	descs <- healthDesc
	descs <- countDesc
}

func (h *health) Collect(metrics chan<- prometheus.Metric) {
	states := []delivery.HealthState{delivery.HealthUnknown, delivery.Healthy, delivery.Degraded, delivery.Unhealthy}
	numbers := map[delivery.HealthState]float64{}
	counts := map[delivery.HealthState]float64{disabled: 0}
	for i, s := range states {
		numbers[s], counts[s] = float64(i), 0
	}
	for _, c := range h.all() {
		if !c.Enabled {
			counts[disabled]++
			continue
		}
		state := h.of(c.DestinationID).State
		counts[state]++
		metrics <- prometheus.MustNewConstMetric(healthDesc, prometheus.GaugeValue, numbers[state], c.Type, c.DisplayName)
	}
	for state, n := range counts {
		metrics <- prometheus.MustNewConstMetric(countDesc, prometheus.GaugeValue, n, string(state))
	}
}

func (h *health) all() []delivery.LaneConfig {
	h.lanes.mu.RLock()
	defer h.lanes.mu.RUnlock()
	list := make([]delivery.LaneConfig, 0, len(h.lanes.byID))
	for _, l := range h.lanes.byID {
		list = append(list, l.LaneConfig)
	}
	return list
}
