// SPDX-License-Identifier: MPL-2.0

// Package metrics counts what the server does, for Prometheus.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Metrics observes the intake, the dispatcher and the store. It is safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	accepted   *prometheus.CounterVec
	repeated   prometheus.Counter
	attempts   *prometheus.CounterVec
	settled    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	duration   *prometheus.HistogramVec
	commitTime prometheus.Histogram
	commitSize prometheus.Histogram
}

// New returns metrics; backlog is asked at each scrape.
func New(backlog func() delivery.Backlog) *Metrics {
	seconds := []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alertrouter_alerts_accepted_total", Help: "Alerts accepted and stored, by routing scenario.",
		}, []string{"scenario"}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alertrouter_alerts_repeated_total", Help: "Alerts that had been accepted before.",
		}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alertrouter_attempts_total", Help: "Attempts at deliveries, by outcome.",
		}, []string{"type", "destination", "outcome"}),
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alertrouter_deliveries_settled_total", Help: "Deliveries that ended, by state and reason.",
		}, []string{"type", "destination", "state", "reason"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alertrouter_delivery_latency_seconds", Help: "From acceptance of an alert to its delivery.", Buckets: seconds,
		}, []string{"type"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alertrouter_attempt_duration_seconds", Help: "How long attempts take.", Buckets: seconds[:17],
		}, []string{"type"}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "alertrouter_store_commit_seconds", Help: "How long store commits take, the sync to disk included.", Buckets: seconds[:15],
		}),
		commitSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "alertrouter_store_commit_operations", Help: "How many operations share a store commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	m.registry.MustRegister(m.accepted, m.repeated, m.attempts, m.settled, m.latency, m.duration, m.commitTime, m.commitSize,
		gauge("PENDING", func() float64 { return float64(backlog().Pending) }),
		gauge("RETRYING", func() float64 { return float64(backlog().Retrying) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func gauge(state string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "alertrouter_deliveries_open", Help: "Deliveries that are owed, by state.", ConstLabels: prometheus.Labels{"state": state},
	}, value)
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Accepted implements intake.Observer.
func (m *Metrics) Accepted(s route.Scenario) { m.accepted.WithLabelValues(string(s)).Inc() }

// Repeated implements intake.Observer.
func (m *Metrics) Repeated() { m.repeated.Inc() }

// Attempted implements delivery.Observer.
func (m *Metrics) Attempted(lane delivery.LaneConfig, a delivery.Attempt, sinceAccepted time.Duration) {
	m.attempts.WithLabelValues(lane.Type, lane.DisplayName, string(a.Outcome)).Inc()
	m.duration.WithLabelValues(lane.Type).Observe(a.Duration.Seconds())
	if a.Outcome == destination.OutcomeDelivered {
		m.latency.WithLabelValues(lane.Type).Observe(sinceAccepted.Seconds())
	}
}

// Settled implements delivery.Observer.
func (m *Metrics) Settled(lane delivery.LaneConfig, _ delivery.Job, s delivery.Settlement) {
	if !s.State.Open() {
		m.settled.WithLabelValues(lane.Type, lane.DisplayName, string(s.State), string(s.Reason)).Inc()
	}
}

// Unhealthy implements delivery.Observer.
func (m *Metrics) Unhealthy(delivery.LaneConfig, delivery.Job, delivery.Health) {}

// Failed is told how many deliveries were failed because their destination, by then only an id, was deleted.
func (m *Metrics) Failed(destinationID string, deliveries int) {
	m.settled.WithLabelValues("", destinationID, string(delivery.Failed), string(delivery.DestinationDeleted)).Add(float64(deliveries))
}

// Committed is told each commit of the store.
func (m *Metrics) Committed(operations int, took time.Duration) {
	m.commitTime.Observe(took.Seconds())
	m.commitSize.Observe(float64(operations))
}
