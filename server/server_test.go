// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// sink is a real HTTP receiver that remembers what it got and answers as it is told.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	ids    []string // the webhook-id of each
	answer func(w http.ResponseWriter, n int)
	echo   bool // refuse everything with all that was sent
}

func newSink(t *testing.T, answer func(w http.ResponseWriter, n int)) *sink {
	t.Helper()
	s := &sink{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.bodies = append(s.bodies, string(body))
		s.ids = append(s.ids, r.Header.Get("webhook-id"))
		n := len(s.bodies)
		s.mu.Unlock()
		if s.echo {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, r.URL, r.Header, string(body))
		}
		if s.answer != nil {
			s.answer(w, n)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.bodies...)
}

// do calls the API as admin and decodes the answer, whose status must be want.
func do(t *testing.T, s *servertest.Server, want int, method, path, body string, into any) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s %s: got %d %s, want %d", method, path, response.StatusCode, raw, want)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return string(raw)
}

func webhook(name, url, severities string) string {
	return fmt.Sprintf(`{"display_name":%q,"severities":[%s],"config":{"webhook":{"url":%q}}}`, name, severities, url)
}

type detail struct {
	Context    json.RawMessage
	Route      struct{ Scenario, Severity string }
	Deliveries []struct {
		ID, State, Reason string
		DestinationID     string `json:"destination_id"`
		Attempts          []struct {
			Outcome, Message string
			StatusCode       int `json:"status_code"`
			Truncated        bool
		}
	}
}

// patience is how long a test waits for what should have happened long before, also on a machine that is very busy.
const patience = 2 * time.Minute

// settled waits until no delivery of an alert is open.
func settled(t *testing.T, s *servertest.Server, alertID string) detail {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var d detail
		do(t, s, 200, "GET", "/v1/alerts/"+alertID, "", &d)
		open := 0
		for _, x := range d.Deliveries {
			if x.State == "PENDING" || x.State == "RETRYING" {
				open++
			}
		}
		if open == 0 {
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("alert %s still has open deliveries: %+v", alertID, d)
		}
	}
}

func TestServer_AcceptsRoutesAndDelivers(t *testing.T) {
	t.Parallel()
	s, got := servertest.Start(t), newSink(t, nil)
	do(t, s, 201, "POST", "/v1/destinations", webhook("all high", got.URL, `"HIGH"`), nil)
	alert := `{"alert_id":"one","type":"RULE","detection":{"id":"d","severity":"HIGH"},"context":{"big" : 12345678901234567890.10, "z":1,"a":"<&>\ud800"}}`
	var accepted struct{ Duplicate bool }
	do(t, s, 202, "POST", "/v1/alerts", alert, &accepted)
	d := settled(t, s, "one")
	if accepted.Duplicate || d.Route.Scenario != "STATIC_SEVERITY" || len(d.Deliveries) != 1 || d.Deliveries[0].State != "DELIVERED" {
		t.Fatalf("got %+v, want it delivered to one", d)
	}
	const context = `{"big" : 12345678901234567890.10, "z":1,"a":"<&>\ud800"}`
	if body := do(t, s, 200, "GET", "/v1/alerts/one", "", nil); !strings.Contains(body, context) {
		t.Errorf("the context is not byte for byte as sent: %s", body)
	}
	if bodies := got.got(); len(bodies) != 1 || !strings.Contains(bodies[0], context) {
		t.Errorf("the receiver got %q, want the context byte for byte", bodies)
	}

	// The same again, also written in another way, sends nothing; other content is a conflict.
	for _, again := range []string{alert, `{"detection":{"severity":"HIGH","id":"d","name":null},"context":{"z":1,"a":"<&>\ud800","big":12345678901234567890.10},"alert_id":"one", "type":"RULE"}`} {
		do(t, s, 200, "POST", "/v1/alerts", again, &accepted)
		if !accepted.Duplicate {
			t.Errorf("a repeat was taken for a new alert: %s", again)
		}
	}
	do(t, s, 409, "POST", "/v1/alerts", strings.Replace(alert, "12345678901234567890.10", "12345678901234567890.11", 1), nil)
	if n := len(got.got()); n != 1 {
		t.Errorf("the receiver was called %d times, want once", n)
	}
}

