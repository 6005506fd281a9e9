// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// shown is what these tests look at in a destination.
type shown struct {
	ID                   string
	DisplayName          string   `json:"display_name"`
	AlertTypes           []string `json:"alert_types"`
	LogTypes             []string `json:"log_types"`
	Fallback             *string
	FallbackAfterSeconds *int     `json:"fallback_after_seconds"`
	RateLimitPerSecond   *float64 `json:"rate_limit_per_second"`
	Revision             int
	Health               map[string]any
}

// body is a webhook destination with more members.
func body(name, more string) string {
	return fmt.Sprintf(`{"display_name":%q,"severities":["HIGH"],"config":{"webhook":{"url":"https://soar.example.com"}}%s}`, name, more)
}

func TestDestinations_FallbacksAreShownCheckedAndKept(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var a, b, plain shown
	admin(t, s, 201, &b, "POST", "/v1/destinations", body("B", `,"fallback":null,"fallback_after_seconds":null`))
	if b.Fallback != nil || b.FallbackAfterSeconds != nil {
		t.Errorf("got %v, %v, want null", b.Fallback, b.FallbackAfterSeconds)
	}
	toB := `,"fallback":"` + b.ID + `"`
	admin(t, s, 201, &a, "POST", "/v1/destinations", body("A", toB+`,"fallback_after_seconds":90`))
	if a.Fallback == nil || *a.Fallback != b.ID || a.FallbackAfterSeconds == nil || *a.FallbackAfterSeconds != 90 {
		t.Errorf("got %v, %v, want B after 90", a.Fallback, a.FallbackAfterSeconds)
	}
	for path, to := range map[string]string{"/v1/destinations/validate?id=" + b.ID: a.ID, "/v1/destinations/test": "nobody"} {
		refused := call(t, s, s.Token, "POST", path, body("B", `,"fallback":"`+to+`"`))
		if names := fieldsOf(t, refused); refused.status != 422 || len(names) != 1 || names[0] != "/fallback" {
			t.Errorf("%s: got %d %s, want 422 that names /fallback", path, refused.status, refused.body)
		}
	}
	if refused := call(t, s, s.Token, "PUT", "/v1/destinations/"+b.ID, body("B", `,"fallback":"`+a.ID+`"`)); refused.status != 422 || !strings.Contains(string(refused.body), `\"B\" → \"A\" → \"B\"`) {
		t.Errorf("a circle: got %d %s", refused.status, refused.body)
	}
	for _, wrong := range []string{`,"fallback_after_seconds":0`, `,"fallback_after_seconds":-1`, `,"fallback_after_seconds":1.5`, `,"fallback_after_seconds":2592001`} {
		if refused := call(t, s, s.Token, "POST", "/v1/destinations", body("C", toB+wrong)); refused.status != 422 || fieldsOf(t, refused)[0] != "/fallback_after_seconds" {
			t.Errorf("%s: got %d %s", wrong, refused.status, refused.body)
		}
	}
	if refused := call(t, s, s.Token, "DELETE", "/v1/destinations/"+b.ID, nil); refused.status != 409 || !strings.Contains(string(refused.body), `\"A\"`) {
		t.Errorf("deleted although in use: %d %s", refused.status, refused.body)
	}
	s.Restart(t)
	admin(t, s, 200, &a, "GET", "/v1/destinations/"+a.ID, nil)
	if a.Fallback == nil || *a.Fallback != b.ID || *a.FallbackAfterSeconds != 90 {
		t.Errorf("after a restart: %v, %v", a.Fallback, a.FallbackAfterSeconds)
	}
	admin(t, s, 200, &plain, "PUT", "/v1/destinations/"+a.ID, body("A", ""))
	if plain.Fallback != nil || plain.FallbackAfterSeconds != nil {
		t.Errorf("an absent fallback is kept: %v, %v", plain.Fallback, plain.FallbackAfterSeconds)
	}
	admin(t, s, 204, nil, "DELETE", "/v1/destinations/"+b.ID, nil)
}

