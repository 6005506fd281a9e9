// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// about returns the destinations that the system alerts a receiver got are about.
func (s *sink) about(kind string) []string {
	var ids []string
	for _, body := range s.got() {
		if strings.Contains(body, kind) {
			_, rest, _ := strings.Cut(body, `"destination_id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			ids = append(ids, id)
		}
	}
	return ids
}

// Two destinations that refuse everything hear of each other, each refuses that as well, and that is the end of it.
func TestServer_SystemAlertsDoNotFeedThemselves(t *testing.T) {
	t.Parallel()
	refuse := func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusGone) }
	a, b, healthy := newSink(t, refuse), newSink(t, refuse), newSink(t, nil)
	s := servertest.Start(t)
	var ids [2]struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("A", a.URL, `"LOW"`), &ids[0])
	do(t, s, 201, "POST", "/v1/destinations", webhook("B", b.URL, `"LOW"`), &ids[1])
	do(t, s, 201, "POST", "/v1/destinations", webhook("healthy", healthy.URL, ""), nil)
	low := func(id string) {
		t.Helper()
		do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
		settled(t, s, id)
	}
	for i := range 5 {
		low(fmt.Sprint("before", i))
	}
	waitUntil(t, "two system alerts", func() bool { return len(healthy.about(alert.DeliveryFailed)) == 2 })
	s.Restart(t)
	for i := range 5 {
		low(fmt.Sprint("after", i))
	}
	var list struct {
		Items []struct {
			AlertID string `json:"alert_id"`
		}
	}
	time.Sleep(300 * time.Millisecond) // for what must not happen
	do(t, s, 200, "GET", "/v1/alerts?detection_id="+alert.DeliveryFailed, "", &list)
	if len(list.Items) != 2 {
		t.Errorf("%d system alerts were raised, want one about each", len(list.Items))
	}
	for _, x := range list.Items {
		for _, d := range settled(t, s, x.AlertID).Deliveries {
			if refused := d.DestinationID == ids[0].ID || d.DestinationID == ids[1].ID; refused != (d.State == "FAILED") {
				t.Errorf("alert %s: got %+v", x.AlertID, d)
			}
		}
	}
	got := healthy.about(alert.DeliveryFailed)
	if len(got) != 2 || got[0] == got[1] {
		t.Errorf("the healthy one heard of %v, want of both", got)
	}
	for i, s := range []*sink{a, b} {
		if got := s.about(alert.DeliveryFailed); len(got) != 1 || got[0] != ids[1-i].ID {
			t.Errorf("%s heard of %v, want of the other one only", ids[i].ID, got)
		}
	}
	metrics := do(t, s, 200, "GET", "/metrics", "", nil)
	if want := `alertrouter_deliveries_settled_total{destination="A",reason="PERMANENT",state="FAILED",type="webhook"} 5`; !strings.Contains(metrics, want) {
		t.Errorf("no %s: what fails after the hour's alert is no longer counted", want)
	}
}

// A detection engine that sends what looks like one of the router's alerts chooses one destination that does not hear
// of it, and no more.
func TestServer_AForgedSystemAlertIsAnAlertLikeAnyOther(t *testing.T) {
	t.Parallel()
	bad, good := newSink(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusGone) }), newSink(t, nil)
	s := servertest.Start(t)
	var d struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("bad", bad.URL, `"LOW"`), &d)
	do(t, s, 201, "POST", "/v1/destinations", webhook("good", good.URL, ""), nil)
	forged := `{"alert_id":"forged","type":"SYSTEM_ERROR","dedup":"` + d.ID + `","detection":{"id":"AlertRouter.DeliveryFailed","severity":"LOW"}}`
	preview := do(t, s, 200, "POST", "/v1/route/preview", forged, nil)
	if !strings.Contains(preview, "it is about") || strings.Count(preview, d.ID) != 1 {
		t.Errorf("the preview does not say that the subject is left out: %s", preview)
	}
	do(t, s, 202, "POST", "/v1/alerts", forged, nil)
	if got := settled(t, s, "forged"); len(got.Deliveries) != 1 || got.Deliveries[0].DestinationID == d.ID || got.Route.Scenario != "SYSTEM" {
		t.Errorf("got %+v, want it delivered to all but the subject", got)
	}
	// The real one is raised all the same.
	do(t, s, 202, "POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	waitUntil(t, "the real one", func() bool { return len(good.about(alert.DeliveryFailed)) == 2 })
}

func TestServer_NobodyIsLeftToHearOfTheOnlyDestination(t *testing.T) {
	t.Parallel()
	bad := newSink(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusGone) })
	s := servertest.Start(t)
	do(t, s, 201, "POST", "/v1/destinations", webhook("only", bad.URL, `"LOW"`), nil)
	do(t, s, 202, "POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	waitUntil(t, "the system alert", func() bool {
		return strings.Contains(do(t, s, 200, "GET", "/v1/alerts?scenario=UNROUTED", "", nil), alert.DeliveryFailed)
	})
	if got := bad.got(); len(got) != 1 {
		t.Errorf("it was called %d times, want once", len(got))
	}
	if metrics := do(t, s, 200, "GET", "/metrics", "", nil); !strings.Contains(metrics, `alertrouter_system_alerts_raised_total{kind="AlertRouter.DeliveryFailed"} 1`) {
		t.Error("it was not counted")
	}
}

func TestServer_MetricsOfADestinationFollowIt(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	got := newSink(t, func(w http.ResponseWriter, n int) {
		switch n {
		case 2:
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			<-wait
		}
	})
	s := servertest.Start(t)
	low := func(id string) {
		t.Helper()
		do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	}
	metrics := func() string { return do(t, s, 200, "GET", "/metrics", "", nil) }
	has := func(want ...string) {
		t.Helper()
		text := metrics()
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("no %s", line)
			}
		}
	}
	var d struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("first name", got.URL, `"LOW"`), &d)
	has(`alertrouter_destination_health{destination="first name",type="webhook"} 0`, `alertrouter_destinations{health="UNKNOWN"} 1`,
		"alertrouter_deliveries_oldest_open_seconds 0\n")
	low("a")
	settled(t, s, "a")
	has(`alertrouter_destination_health{destination="first name",type="webhook"} 1`, `alertrouter_destinations{health="HEALTHY"} 1`,
		`alertrouter_attempts_total{destination="first name",outcome="DELIVERED",type="webhook"} 1`)

	do(t, s, 200, "PUT", "/v1/destinations/"+d.ID, webhook("second name", got.URL, `"LOW"`), nil)
	if strings.Contains(metrics(), "first name") {
		t.Error("the old name is still there")
	}
	low("b")
	waitUntil(t, "the second attempt", func() bool {
		return strings.Contains(metrics(), `alertrouter_attempts_total{destination="second name",outcome="WAIT",type="webhook"} 1`) &&
			strings.Contains(metrics(), `alertrouter_destination_health{destination="second name",type="webhook"} 2`)
	})
	if text := metrics(); strings.Contains(text, "alertrouter_deliveries_oldest_open_seconds 0\n") {
		t.Error("a delivery is open, and has no age")
	}

	// Somebody changes the destination: what it said when it was another one is for that one.
	do(t, s, 200, "PUT", "/v1/destinations/"+d.ID, webhook("second name", got.URL, `"LOW","INFO"`), nil)
	low("c")
	waitUntil(t, "the third attempt", func() bool { return len(got.got()) == 3 })
	do(t, s, 204, "DELETE", "/v1/destinations/"+d.ID, "", nil)
	close(wait)
	waitUntil(t, "the third to be recorded", func() bool {
		return strings.Contains(metrics(), `alertrouter_deliveries_settled_total{destination="",reason="",state="DELIVERED",type="webhook"} 1`)
	})
	if text := metrics(); strings.Contains(text, "second name") {
		t.Error("a deleted destination is still there")
	}
	has(`alertrouter_destinations{health="DEGRADED"} 0`, "alertrouter_deliveries_oldest_open_seconds 0\n")
}

func TestConfig_RefusesAShortAdminToken(t *testing.T) {
	t.Parallel()
	_, err := server.Start(t.Context(), server.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", AdminToken: secret.New("hunter2hunter2x")})
	if err == nil || !strings.Contains(err.Error(), "ALERTROUTER_ADMIN_TOKEN") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error that names the variable and not the token", err)
	}
	servertest.Start(t, func(c *server.Config) { c.AdminToken = secret.New("hunter2hunter2xy") })
}
