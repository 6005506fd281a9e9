// SPDX-License-Identifier: MPL-2.0

package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// lanes are the destinations there are. What is counted of one bears its name as it is now, and vanishes with it: the
// number of series follows the number of destinations. What ends after the deletion, or under an old name, is counted
// where it does not bring those back.
type lanes struct {
	mu   sync.RWMutex // held while counting, so that nothing is counted behind a deletion's back
	byID map[string]delivery.LaneConfig
}

// count calls add with the type and the name to count under; the name is "" for a destination that is gone.
func (l *lanes) count(lane delivery.LaneConfig, add func(kind, name string)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	add(lane.Type, l.byID[lane.DestinationID].DisplayName)
}

// SetLane is told of each destination and each change to one.
func (m *Metrics) SetLane(c delivery.LaneConfig) {
	m.lanes.mu.Lock()
	defer m.lanes.mu.Unlock()
	if old, ok := m.lanes.byID[c.DestinationID]; ok && old.DisplayName != c.DisplayName {
		m.forget(old)
	}
	if m.lanes.byID == nil {
		m.lanes.byID = map[string]delivery.LaneConfig{}
	}
	m.lanes.byID[c.DestinationID] = delivery.LaneConfig{
		DestinationID: c.DestinationID, DisplayName: c.DisplayName, Type: c.Type, Enabled: c.Enabled,
	}
}

// RemoveLane is told that a destination was deleted.
func (m *Metrics) RemoveLane(destinationID string) {
	m.lanes.mu.Lock()
	defer m.lanes.mu.Unlock()
	if old, ok := m.lanes.byID[destinationID]; ok {
		delete(m.lanes.byID, destinationID)
		m.forget(old)
	}
}

func (m *Metrics) forget(c delivery.LaneConfig) {
	labels := prometheus.Labels{"type": c.Type, "destination": c.DisplayName}
	m.attempts.DeletePartialMatch(labels)
	m.settled.DeletePartialMatch(labels)
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
	for _, c := range h.lanes.byID {
		list = append(list, c)
	}
	return list
}