func TestDestinations_NullIsAsGoodAsAbsent(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d shown
	nulls := `,"alert_types":null,"log_types":null,"max_age_seconds":null,"max_concurrency":null,"rate_limit_per_second":null`
	admin(t, s, 201, &d, "POST", "/v1/destinations", body("A", nulls))
	if d.AlertTypes == nil || d.LogTypes == nil || len(d.AlertTypes)+len(d.LogTypes) != 0 || d.RateLimitPerSecond != nil {
		t.Errorf("got %+v, want empty lists and null", d)
	}
	admin(t, s, 200, &d, "PUT", "/v1/destinations/"+d.ID, body("A", `,"alert_types":["RULE"],"log_types":["X"]`))
	admin(t, s, 200, &d, "PUT", "/v1/destinations/"+d.ID, body("A", nulls))
	if len(d.AlertTypes)+len(d.LogTypes) != 0 {
		t.Errorf("null did not clear: %+v", d)
	}
	admin(t, s, 200, nil, "POST", "/v1/destinations/validate", body("B", nulls))
	admin(t, s, 200, nil, "POST", "/v1/destinations/test", body("B", nulls))
}

func TestDestinations_IfMatchIsReadAsHTTPSays(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", body("A", ""))
	for _, c := range []struct {
		header string
		status int
	}{
		{`"1"`, 200},
		{`"1"`, 412},
		{`"1", "2"`, 200},
		{`"1","2"`, 412},
		{`"7","3", "9"`, 200},
		{`*`, 200},
		{` * `, 200},
		{`W/"6"`, 412},
		{`W/"6", "6"`, 200},
		{`"6", W/"7"`, 412},
		{`"x,\", "7"`, 200},
		{`,, "8" ,`, 200},
		{`9`, 412},
		{`"9`, 412},
		{`"9" "9"`, 412},
		{`"09"`, 412},
		{`"+9"`, 412},
		{`"nonsense"`, 412},
		{``, 412},
		{`"9", *`, 412},
		{`w/"9"`, 412},
		{`"9"`, 200},
	} {
		a := call(t, s, s.Token, "PUT", "/v1/destinations/"+d.ID, body("A", ""), "If-Match", c.header)
		if a.status != c.status {
			t.Fatalf("If-Match: %s: got %d %s, want %d", c.header, a.status, a.body, c.status)
		}
	}
	request, err := http.NewRequest("DELETE", s.URL+"/v1/destinations/"+d.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + s.Token}, "If-Match": {`"1"`, `"10"`}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 204 {
		t.Errorf("a list in two lines: got %d, want 204", response.StatusCode)
	}
	for header, want := range map[string]int{`"1", "2"`: 412, `*`: 412} {
		if a := call(t, s, s.Token, "PUT", "/v1/overrides/d", `{"severity":"LOW"}`, "If-Match", header); a.status != want {
			t.Errorf("an override that is not there, If-Match: %s: got %d %s, want %d", header, a.status, a.body, want)
		}
	}
	admin(t, s, 200, nil, "PUT", "/v1/overrides/d", `{"severity":"LOW"}`)
	admin(t, s, 200, nil, "PUT", "/v1/overrides/d", `{"severity":"HIGH"}`, "If-Match", `"3", "1"`)
	admin(t, s, 412, nil, "DELETE", "/v1/overrides/d", nil, "If-Match", `"3", "1"`)
	admin(t, s, 204, nil, "DELETE", "/v1/overrides/d", nil, "If-Match", `"2", "1"`)
}

// The health is that of real attempts: delivered, then refused.
func TestDestinations_ShowTheirHealth(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(200)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	defer sink.Close()
	s := servertest.Start(t)
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", strings.Replace(body("A", ""), "https://soar.example.com", sink.URL, 1))
	health := func(state string) map[string]any {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
			admin(t, s, 200, &d, "GET", "/v1/destinations/"+d.ID, nil)
			if d.Health["state"] == state {
				return d.Health
			}
			if time.Now().After(end) {
				t.Fatalf("got %v, want %s", d.Health, state)
			}
		}
	}
	send := func() {
		admin(t, s, 202, nil, "POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"x","severity":"HIGH"}}`)
	}
	if h := health("UNKNOWN"); len(h) != 6 || h["consecutive_failures"] != 0.0 || h["last_error"] != nil || h["last_success_at"] != nil || h["last_failure_at"] != nil || h["next_probe_at"] != nil {
		t.Errorf("before any attempt: %v", h)
	}
	send()
	if h := health("HEALTHY"); h["last_success_at"] == nil || h["consecutive_failures"] != 0.0 || h["last_error"] != nil || h["next_probe_at"] != nil {
		t.Errorf("after a success: %v", h)
	}
	status.Store(400)
	send()
	if h := health("DEGRADED"); h["last_success_at"] == nil || h["last_failure_at"] == nil || h["consecutive_failures"] != 1.0 || h["last_error"] == nil || h["next_probe_at"] != nil {
		t.Errorf("after a failure: %v", h)
	}
}

