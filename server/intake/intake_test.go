// SPDX-License-Identifier: MPL-2.0

package intake_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// lanes take nothing: what is promised waits in the store.
type lanes struct{}

func (lanes) Reserve(string, int, time.Duration) bool { return false }
func (lanes) Unreserve(string, int)                   {}
func (lanes) Deliver(delivery.Job)                    {}
func (lanes) Wake(string)                             {}
func (lanes) Accepted(s route.Scenario)               {}
func (lanes) Repeated()                               {}

func newIntake(t testing.TB, change ...func(*intake.Options)) (*intake.Intake, *bolt.Store) {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var destinations []route.Destination
	for _, id := range []string{"one", "two", "three"} {
		destinations = append(destinations, route.Destination{
			ID: id, DisplayName: "The " + id, Enabled: true, Severities: []alert.Severity{alert.High}, AllowManualDispatch: true,
		})
	}
	table := route.Compile(destinations, nil)
	opts := intake.Options{BacklogLimit: 1 << 40, Backlog: s.Backlog, Now: func() time.Time { return now }, Observe: lanes{}}
	for _, edit := range change {
		edit(&opts)
	}
	return intake.New(s, lanes{}, func() *route.Table { return table }, opts), s
}

func parse(t testing.TB, body string) intake.Item {
	t.Helper()
	a, err := wire.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return intake.Item{Alert: a, Body: []byte(body)}
}

func accept(t testing.TB, in *intake.Intake, body string) intake.Result {
	t.Helper()
	results, err := in.Accept(t.Context(), []intake.Item{parse(t, body)})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	return results[0]
}

// fallbacks returns when the fallback of each destination gets an alert.
func fallbacks(t testing.TB, s *bolt.Store, alertID string) map[string]time.Time {
	t.Helper()
	_, deliveries, err := s.Alert(t.Context(), alertID)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]time.Time{}
	for _, d := range deliveries {
		at[d.DestinationID] = d.FallbackAt
	}
	return at
}

func want(t testing.TB, what string, got map[string]time.Time, want map[string]time.Time) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
	for id, at := range want {
		if !got[id].Equal(at) {
			t.Errorf("%s: the fallback of %s gets it at %v, want %v", what, id, got[id], at)
		}
	}
}

func withFallbacks(o *intake.Options) {
	o.Fallback = func(id string) (string, time.Duration) {
		switch id {
		case "one":
			return "two", 5 * time.Minute
		case "two":
			return "three", 0 // when it failed
		}
		return "", time.Hour
	}
}

func TestIntake_SaysWhenAFallbackGetsAnAlert(t *testing.T) {
	t.Parallel()
	in, s := newIntake(t, withFallbacks)
	accept(t, in, `{"alert_id":"routed","type":"RULE","detection":{"id":"d","severity":"HIGH"}}`)
	want(t, "routed", fallbacks(t, s, "routed"), map[string]time.Time{"one": now.Add(5 * time.Minute), "two": {}, "three": {}})

	accept(t, in, `{"alert_id":"by-hand","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
	if _, _, err := in.Dispatch(t.Context(), "by-hand", []string{"one", "The two"}); err != nil {
		t.Fatal(err)
	}
	want(t, "by hand", fallbacks(t, s, "by-hand"), map[string]time.Time{"one": now.Add(5 * time.Minute), "two": {}})
	due, err := s.DueFallbacks(t.Context(), now.Add(5*time.Minute), 10)
	if err != nil || len(due) != 2 {
		t.Errorf("got %d due fallbacks, %v; want 2", len(due), err)
	}
}

func TestIntake_NoFallbackGetsTheAlertThatIsAboutIt(t *testing.T) {
	t.Parallel()
	in, s := newIntake(t, withFallbacks)
	r := accept(t, in, `{"alert_id":"s","type":"SYSTEM_ERROR","dedup":"two","detection":{"id":"AlertRouter.DestinationUnhealthy","severity":"LOW"}}`)
	if r.Route.Scenario != route.System || len(r.Route.Destinations) != 2 {
		t.Errorf("got %+v, want two destinations", r.Route)
	}
	want(t, "about two", fallbacks(t, s, "s"), map[string]time.Time{"one": {}, "three": {}})
	accept(t, in, `{"alert_id":"t","type":"SYSTEM_ERROR","dedup":"three","detection":{"id":"AlertRouter.DestinationUnhealthy","severity":"LOW"}}`)
	want(t, "about three", fallbacks(t, s, "t"), map[string]time.Time{"one": now.Add(5 * time.Minute), "two": {}})
	accept(t, in, `{"alert_id":"u","type":"SYSTEM_ERROR","dedup":"two","detection":{"id":"AlertRouter.StoreDegraded","severity":"LOW"}}`)
	want(t, "about the store", fallbacks(t, s, "u"), map[string]time.Time{"one": now.Add(5 * time.Minute), "two": {}, "three": {}})
}

func TestIntake_PreviewsWhatItWouldDo(t *testing.T) {
	t.Parallel()
	in, _ := newIntake(t)
	item := parse(t, `{"type":"SYSTEM_ERROR","dedup":"three","detection":{"id":"AlertRouter.DeliveryFailed","severity":"LOW"}}`)
	got, did := in.Preview(item.Alert), accept(t, in, string(item.Body)).Route
	if !slices.Equal(got.Destinations, did.Destinations) || got.Scenario != did.Scenario || len(did.Destinations) != 2 {
		t.Errorf("previewed %+v, did %+v", got, did)
	}
	if len(got.Rejected) != 1 || got.Rejected[0].ID != "three" || got.Rejected[0].Filter != route.FilterSuppressed {
		t.Errorf("rejected %+v, want three", got.Rejected)
	}
}
