// SPDX-License-Identifier: MPL-2.0

// Package metrics counts what the server does, for Prometheus.
//
//	metrics.go       what is counted
//	destinations.go  the destinations there are: their names as labels, and their health
package metrics

import (
	"context"
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
	removed    prometheus.Counter
	attempts   *prometheus.CounterVec
	settled    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	duration   *prometheus.HistogramVec
	commitTime prometheus.Histogram
	commitSize prometheus.Histogram
	raised     *prometheus.CounterVec
	lanes      lanes
}

// Sources are what is asked at each scrape.
type Sources struct {
	Backlog    func() delivery.Backlog
	OldestOpen func(ctx context.Context) (since time.Time, ok bool, err error)
	Health     func(destinationID string) delivery.Health
	Now        func() time.Time
}

// New returns metrics.
func New(from Sources) *Metrics {
	seconds := []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alertrouter_alerts_accepted_total", Help: "Alerts accepted and stored, by routing scenario.",
		}, []string{"scenario"}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alertrouter_alerts_repeated_total", Help: "Alerts that had been accepted before.",
		}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "alertrouter_alerts_removed_total", Help: "Alerts removed because they were older than the retention.",
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
			Name: "alertrouter_store_commit_seconds", Help: "How long it takes to sync the log of what is accepted, and to commit to the database.", Buckets: seconds[:15],
		}),
		raised: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "alertrouter_system_alerts_raised_total", Help: "Alerts raised about the router itself, by kind.",
		}, []string{"kind"}),
		commitSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "alertrouter_store_commit_operations", Help: "How many operations share a sync of the log or a commit to the database.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	m.registry.MustRegister(m.accepted, m.repeated, m.removed, m.attempts, m.settled, m.latency, m.duration, m.commitTime, m.commitSize, m.raised,
		gauge("PENDING", func() float64 { return float64(from.Backlog().Pending) }),
		gauge("RETRYING", func() float64 { return float64(from.Backlog().Retrying) }),
		oldest{from}, &health{lanes: &m.lanes, of: from.Health},
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

// Removed is told how many alerts were removed for their age.
func (m *Metrics) Removed(alerts int) { m.removed.Add(float64(alerts)) }

// Attempted implements delivery.Observer.
func (m *Metrics) Attempted(c delivery.LaneConfig, a delivery.Attempt, sinceAccepted time.Duration) {
	m.lane(c, func(l *lane) {
		l.duration().Observe(a.Duration.Seconds())
		if a.Outcome != destination.OutcomeDelivered {
			m.attempts.WithLabelValues(l.Type, l.DisplayName, string(a.Outcome)).Inc()
			return
		}
		l.delivered().Inc()
		l.latency().Observe(sinceAccepted.Seconds())
	})
}

// Settled implements delivery.Observer.
func (m *Metrics) Settled(c delivery.LaneConfig, _ delivery.Job, s delivery.Settlement) {
	switch {
	case s.State.Open():
	case s.State == delivery.Delivered && s.Reason == "":
		m.lane(c, func(l *lane) { l.settled().Inc() })
	default:
		m.lane(c, func(l *lane) {
			m.settled.WithLabelValues(l.Type, l.DisplayName, string(s.State), string(s.Reason)).Inc()
		})
	}
}

// Unhealthy implements delivery.Observer.
func (m *Metrics) Unhealthy(delivery.LaneConfig, delivery.Job, delivery.Health) {}

// Failed is told how many deliveries were failed because their destination was deleted.
func (m *Metrics) Failed(_ string, deliveries int) {
	m.settled.WithLabelValues("", "", string(delivery.Failed), string(delivery.DestinationDeleted)).Add(float64(deliveries))
}

// Raised is told the kind of each alert raised about the router.
func (m *Metrics) Raised(kind string) { m.raised.WithLabelValues(kind).Inc() }

// Committed is told each commit of the store.
func (m *Metrics) Committed(operations int, took time.Duration) {
	m.commitTime.Observe(took.Seconds())
	m.commitSize.Observe(float64(operations))
}

// oldest is the age of the oldest open delivery, 0 when none is open. It is left out when the store does not tell.
type oldest struct{ from Sources }

// oldestTimeout bounds how long a scrape waits for it.
const oldestTimeout = 5 * time.Second

var oldestDesc = prometheus.NewDesc("alertrouter_deliveries_oldest_open_seconds",
	"How long ago the alert was accepted that has waited the longest for an open delivery; 0 when none is open.", nil, nil)

func (o oldest) Describe(descs chan<- *prometheus.Desc) { descs <- oldestDesc }

func (o oldest) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), oldestTimeout)
	defer cancel()
	since, ok, err := o.from.OldestOpen(ctx)
	if err != nil {
		return
	}
	age := 0.0
	if ok {
		age = max(0, o.from.Now().Sub(since).Seconds())
	}
	metrics <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, age)
}