func TestDestinations_AreListedInPagesByNameAndType(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	for _, name := range []string{"b", "Ä", "a", "C"} {
		admin(t, s, 201, nil, "POST", "/v1/destinations", body(name, ""))
	}
	slack := `{"display_name":"slack","severities":[],"config":{"slack":{"webhook_url":"https://hooks.slack.com/services/T/B/X"}}}`
	admin(t, s, 201, nil, "POST", "/v1/destinations", slack)
	all := func(query string) (names string) {
		for cursor := ""; ; {
			var page struct {
				Items []shown
				Next  string `json:"next_cursor"`
			}
			admin(t, s, 200, &page, "GET", "/v1/destinations?limit=2&cursor="+cursor+query, nil)
			for _, d := range page.Items {
				names += d.DisplayName + " "
			}
			if cursor = page.Next; cursor == "" {
				return strings.TrimSpace(names)
			}
		}
	}
	for query, want := range map[string]string{
		"": "C a b slack Ä", "&type=webhook": "C a b Ä", "&type=slack": "slack", "&type=pigeon": "", "&display_name=%C3%A4": "Ä",
		"&display_name=%20c%20": "C", "&display_name=a&type=slack": "", "&display_name=nobody": "",
	} {
		if got := all(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestDestinations_WarnOfWhatCannotWorkNow(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	with := func(until time.Time) string {
		certificate, key := servertest.NewAuthority(t).IssueUntil(t, "client", until)
		config, err := json.Marshal(map[string]any{"webhook": map[string]string{"url": "https://soar.example.com", "client_certificate": certificate, "client_key": key}})
		if err != nil {
			t.Fatal(err)
		}
		return string(config)
	}
	for config, want := range map[string]string{
		`{"webhook":{"url":"http://10.0.0.1/x"}}`:                                                       "/config/webhook/url cannot be reached: 10.0.0.1 is a private address; start the server with --allow-network 10.0.0.1/32 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		`{"webhook":{"secret_url":"http://[::ffff:169.254.169.254]/secret"}}`:                           "/config/webhook/secret_url cannot be reached: 169.254.169.254 is a link-local address; start the server with --allow-network 169.254.169.254/32 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		`{"email":{"host":"10.0.0.25","from":"a@example.com","to":["b@example.com"]}}`:                  "/config/email/host cannot be reached: 10.0.0.25 is a private address; start the server with --allow-network 10.0.0.25/32 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		`{"webhook":{"url":"http://2130706433/"}}`:                                                      "/config/webhook/url cannot be reached: the host is neither a name nor an IP address in its usual form",
		`{"pagerduty":{"routing_key":"0123456789abcdef0123456789abcdef","api_url":"http://[fc00::1]"}}`: "/config/pagerduty/api_url cannot be reached: fc00::1 is a private address; start the server with --allow-network fc00::1/128 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		`{"webhook":{"url":"http://127.0.0.1:1/","basic_username":"10.0.0.1","basic_password":"x"}}`:    "", // the server of this test may
		`{"webhook":{"url":"https://soar.example.com"}}`:                                                "",
		with(time.Now().Add(time.Hour)):                                                                 "",
		with(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)):                                    "/config/webhook/client_certificate expired on 2026-01-02: set a new one",
		with(time.Date(2126, time.January, 2, 3, 4, 5, 0, time.UTC)):                                    "/config/webhook/client_certificate is not good before 2126-01-02T01:04:05Z",
	} {
		var got struct {
			Warnings []struct{ Field, Message string }
		}
		admin(t, s, 200, &got, "POST", "/v1/destinations/validate", map[string]any{"display_name": "x", "severities": []string{}, "config": json.RawMessage(config)})
		text := ""
		for _, w := range got.Warnings {
			text += w.Field + " " + w.Message
		}
		if text != want {
			t.Errorf("%s: got the warnings %q, want %q", config, text, want)
		}
	}
}