// TestServer_BringsAPartOfWhatIsTooLarge has receivers before which something takes 1 MB, or next to nothing.
func TestServer_BringsAPartOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	limited := func(limit int64) *httptest.Server {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > limit {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}))
		t.Cleanup(receiver.Close)
		return receiver
	}
	context := `{"text":"` + strings.Repeat("x", 3_000_000) + `"}`
	for id, c := range map[string]struct {
		limit int64
		state string
		says  string
	}{
		"roomy": {1 << 20, "DELIVERED", "refused as too large, about 3000 kB, and sent again, cut to 66 kB"},
		"tiny":  {1000, "FAILED", "takes neither all of the alert, about 3000 kB, nor what it was cut to, 66 kB"},
	} {
		do(t, s, 201, "POST", "/v1/destinations", webhook(id, limited(c.limit).URL, ""), nil)
		do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"LOW","destinations":["`+id+`"]},"context":`+context+`}`, nil)
		d := settled(t, s, id).Deliveries
		if len(d) != 1 || d[0].State != c.state || len(d[0].Attempts) != 1 {
			t.Fatalf("%s: got %+v, want it %s after one attempt", id, d, c.state)
		}
		if a := d[0].Attempts[0]; !a.Truncated || !strings.Contains(a.Message, c.says) {
			t.Errorf("%s: got %+v, want it truncated, and to say %q", id, a, c.says)
		}
	}
}

func TestServer_BatchAnswersLineByLine(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	answer := do(t, s, 200, "POST", "/v1/alerts/batch", strings.Join([]string{
		`{"alert_id":"b1","type":"RULE","detection":{"id":"d","severity":"LOW"}}`,
		`not JSON`,
		`{"alert_id":"b1","type":"RULE","detection":{"id":"d","severity":"LOW"}}`,
		`{"alert_id":"b1","type":"POLICY","detection":{"id":"d","severity":"LOW"}}`,
		``,
		`{"alert_id":"b2","type":"RULE","detection":{"id":"d"}}`,
		`{"alert_id":"b3","type":"RULE","detection":{"id":"d","severity":"LOW"}}`,
	}, "\r\n"), nil)
	var statuses []int
	for line := range strings.Lines(answer) {
		var r struct{ Status int }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, r.Status)
	}
	if want := []int{202, 400, 200, 409, 422, 202}; !reflect.DeepEqual(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
}

func TestServer_ManualDispatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s, a, c := servertest.Start(t), newSink(t, nil), newSink(t, nil)
	var made struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", strings.Replace(webhook("A", a.URL, ""), `"config"`, `"allow_manual_dispatch":true,"config"`, 1), &made)
	do(t, s, 201, "POST", "/v1/destinations", webhook("C", c.URL, ""), nil)
	do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"m","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	if body := do(t, s, 422, "POST", "/v1/alerts/m/dispatch", `{"destinations":["A","C"]}`, nil); !strings.Contains(body, "/destinations/1") || !strings.Contains(body, `\"C\"`) {
		t.Errorf("got %s, want C named", body)
	}
	if d := settled(t, s, "m"); len(d.Deliveries) != 0 {
		t.Errorf("a refused dispatch left %+v", d.Deliveries)
	}
	do(t, s, 202, "POST", "/v1/alerts/m/dispatch", `{"destinations":["A","`+made.ID+`"]}`, nil)
	if d := settled(t, s, "m"); len(d.Deliveries) != 1 || d.Deliveries[0].State != "DELIVERED" || len(a.got()) != 1 || len(c.got()) != 0 {
		t.Errorf("got %+v, want one delivery to A", d.Deliveries)
	}
	do(t, s, 404, "POST", "/v1/alerts/unknown/dispatch", `{"destinations":["A"]}`, nil)
}

