// SPDX-License-Identifier: MPL-2.0

package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/watch"
)

// world is a watch over a real bolt file and a real intake, in virtual time. What the intake accepted can be read from
// the store; nothing is delivered.
type world struct {
	*watch.Watch
	t      *testing.T
	store  *bolt.Store
	table  *route.Table
	full   bool // the backlog is
	broken atomic.Pointer[error]
	raised sync.Map // kind -> *atomic.Int64

	mu     sync.Mutex
	fail   error // what Accept returns
	stores bool  // although it stored
	hold   chan struct{}
}

// inBubble runs a test with destinations "one" to "three", which take every SYSTEM_ERROR.
func inBubble(t *testing.T, test func(w *world)) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, store: store, table: table("one", "two", "three")}
		w.start()
		test(w)
		if err := errors.Join(w.Stop(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func table(names ...string) *route.Table {
	var list []route.Destination
	for _, n := range names {
		list = append(list, route.Destination{ID: n, DisplayName: n, Type: "webhook", Enabled: true})
	}
	return route.Compile(list, nil)
}

func (w *world) start() {
	w.Watch = watch.New(log{w.store, w}, watch.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Raised: func(kind string) {
		n, _ := w.raised.LoadOrStore(kind, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
	}})
	w.Start(w)
}

func (w *world) restart() {
	w.t.Helper()
	if err := w.Stop(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// log is the store, whose Check can be told what to answer.
type log struct {
	*bolt.Store
	w *world
}

func (l log) Check(ctx context.Context) error {
	if err := l.w.broken.Load(); err != nil {
		return *err
	}
	return l.Store.Check(ctx)
}

// lanes take nothing: what is promised waits in the store.
type lanes struct{}

func (lanes) Reserve(string, int, time.Duration) bool { return false }
func (lanes) Unreserve(string, int)                   {}
func (lanes) Deliver(delivery.Job)                    {}
func (lanes) Wake(string)                             {}
func (lanes) Accepted(s route.Scenario)               {}
func (lanes) Repeated()                               {}

func (w *world) Accept(ctx context.Context, items []intake.Item) ([]intake.Result, error) {
	w.mu.Lock()
	fail, stores, hold := w.fail, w.stores, w.hold
	w.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if fail != nil && !stores {
		return nil, fail
	}
	backlog := func() delivery.Backlog { return delivery.Backlog{} }
	if w.full {
		backlog = func() delivery.Backlog { return delivery.Backlog{Pending: 1 << 40} }
	}
	results, err := intake.New(w.store, lanes{}, func() *route.Table { return w.table }, intake.Options{
		BacklogLimit: 1 << 30, Backlog: backlog, Now: time.Now, Observe: lanes{},
	}).Accept(ctx, items)
	if fail != nil {
		return nil, fail
	}
	return results, err
}

func (w *world) failing(err error, stores bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail, w.stores = err, stores
}

// alerts returns what was raised of a kind, oldest first.
func (w *world) alerts(kind string) []raised {
	w.t.Helper()
	synctest.Wait()
	var list []raised
	cursor := ""
	for more := true; more; more = cursor != "" {
		var page []intake.Listed
		var err error
		page, cursor, err = w.store.Alerts(w.t.Context(), intake.Filter{DetectionID: kind}, cursor, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, l := range page {
			record, deliveries, err := w.store.Alert(w.t.Context(), l.Record.AlertID)
			if err != nil {
				w.t.Fatal(err)
			}
			r := raised{Alert: l.Alert, scenario: record.Route.Scenario, severity: record.Route.Severity}
			var body struct{ Context map[string]any }
			if err := json.Unmarshal(record.Body, &body); err != nil {
				w.t.Fatal(err)
			}
			r.context = body.Context
			for _, d := range deliveries {
				r.to = append(r.to, d.DestinationID)
			}
			list = append(list, r)
		}
	}
	slices.Reverse(list)
	return list
}

type raised struct {
	*alert.Alert
	scenario route.Scenario
	severity alert.Severity
	context  map[string]any
	to       []string
}

func (w *world) wantAlerts(kind string, want int) []raised {
	w.t.Helper()
	got := w.alerts(kind)
	if len(got) != want {
		w.t.Fatalf("got %d %s alerts, want %d", len(got), kind, want)
	}
	return got
}

func lane(id string) delivery.LaneConfig {
	return delivery.LaneConfig{DestinationID: id, DisplayName: "The <" + id + ">", Type: "webhook"}
}

// gaveUp has a delivery to a destination end FAILED.
func (w *world) gaveUp(to, alertID string, change ...func(*delivery.Job, *delivery.Settlement)) {
	job := delivery.Job{
		Alert:    &alert.Alert{ID: alertID, Type: alert.Rule, Detection: alert.Detection{ID: "d"}},
		Delivery: delivery.Delivery{ID: delivery.NewID(delivery.Key{1}, 2), AlertID: alertID, DestinationID: to, Attempts: make([]delivery.Attempt, 3)},
	}
	s := delivery.Settlement{ID: job.Delivery.ID, State: delivery.Failed, Reason: delivery.Permanent, Attempt: delivery.Attempt{
		At: time.Now(), Outcome: destination.OutcomePermanent, StatusCode: 410, Message: "gone \"for\" good",
	}}
	for _, edit := range change {
		edit(&job, &s)
	}
	w.Settled(lane(to), job, s)
}

func TestWatch_SaysWhatFailed(t *testing.T) {
	inBubble(t, func(w *world) {
		w.gaveUp("two", "a-1")
		got := w.wantAlerts(alert.DeliveryFailed, 1)[0]
		want := map[string]any{
			"destination_id": "two", "destination_name": "The <two>", "destination_type": "webhook",
			"delivery_id": delivery.NewID(delivery.Key{1}, 2).String(), "alert_id": "a-1", "reason": "PERMANENT",
			"error": "gone \"for\" good", "status_code": 410.0, "attempts": 4.0, "more_failed": 0.0,
		}
		for name, v := range want {
			if got.context[name] != v {
				t.Errorf("context.%s is %v, want %v", name, got.context[name], v)
			}
		}
		if len(got.context) != len(want) {
			t.Errorf("the context is %v", got.context)
		}
		if got.Type != alert.SystemError || got.scenario != route.System || got.severity != alert.Critical ||
			got.Title() != `An alert could not be delivered to "The <two>"` || got.Subject() != "two" {
			t.Errorf("got %+v as %s %s", got.Alert, got.scenario, got.severity)
		}
		if !slices.Equal(got.to, []string{"one", "three"}) {
			t.Errorf("it goes to %v, want to all but its subject", got.to)
		}
	})
}

func TestWatch_SaysWhyADeliveryExpired(t *testing.T) {
	inBubble(t, func(w *world) {
		w.gaveUp("two", "a-1", func(job *delivery.Job, s *delivery.Settlement) {
			job.Delivery.Attempts[2] = delivery.Attempt{At: time.Now(), StatusCode: 503, Message: "come back"}
			job.Delivery.AttemptsDropped = 7
			s.Reason, s.Attempt = delivery.Expired, delivery.Attempt{}
		})
		got := w.wantAlerts(alert.DeliveryFailed, 1)[0]
		if got.context["error"] != "come back" || got.context["status_code"] != 503.0 || got.context["attempts"] != 10.0 || got.context["reason"] != "EXPIRED" {
			t.Errorf("got %v", got.context)
		}
	})
}

func TestWatch_SaysWhatIsUnhealthy(t *testing.T) {
	inBubble(t, func(w *world) {
		at := time.Now().UTC()
		w.Unhealthy(lane("two"), delivery.Job{Alert: &alert.Alert{Type: alert.Rule}}, delivery.Health{
			State: delivery.Unhealthy, Failures: 12, LastError: "bad\xff gateway", LastFailure: at, ProbeAt: at.Add(time.Minute),
		})
		got := w.wantAlerts(alert.DestinationUnhealthy, 1)[0]
		want := map[string]any{
			"destination_id": "two", "destination_name": "The <two>", "destination_type": "webhook", "failures": 12.0,
			"error": "bad\uFFFD gateway", "last_failure": at.Format(time.RFC3339Nano), "probe_at": at.Add(time.Minute).Format(time.RFC3339Nano),
		}
		if fmt.Sprint(got.context) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got.context, want)
		}
		if !slices.Equal(got.to, []string{"one", "three"}) {
			t.Errorf("it goes to %v, want to all but its subject", got.to)
		}
	})
}

func TestWatch_RaisesOneAnHourForEachKindAndDestination(t *testing.T) {
	inBubble(t, func(w *world) {
		for minute := range 60 {
			for range 10 {
				w.gaveUp("two", "a-"+fmt.Sprint(minute))
				w.gaveUp("three", "b")
				w.Unhealthy(lane("two"), delivery.Job{Alert: &alert.Alert{Type: alert.Rule}}, delivery.Health{Failures: 9, LastError: "down"})
			}
			if minute == 30 {
				w.restart()
			}
			time.Sleep(time.Minute - time.Second)
		}
		if got := w.wantAlerts(alert.DeliveryFailed, 2); got[0].Dedup == got[1].Dedup {
			t.Errorf("both are about %s", got[0].Dedup)
		}
		w.wantAlerts(alert.DestinationUnhealthy, 1)

		// What was held back is told when the hour is over, although nothing fails any more.
		time.Sleep(2 * time.Minute)
		got := w.wantAlerts(alert.DeliveryFailed, 4)
		if n := got[2].context["more_failed"]; n != 289.0 { // since the restart, ten a minute
			t.Errorf("the next one counts %v more, want 289", n)
		}
		w.wantAlerts(alert.DestinationUnhealthy, 1)
		time.Sleep(3 * time.Hour)
		w.wantAlerts(alert.DeliveryFailed, 4)

		// What is no longer so is not told late, but told when it is seen again.
		w.Unhealthy(lane("two"), delivery.Job{Alert: &alert.Alert{Type: alert.Rule}}, delivery.Health{Failures: 10})
		w.wantAlerts(alert.DestinationUnhealthy, 2)
	})
}

func TestWatch_RaisesNothingOfItsOwnAlerts(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, kind := range []string{alert.DeliveryFailed, alert.DestinationUnhealthy, alert.StoreDegraded} {
			own := func(job *delivery.Job, _ *delivery.Settlement) {
				job.Alert.Type, job.Alert.Detection.ID = alert.SystemError, kind
			}
			w.gaveUp("two", "a", own)
			job := delivery.Job{Alert: &alert.Alert{}}
			own(&job, nil)
			w.Unhealthy(lane("two"), job, delivery.Health{})
		}
		w.gaveUp("two", "a", func(_ *delivery.Job, s *delivery.Settlement) { s.Reason = delivery.DestinationDeleted })
		w.gaveUp("two", "a", func(_ *delivery.Job, s *delivery.Settlement) { s.State = delivery.Retrying })
		w.gaveUp("two", "a", func(_ *delivery.Job, s *delivery.Settlement) { s.State = delivery.Delivered })
		w.wantAlerts(alert.DeliveryFailed, 0)
		w.wantAlerts(alert.DestinationUnhealthy, 0)
		w.gaveUp("two", "a", func(job *delivery.Job, _ *delivery.Settlement) { // another's SYSTEM_ERROR
			job.Alert.Type = alert.SystemError
		})
		w.wantAlerts(alert.DeliveryFailed, 1)
	})
}

func TestWatch_OwesAnAlertUntilItIsAccepted(t *testing.T) {
	for name, stores := range map[string]bool{"refused": false, "stored, and the answer lost": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.failing(errors.New("no"), stores)
				w.gaveUp("two", "first")
				time.Sleep(90 * time.Minute)
				w.gaveUp("two", "second")
				time.Sleep(time.Minute)
				w.failing(nil, false)
				time.Sleep(30 * time.Second)
				got := w.wantAlerts(alert.DeliveryFailed, 2) // the second is due: the first is from an hour before
				if got[0].context["alert_id"] != "first" || got[1].context["alert_id"] != "second" {
					t.Errorf("got %v, then %v", got[0].context, got[1].context)
				}
				time.Sleep(2 * time.Hour)
				w.wantAlerts(alert.DeliveryFailed, 2)
			})
		})
	}
}