func TestServer_FailuresCanBeReplayed(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var broken sync.Map
	got := newSink(t, func(w http.ResponseWriter, _ int) {
		if _, mended := broken.Load("mended"); !mended {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	var made struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("A", got.URL, `"LOW"`), &made)
	for _, id := range []string{"f1", "f2", "f3"} {
		do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
		if d := settled(t, s, id); d.Deliveries[0].State != "FAILED" || d.Deliveries[0].Reason != "PERMANENT" || d.Deliveries[0].Attempts[0].StatusCode != 400 {
			t.Fatalf("got %+v, want FAILED PERMANENT after a 400", d)
		}
	}
	broken.Store("mended", true)
	one := settled(t, s, "f1").Deliveries[0].ID
	do(t, s, 202, "POST", "/v1/deliveries/"+one+"/retry", "", nil)
	if d := settled(t, s, "f1"); d.Deliveries[0].State != "DELIVERED" || len(d.Deliveries[0].Attempts) != 2 {
		t.Errorf("got %+v, want DELIVERED at the second attempt", d)
	}
	do(t, s, 409, "POST", "/v1/deliveries/"+one+"/retry", "", nil)
	var replay struct{ Replayed int }
	do(t, s, 202, "POST", "/v1/deliveries/retry", `{"destination_id":"`+made.ID+`"}`, &replay)
	if replay.Replayed != 2 {
		t.Errorf("replayed %d, want the 2 that were not delivered", replay.Replayed)
	}
	settled(t, s, "f2")
	settled(t, s, "f3")
	if n := len(got.got()); n != 6 {
		t.Errorf("the receiver was called %d times, want 6", n)
	}
	got.mu.Lock()
	defer got.mu.Unlock()
	if got.ids[0] != got.ids[3] || got.ids[0] == got.ids[1] {
		t.Errorf("webhook-id is not the delivery's: %v", got.ids)
	}
}

func TestServer_KeepsEverythingOverARestart(t *testing.T) {
	t.Parallel()
	down := newSink(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := servertest.Start(t)
	var made struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations",
		`{"display_name":"A","severities":["LOW"],"config":{"webhook":{"secret_url":"`+down.URL+`/hook","bearer_token":"bearer-0123456789"}}}`, &made)
	do(t, s, 200, "PUT", "/v1/overrides/quiet", `{"destinations":[]}`, nil)
	do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"r","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	s.Restart(t)
	if d := settled(t, s, "r"); d.Deliveries[0].State != "DELIVERED" {
		t.Errorf("got %+v, want it delivered after the restart", d)
	}
	var accepted struct {
		Duplicate bool
		Route     struct{ Scenario string }
	}
	do(t, s, 200, "POST", "/v1/alerts", `{"alert_id":"r","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, &accepted)
	if !accepted.Duplicate {
		t.Error("the alert was forgotten over the restart")
	}
	do(t, s, 202, "POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"quiet","severity":"LOW"}}`, &accepted)
	if accepted.Route.Scenario != "SUPPRESSED" {
		t.Errorf("the override was forgotten over the restart: %s", accepted.Route.Scenario)
	}
}

func TestServer_DeletedAndDisabledDestinations(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	got := newSink(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	var a, b struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("gone", got.URL, `"LOW"`), &a)
	do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"x","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	waitUntil(t, "the first attempt", func() bool { return len(got.got()) == 1 })
	do(t, s, 204, "DELETE", "/v1/destinations/"+a.ID, "", nil)
	if d := settled(t, s, "x"); d.Deliveries[0].State != "FAILED" || d.Deliveries[0].Reason != "DESTINATION_DELETED" {
		t.Errorf("got %+v, want FAILED DESTINATION_DELETED", d)
	}
	do(t, s, 404, "GET", "/v1/destinations/"+a.ID, "", nil)
	waitUntil(t, "the failed delivery to be counted", func() bool {
		return strings.Contains(do(t, s, 200, "GET", "/metrics", "", nil), `reason="DESTINATION_DELETED",state="FAILED",type=""} 1`)
	})

	do(t, s, 201, "POST", "/v1/destinations", webhook("off", got.URL, `"LOW"`), &b)
	do(t, s, 200, "PUT", "/v1/destinations/"+b.ID, strings.Replace(webhook("off", got.URL, `"LOW"`), `"config"`, `"enabled":false,"config"`, 1), nil)
	var accepted struct{ Route struct{ Scenario string } }
	do(t, s, 202, "POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, &accepted)
	if accepted.Route.Scenario != "UNROUTED" {
		t.Errorf("a disabled destination was chosen: %s", accepted.Route.Scenario)
	}
}

// However an acceptance and a deletion fall together, no delivery is left open to a destination that is gone.
func TestServer_NoDeliveryIsLeftToADeletedDestination(t *testing.T) {
	t.Parallel()
	s, got := servertest.Start(t), newSink(t, nil)
	for round := range 10 {
		var d struct{ ID string }
		do(t, s, 201, "POST", "/v1/destinations", webhook("short-lived", got.URL, `"LOW"`), &d)
		var load sync.WaitGroup
		for sender := range 8 {
			load.Go(func() {
				for i := range 10 {
					do(t, s, 202, "POST", "/v1/alerts", fmt.Sprintf(`{"alert_id":"%d-%d-%d","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, round, sender, i), nil)
				}
			})
		}
		do(t, s, 204, "DELETE", "/v1/destinations/"+d.ID, "", nil)
		load.Wait()
	}
	var list struct{ Items []struct{ ID string } }
	waitUntil(t, "the last open delivery", func() bool {
		do(t, s, 200, "GET", "/v1/deliveries?state=PENDING&state=RETRYING", "", &list)
		return len(list.Items) == 0
	})
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestServer_DestinationsAreChangedWithCare(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d struct {
		ID           string
		Revision     int
		Fingerprints map[string]string `json:"secret_fingerprints"`
	}
	slack := func(name, config string) string {
		return `{"display_name":"` + name + `","severities":["LOW"],"config":{"slack":{` + config + `}}}`
	}
	do(t, s, 201, "POST", "/v1/destinations", slack("Ops", `"webhook_url":"https://hooks.slack.com/services/T/B/X"`), &d)
	before := d.Fingerprints["webhook_url"]
	do(t, s, 409, "POST", "/v1/destinations", slack("oPS", `"webhook_url":"https://hooks.slack.com/services/T/B/Y"`), nil)
	do(t, s, 200, "PUT", "/v1/destinations/"+d.ID, slack("Ops 2", ""), &d) // an absent secret is kept
	if d.Revision != 2 || d.Fingerprints["webhook_url"] != before || before == "" {
		t.Errorf("got %+v, want revision 2 and the same secret", d)
	}
	do(t, s, 200, "PUT", "/v1/destinations/"+d.ID, slack("Ops 2", `"webhook_url":"https://hooks.slack.com/services/T/B/Z"`), &d)
	if d.Fingerprints["webhook_url"] == before {
		t.Error("the fingerprint does not show that the secret changed")
	}
	do(t, s, 422, "PUT", "/v1/destinations/"+d.ID, slack("Ops 2", `"webhook_url":null`), nil)
	do(t, s, 422, "PUT", "/v1/destinations/"+d.ID, webhook("Ops 2", "https://example.com", ""), nil) // another type
	do(t, s, 422, "POST", "/v1/destinations/validate", slack("x", ""), nil)
	do(t, s, 200, "POST", "/v1/destinations/validate?id="+d.ID, slack("x", ""), nil)
	do(t, s, 409, "POST", "/v1/destinations/validate", slack("OPS 2", `"webhook_url":"https://hooks.slack.com/services/T/B/x"`), nil)

	for tag, want := range map[string]int{`"1"`: 412, `"nonsense"`: 412, `"3"`: 200} {
		request, _ := http.NewRequestWithContext(t.Context(), "PUT", s.URL+"/v1/destinations/"+d.ID, strings.NewReader(slack("Ops 3", "")))
		request.Header.Set("Authorization", "Bearer "+s.Token)
		request.Header.Set("If-Match", tag)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("If-Match %s: got %d, want %d", tag, response.StatusCode, want)
		}
		if want == 200 && response.Header.Get("ETag") != `"4"` {
			t.Errorf("got the ETag %s, want \"4\"", response.Header.Get("ETag"))
		}
	}
}

func TestServer_TestAlertsAreSentOncePerKey(t *testing.T) {
	t.Parallel()
	got := newSink(t, nil)
	s := servertest.Start(t)
	var d struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("A", got.URL, ""), &d)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { do(t, s, 200, "POST", "/v1/destinations/"+d.ID+"/test", `{"idempotency_key":"k"}`, nil) })
	}
	wait.Wait()
	s.Restart(t)
	var r struct {
		Delivered  bool
		FromCache  bool `json:"from_cache"`
		HTTPStatus int  `json:"http_status"`
	}
	do(t, s, 200, "POST", "/v1/destinations/"+d.ID+"/test", `{"idempotency_key":"k"}`, &r)
	if n := len(got.got()); n != 1 || !r.Delivered || !r.FromCache || r.HTTPStatus != 200 {
		t.Errorf("%d test alerts were sent, the last answer is %+v; want one, then the stored answer", n, r)
	}
	do(t, s, 200, "POST", "/v1/destinations/"+d.ID+"/test", "", &r)
	if n := len(got.got()); n != 2 || r.FromCache {
		t.Errorf("without a key nothing was sent: %d, %+v", n, r)
	}
	if !strings.Contains(got.got()[0], `"isTest":true`) {
		t.Errorf("the test alert is not marked: %s", got.got()[0])
	}
	do(t, s, 200, "POST", "/v1/destinations/test", webhook("unsaved", got.URL, ""), &r)
	if n := len(got.got()); n != 3 || !r.Delivered {
		t.Errorf("the unsaved destination got nothing: %d, %+v", n, r)
	}
	do(t, s, 404, "POST", "/v1/destinations/none/test", "", nil)
}

func TestServer_RefusesPrivateAddressesUnlessAllowed(t *testing.T) {
	t.Parallel()
	got := newSink(t, nil)
	s := servertest.Start(t, func(c *server.Config) { c.AllowNetworks = nil })
	do(t, s, 201, "POST", "/v1/destinations", webhook("inside", got.URL, `"LOW"`), nil)
	do(t, s, 202, "POST", "/v1/alerts", `{"alert_id":"p","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	d := settled(t, s, "p").Deliveries[0]
	if d.Reason != "PERMANENT" || !strings.Contains(d.Attempts[0].Message, "--allow-network") || len(got.got()) != 0 {
		t.Errorf("got %+v and %d calls, want a permanent refusal that names the setting", d, len(got.got()))
	}
}

// No secret in any response, log line or file of the data directory, also when a receiver echoes it.
func TestServer_ShowsNoSecretAnywhere(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"needle-url-0123456789", "needle-header-0123456789", "whsec_bmVlZGxlLXNpZ25pbmctMDEyMzQ1Njc4OQ==",
		"needle-bearer-0123456789", "needle-slack-0123456789", "needle0123456789pagerduty0000000",
	}
	echo := newSink(t, nil)
	echo.echo = true
	var logged bytes.Buffer
	var mu sync.Mutex
	s := servertest.Start(t, func(c *server.Config) {
		c.Log = slog.New(slog.NewTextHandler(&lockedWriter{mu: &mu, w: &logged}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	var answers []string
	keep := func(want int, method, path, body string) string {
		a := do(t, s, want, method, path, body, nil)
		answers = append(answers, a)
		return a
	}
	for name, config := range map[string]string{
		"w": `"webhook":{"secret_url":"` + echo.URL + `/` + secrets[0] + `","secret_headers":{"X-Key":"` + secrets[1] + `"},"signing_secret":"` + secrets[2] + `","bearer_token":"` + secrets[3] + `"}`,
		"s": `"slack":{"webhook_url":"` + echo.URL + `/services/` + secrets[4] + `"}`,
		"p": `"pagerduty":{"routing_key":"` + secrets[5] + `","api_url":"` + echo.URL + `"}`,
	} {
		var d struct{ ID string }
		if err := json.Unmarshal([]byte(keep(201, "POST", "/v1/destinations", `{"display_name":"`+name+`","severities":["LOW"],"config":{`+config+`}}`)), &d); err != nil {
			t.Fatal(err)
		}
		keep(200, "GET", "/v1/destinations/"+d.ID, "")
		keep(200, "POST", "/v1/destinations/"+d.ID+"/test", "")
		keep(422, "PUT", "/v1/destinations/"+d.ID, `{"display_name":"`+name+`","severities":["NONE"],"config":{`+config+`}}`)
	}
	keep(202, "POST", "/v1/alerts", `{"alert_id":"n","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
	if d := settled(t, s, "n"); len(d.Deliveries) != 3 || !strings.Contains(d.Deliveries[0].Attempts[0].Message, "[secret]") {
		t.Errorf("got %+v, want three refusals whose echoes are masked", d)
	}
	keep(200, "GET", "/v1/alerts/n", "")
	keep(200, "GET", "/v1/deliveries", "")
	keep(200, "GET", "/v1/destinations", "")
	keep(200, "GET", "/metrics", "")
	s.Stop()
	mu.Lock()
	defer mu.Unlock()
	secrets = append(secrets, s.Token)
	for _, needle := range secrets {
		for _, a := range answers {
			if strings.Contains(a, needle) {
				t.Errorf("%s shows in an answer: %.2000s", needle, a)
			}
		}
		if strings.Contains(logged.String(), needle) {
			t.Errorf("%s shows in the log", needle)
		}
	}
	searched := 0
	err := filepath.WalkDir(s.Config.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		searched++
		for _, needle := range secrets {
			if bytes.Contains(raw, []byte(needle)) {
				t.Errorf("%s shows in %s", needle, entry.Name())
			}
		}
		return err
	})
	if err != nil || searched == 0 {
		t.Errorf("searched %d files: %v", searched, err)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestServer_MakesItsKeysOnceAndKeepsThemPrivate(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, func(c *server.Config) { c.AdminToken = secret.String{} })
	for _, name := range []string{"admin-token", "master.key"} {
		info, err := os.Stat(filepath.Join(s.Config.Data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v; want a file only its owner can read", name, info, err)
		}
	}
	token, err := os.ReadFile(filepath.Join(s.Config.Data, "admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	s.Token = strings.TrimSpace(string(token))
	do(t, s, 200, "GET", "/v1/tokens", "", nil)
	s.Restart(t)
	do(t, s, 200, "GET", "/v1/tokens", "", nil)
	s.Stop()

	s.Config.MasterKey = secret.New("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	if _, err := server.Start(context.Background(), s.Config); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("another master key: got %v, want an error that says so", err)
	}
}

func TestServer_ASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	second, err := server.Start(t.Context(), s.Config)
	if err == nil {
		_ = second.Stop()
		t.Fatal("a second server opened the same store")
	}
	if !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v, want that another process has the store", err)
	}
}

func TestConfig_ReportsEveryWrongSetting(t *testing.T) {
	t.Parallel()
	_, err := server.Start(context.Background(), server.Config{
		Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:99999", Store: "postgres://user:hunter22@db/x", AllowNetworks: []string{"10.0.0.0/99"},
		PublicURL: "example.com", TLSCert: "cert.pem", BacklogLimit: -1,
	})
	if err == nil {
		t.Fatal("it started")
	}
	for _, flag := range []string{"--listen", "--store", "--allow-network", "--public-url", "--tls-cert", "--backlog-limit"} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("%v does not name %s", err, flag)
		}
	}
	if strings.Contains(err.Error(), "hunter22") {
		t.Errorf("%v shows a password", err)
	}
}

func TestServer_IdempotencyIsAboutContentNotSpelling(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	alert := func(id, severity, context string) string {
		return `{"alert_id":"` + id + `","type":"RULE","detection":{"id":"d","severity":"` + severity + `"},"context":` + context + `}`
	}
	do(t, s, 202, "POST", "/v1/alerts", alert("s", "high", `{"a":"\u0041","n":1.0}`), nil)
	do(t, s, 200, "POST", "/v1/alerts", alert("s", "HIGH", `{"n":1.0,"a":"A"}`), nil)
	do(t, s, 409, "POST", "/v1/alerts", alert("s", "HIGH", `{"n":1.00,"a":"A"}`), nil)
	do(t, s, 202, "POST", "/v1/alerts", alert("l", "LOW", `{"a":"\ud800"}`), nil)
	do(t, s, 200, "POST", "/v1/alerts", alert("l", "LOW", `{ "a":"\ud800"}`), nil)
	do(t, s, 409, "POST", "/v1/alerts", alert("l", "LOW", `{"a":"\ud801"}`), nil)
}

// A test's stored outcome says nothing of another destination, or of this one after a change.
func TestServer_ATestKeyIsForOneDestinationAsItIs(t *testing.T) {
	t.Parallel()
	s, good := servertest.Start(t), newSink(t, nil)
	bad := newSink(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusUnauthorized) })
	var r struct {
		Delivered bool
		FromCache bool `json:"from_cache"`
	}
	unsaved := func(url string) string {
		return strings.Replace(webhook("unsaved", url, ""), `"config"`, `"idempotency_key":"k","config"`, 1)
	}
	do(t, s, 200, "POST", "/v1/destinations/test", unsaved(good.URL), &r)
	do(t, s, 200, "POST", "/v1/destinations/test", unsaved(bad.URL), &r)
	if r.Delivered || r.FromCache {
		t.Errorf("another destination's outcome was returned: %+v", r)
	}
	var d struct{ ID string }
	do(t, s, 201, "POST", "/v1/destinations", webhook("saved", good.URL, ""), &d)
	do(t, s, 200, "POST", "/v1/destinations/"+d.ID+"/test", `{"idempotency_key":"k"}`, &r)
	do(t, s, 200, "PUT", "/v1/destinations/"+d.ID, webhook("saved", bad.URL, ""), nil)
	do(t, s, 200, "POST", "/v1/destinations/"+d.ID+"/test", `{"idempotency_key":"k"}`, &r)
	if r.Delivered || r.FromCache {
		t.Errorf("the outcome of before the change was returned: %+v", r)
	}
}

// A client that never ends its request must not cost the attempts under way their time.
func TestServer_ASlowClientDoesNotCutAttemptsOff(t *testing.T) {
	t.Parallel()
	slow := newSink(t, func(http.ResponseWriter, int) { time.Sleep(500 * time.Millisecond) })
	s := servertest.Start(t, func(c *server.Config) { c.ShutdownTimeout = 4 * time.Second })
	do(t, s, 201, "POST", "/v1/destinations", webhook("slow", slow.URL, `"LOW"`), nil)
	for i := range 30 {
		do(t, s, 202, "POST", "/v1/alerts", fmt.Sprintf(`{"alert_id":"%d","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, i), nil)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", s.Token)
	waitUntil(t, "the first attempts", func() bool { return len(slow.got()) > 0 })
	s.Restart(t)
	for i := range 30 {
		for _, d := range settled(t, s, fmt.Sprint(i)).Deliveries {
			if len(d.Attempts) != 1 || d.State != "DELIVERED" {
				t.Errorf("alert %d: got %+v, want one attempt that was let finish", i, d)
			}
		}
	}
}

func TestServer_DoesNotMakeAnotherMasterKeyForAStoreThatHasOne(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	s.Stop()
	path := filepath.Join(s.Config.Data, "master.key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Start(context.Background(), s.Config); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("got %v, want that the master key is missing", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a new master key stands in the way of the old one")
	}
}

func TestServer_StopsAcceptingWhenTheBacklogIsFull(t *testing.T) {
	t.Parallel()
	hang := newSink(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusServiceUnavailable) })
	s := servertest.Start(t, func(c *server.Config) { c.BacklogLimit = 2 })
	do(t, s, 201, "POST", "/v1/destinations", webhook("A", hang.URL, `"LOW"`), nil)
	for i := range 2 {
		do(t, s, 202, "POST", "/v1/alerts", fmt.Sprintf(`{"alert_id":"%d","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, i), nil)
	}
	body := do(t, s, 503, "POST", "/v1/alerts", `{"alert_id":"2","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, nil)
	if !strings.Contains(body, "2 deliveries are waiting") {
		t.Errorf("got %s", body)
	}
	do(t, s, 503, "GET", "/readyz", "", nil)
	do(t, s, 404, "GET", "/v1/alerts/2", "", nil)
}