func TestWatch_AFullBacklogRefusesNoSystemAlert(t *testing.T) {
	inBubble(t, func(w *world) {
		w.full = true
		w.gaveUp("two", "a")
		w.wantAlerts(alert.DeliveryFailed, 1)
		_, err := w.Accept(w.t.Context(), []intake.Item{{
			Alert: &alert.Alert{Type: alert.SystemError, Detection: alert.Detection{ID: alert.DeliveryFailed}}, Body: []byte(`{}`),
		}})
		if err == nil {
			t.Error("an engine's alert that looks like one of the router's passed the full backlog")
		}
	})
}

func TestWatch_ABurstOfOthersPushesNothingOut(t *testing.T) {
	inBubble(t, func(w *world) {
		w.table = table() // nobody hears of it, so nothing is paced
		w.hold = make(chan struct{})
		for range 20_000 {
			w.gaveUp("loud", "a") // returns at once although nothing is accepted
		}
		for i := range 500 {
			w.gaveUp(fmt.Sprint("quiet-", i), "a")
		}
		for range 20_000 {
			w.gaveUp("loud", "a")
		}
		close(w.hold)
		time.Sleep(time.Minute)
		about := map[string]int{}
		for _, a := range w.wantAlerts(alert.DeliveryFailed, 501) {
			about[a.Dedup]++
		}
		if len(about) != 501 {
			t.Errorf("they are about %d destinations, want 501", len(about))
		}
	})
}

// Ten destinations that fail at once and all hear of the others are not a hundred deliveries at once.
func TestWatch_SpreadsWhatManyHearOf(t *testing.T) {
	inBubble(t, func(w *world) {
		var names []string
		for i := range 101 {
			names = append(names, fmt.Sprint("d", i))
		}
		w.table = table(names...)
		began := time.Now()
		for _, n := range names {
			w.gaveUp(n, "a")
		}
		w.wantAlerts(alert.DeliveryFailed, 1)
		time.Sleep(100*time.Second - time.Millisecond)
		w.wantAlerts(alert.DeliveryFailed, 100)
		time.Sleep(time.Second)
		if got := w.wantAlerts(alert.DeliveryFailed, 101); len(got[0].to) != 100 {
			t.Errorf("it went to %d, want 100", len(got[0].to))
		}
		if took := time.Since(began); took > 102*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestWatch_TellsAfterwardsWhenTheStoreWasDegraded(t *testing.T) {
	inBubble(t, func(w *world) {
		full := errors.New("no space left on device")
		time.Sleep(time.Minute)
		from := time.Now()
		w.broken.Store(&full)
		time.Sleep(10 * time.Minute)
		w.wantAlerts(alert.StoreDegraded, 0)
		w.broken.Store(nil)
		to := time.Now()
		time.Sleep(10 * time.Second)
		got := w.wantAlerts(alert.StoreDegraded, 1)[0]
		at := func(name string) time.Time {
			v, _ := time.Parse(time.RFC3339, fmt.Sprint(got.context[name]))
			return v
		}
		if d := at("from").Sub(from); d < 0 || d > 5*time.Second {
			t.Errorf("it began at %v, want within 5 s of %s", got.context["from"], from)
		}
		if d := at("to").Sub(to); d < 0 || d > 5*time.Second {
			t.Errorf("it ended at %v, want within 5 s of %s", got.context["to"], to)
		}
		if got.context["error"] != full.Error() || !strings.Contains(got.Description(), full.Error()) || len(got.to) != 3 || got.Subject() != "" {
			t.Errorf("got %v to %v", got.context, got.to)
		}
	})
}

func TestWatch_StopRaisesWhatIsDue(t *testing.T) {
	inBubble(t, func(w *world) {
		w.gaveUp("one", "a")
		w.gaveUp("two", "a")
		w.gaveUp("three", "a") // paced: they wait for each other
		if err := w.Stop(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantAlerts(alert.DeliveryFailed, 3)
		if n, _ := w.raised.Load(alert.DeliveryFailed); n.(*atomic.Int64).Load() != 3 {
			t.Errorf("%v were counted, want 3", n)
		}
		w.start()
	})
}

func TestWatch_ForgetsADeletedDestination(t *testing.T) {
	inBubble(t, func(w *world) {
		w.failing(errors.New("no"), false)
		w.gaveUp("two", "a")
		synctest.Wait()
		w.RemoveLane("two")
		w.failing(nil, false)
		time.Sleep(time.Hour)
		w.wantAlerts(alert.DeliveryFailed, 0)
	})
}

var _ delivery.Observer = (*watch.Watch)(nil)
