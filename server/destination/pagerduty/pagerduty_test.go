// SPDX-License-Identifier: MPL-2.0

package pagerduty_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/pagerduty"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

const maxEvent = 512_000

var routingKey = secret.New("e93facc04764012d7bfb002500d5d1a6")

func TestRender_PassesPagerDutysContract(t *testing.T) {
	t.Parallel()
	contract := newContract(t)
	messages := append(destinationtest.Corpus(t), destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(),
		destinationtest.Test(), destinationtest.Fallback(), destinationtest.Blank(), destinationtest.Overlong(strings.Repeat("é", 10_000)))
	for _, m := range messages {
		body, _ := pagerduty.Render(pagerduty.Config{
			RoutingKey: routingKey, Client: "alertrouter", CustomDetails: map[string]string{"team": "soc"},
			SeverityMap: map[alert.Severity]string{alert.Low: "warning"},
		}, m)
		if err := contract.validate(t, body); err != nil {
			t.Errorf("%s: %v\n%s", m.Alert.Detection.ID, err, body)
		}
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 600_000), "quotes": strings.Repeat(`"`, 600_000), "emoji": strings.Repeat("😀", 300_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Overlong(text)
			m.Link = "https://example.com/" + text
			m.Alert.LogTypes = slices.Repeat([]string{text}, 60)
			m.Alert.Detection.Tags = slices.Repeat([]string{text}, 60)
			body, cut := pagerduty.Render(pagerduty.Config{RoutingKey: routingKey}, m)
			if len(body) >= maxEvent || !cut {
				t.Errorf("got %d bytes (cut %t), want fewer than %d", len(body), cut, maxEvent)
			}
			var ev event
			if err := json.Unmarshal(body, &ev); err != nil {
				t.Fatal(err)
			}
			if n := len(utf16.Encode([]rune(ev.Payload.Summary))); n > 1024 {
				t.Errorf("got a summary of %d characters in UTF-16, want at most 1024", n)
			}
			var context string
			if err := json.Unmarshal(ev.Payload.Details.Context, &context); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(context, "{\n  \"text\": ") ||
				!strings.Contains(context, "\n… cut here: ") || !strings.HasSuffix(context, " characters shown; the alert has the whole context") {
				t.Errorf("got context %.40q … %.60q, want its beginning and a note", context, context[max(0, len(context)-60):])
			}
			if len(body) < maxEvent/2 {
				t.Errorf("got %d bytes, want the room used", len(body))
			}
		})
	}
}

func TestRender_MapsTheSeverity(t *testing.T) {
	t.Parallel()
	for severity, want := range map[alert.Severity]string{
		alert.Critical: "critical", alert.High: "error", alert.Medium: "warning", alert.Low: "info", alert.Info: "info",
	} {
		m := destinationtest.Message()
		m.Severity = severity
		if got := decode(t, m).Payload.Severity; got != want {
			t.Errorf("%s: got %q, want %q", severity, got, want)
		}
	}
}

func TestRender_FillsWhatPagerDutyRequires(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id              string
		logTypes        []string
		summary, source string
	}{
		{"d", []string{"", "AWS.CloudTrail", "\u200b", "AWS.S3"}, "d", "AWS.CloudTrail, AWS.S3"},
		{"d", []string{""}, "d", "d"},
		{" ", []string{"\u200b"}, "b4b3f0d2c1e04f6f", "b4b3f0d2c1e04f6f"},
		{"\u3164", nil, "b4b3f0d2c1e04f6f", "b4b3f0d2c1e04f6f"},
	} {
		m := destinationtest.Blank()
		m.Alert.Detection.ID, m.Alert.LogTypes = c.id, c.logTypes
		if p := decode(t, m).Payload; p.Summary != c.summary || p.Source != c.source {
			t.Errorf("id %q, log types %q: got summary %q and source %q, want %q and %q", c.id, c.logTypes, p.Summary, p.Source, c.summary, c.source)
		}
	}
	m := destinationtest.Blank()
	m.AlertID = " "
	if p := decode(t, m).Payload; p.Summary == "" || p.Source != "unknown" {
		t.Errorf("nothing at all: got summary %q and source %q, want words", p.Summary, p.Source)
	}
}

// TestRender_KeepsTheContextAcceptable has contexts that readers of JSON refuse, or that would mislead people. Whoever an alert
// is about must not decide whether it pages.
func TestRender_KeepsTheContextAcceptable(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		`{"a" : [1.50, 12345678901234567890, -0, true, null], "é":"<&> \\ \" \u00e9"}`: `{"a":[1.50,12345678901234567890,-0,true,null],"é":"<&> \\ \" é"}`,
		`{"a":1e999999,"b":-1E+400,"c":1e300}`:                                         `{"a":"1e999999","b":"-1E+400","c":1e300}`,
		`{"nul\u0000":"\u0000 \u001b[31m \u202egpj.exe\u2066 \ud800 \u200bz\n\ty"}`:    `{"nul�":"� �[31m �gpj.exe� � z\n\ty"}`,
		`{"a":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`:              `{"a":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`,
		`{"a":1,"title":"not this one","routing_key":"x"}`:                             `{"a":1,"title":"not this one","routing_key":"x"}`,
		`{"b":{"a":1,"a":2}}`: "",
		`{"b\u200b":1,"b":2}`: "",
		`{"a":` + strings.Repeat(`{"a":`, 9_900) + "1" + strings.Repeat("}", 9_900) + `}`: "",
	} {
		m := destinationtest.Message()
		m.Alert.Context = json.RawMessage(context)
		details := decode(t, m).Payload.Details
		got := string(details.Context)
		if want == "" { // too deep for an object, or not the same to every reader
			var text string
			if err := json.Unmarshal(details.Context, &text); err != nil || !strings.HasPrefix(text, "{\n  \"") {
				t.Errorf("%.60s: got %.80s (error %v), want a text", context, got, err)
			}
			continue
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", context, got, want)
		}
		if details.Title != m.Alert.Title() {
			t.Errorf("%s: got title %q", context, details.Title)
		}
	}
}

func TestRender_BoundsLists(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.LogTypes = append(make([]string, 100_000), slices.Repeat([]string{"AWS.CloudTrail"}, 100_000)...)
	m.Alert.Detection.Tags = m.Alert.LogTypes
	body, cut := pagerduty.Render(pagerduty.Config{RoutingKey: routingKey}, m)
	if len(body) > 16<<10 || !cut {
		t.Errorf("got %d bytes (cut %t), want a few", len(body), cut)
	}
	if d := decode(t, m).Payload; len(d.Details.Tags) != 50 || len(d.Details.LogTypes) != 50 || !strings.HasPrefix(d.Source, "AWS.CloudTrail, ") {
		t.Errorf("got %d tags, %d log types and source %.40q, want 50 each that are not blank", len(d.Details.Tags), len(d.Details.LogTypes), d.Source)
	}
}

func TestRender_HashesLongDedupKeys(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, id := range []string{"short", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("y", 256)} {
		m := destinationtest.Message()
		m.AlertID = id
		key := decode(t, m).DedupKey
		if len(key) > 255 || (len(id) <= 255 && key != id) || keys[key] {
			t.Errorf("alert id %s: got dedup key %q", id, key)
		}
		keys[key] = true
	}
}

func TestRender_TakesTheUsersWordForASeverity(t *testing.T) {
	t.Parallel()
	config := pagerduty.Config{RoutingKey: routingKey, SeverityMap: map[alert.Severity]string{alert.High: "critical", alert.Info: "warning"}}
	for severity, want := range map[alert.Severity]string{
		alert.Critical: "critical", alert.High: "critical", alert.Medium: "warning", alert.Low: "info", alert.Info: "warning",
	} {
		m := destinationtest.Message()
		m.Severity = severity
		if got := decodeAs(t, config, m).Payload.Severity; got != want {
			t.Errorf("%s: got %q, want %q", severity, got, want)
		}
		m.Test = true
		if got := decodeAs(t, config, m).Payload.Severity; got != "info" {
			t.Errorf("a test: got %q, want info", got)
		}
	}
}

func TestRender_AddsTheUsersDetails(t *testing.T) {
	t.Parallel()
	own := map[string]string{"team": "soc", "severity": "always", "a\"b": "<c>"}
	body, cut := pagerduty.Render(pagerduty.Config{RoutingKey: routingKey, CustomDetails: own}, destinationtest.Message())
	var ev struct {
		Payload struct {
			Details map[string]any `json:"custom_details"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Fatal(err)
	}
	d := ev.Payload.Details
	for name, want := range own {
		if d[name] != want {
			t.Errorf("%s: got %v, want %q", name, d[name], want)
		}
	}
	if d["alert_id"] != "b4b3f0d2c1e04f6f" || d["context"] == nil || strings.Count(string(body), `"severity":"always"`) != 1 || cut {
		t.Errorf("got %s (cut %t), want the alert's details too, each name once", body, cut)
	}

	// The context gives way to them, and the event stays within the limit.
	own["team"] = strings.Repeat(`"`, 7_900)
	body, cut = pagerduty.Render(pagerduty.Config{RoutingKey: routingKey, CustomDetails: own}, destinationtest.Overlong(strings.Repeat(`"`, 600_000)))
	if len(body) >= maxEvent || len(body) < maxEvent*9/10 || !cut || !json.Valid(body) {
		t.Errorf("got %d bytes (cut %t), want nearly %d", len(body), cut, maxEvent)
	}
}

func TestRender_ShowsWhatIsSentButTheKey(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Title = new("the key " + routingKey.Reveal() + " got out")
	config := pagerduty.Config{RoutingKey: routingKey}
	sender, err := pagerduty.New(config, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := pagerduty.Render(config, m)
	if want := strings.Replace(string(sent), routingKey.Reveal(), secret.Mask, 1); string(got.Body) != want || !strings.Contains(want, "the key "+routingKey.Reveal()) {
		t.Errorf("got %s, want %s", got.Body, want)
	}
}

// TestSend_ReadsTheRefusal uses bodies in the form of
// https://developer.pagerduty.com/api-reference/368ae3d938c9e-send-an-event-to-pager-duty
func TestSend_ReadsTheRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body       string
		retryAfter string
		want       destination.Outcome
		text       string
	}{
		{
			400, `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)","'payload.summary' is missing or blank"]}`, "",
			destination.OutcomePermanent,
			"400 Bad Request: Event object is invalid; Length of 'routing_key' is incorrect (should be 32 characters); 'payload.summary' is missing or blank",
		},
		{400, `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key ` + routingKey.Reveal() + `"]}`, "", destination.OutcomePermanent, "Invalid routing key [secret]"},
		{400, `{"status":"Unrecognized object","message":"Event object format is unrecognized","errors":["JSON parse error"]}`, "", destination.OutcomePermanent, "JSON parse error"},
		{400, `{"status":"invalid event","message":"` + strings.Repeat("x", 3000) + `","errors":[]}`, "", destination.OutcomePermanent, "xxx…"},
		{413, `<html>Request Entity Too Large</html>`, "", destination.OutcomePermanent, "413 Request Entity Too Large"},
		{429, `{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly.  Please retry later.","errors":["Enhance Your Calm."]}`, "", destination.OutcomeRetry, "Requests for this service are arriving too quickly. Please retry later."},
		{429, ``, "30", destination.OutcomeWait, "429 Too Many Requests"},
		{500, `{"status":"error","message":"internal"}`, "", destination.OutcomeRetry, "internal"},
		{202, `{"status":"success","message":"Event processed"}`, "", destination.OutcomeAmbiguous, "names no dedup_key"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		v := &vendor{Server: server, config: pagerduty.Config{RoutingKey: routingKey, APIURL: server.URL}}
		receipt, err := v.send(t, destinationtest.Message())
		server.Close()
		if outcome, _ := destination.OutcomeOf(err); outcome != c.want || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 700 {
			t.Errorf("%d %s: got %s (error %v), want %s with %q", c.status, c.body, outcome, err, c.want, c.text)
		}
		if receipt.StatusCode != c.status || strings.Contains(receipt.Message+err.Error(), routingKey.Reveal()) {
			t.Errorf("%d: got %+v, error %v", c.status, receipt, err)
		}
	}
}

func TestSend_ResolvesWhatATestTriggers(t *testing.T) {
	t.Parallel()
	vendor := newVendor(t, http.StatusAccepted, http.StatusAccepted)
	receipt, err := vendor.send(t, destinationtest.Test())
	if err != nil {
		t.Fatal(err)
	}
	events := vendor.events()
	if len(events) != 2 || events[0].Action != "trigger" || events[1].Action != "resolve" {
		t.Fatalf("got %+v, want trigger and resolve", events)
	}
	if events[0].DedupKey != events[1].DedupKey || events[0].DedupKey == destinationtest.Test().DedupKey() {
		t.Errorf("got keys %q and %q, want one that no real alert has", events[0].DedupKey, events[1].DedupKey)
	}
	if events[0].Payload.Severity != "info" {
		t.Errorf("got severity %q, want info", events[0].Payload.Severity)
	}
	if receipt.ExternalID != events[0].DedupKey {
		t.Errorf("got external id %q, want %q", receipt.ExternalID, events[0].DedupKey)
	}
}

func TestSend_SaysThatATestStaysOpen(t *testing.T) {
	t.Parallel()
	vendor := newVendor(t, http.StatusAccepted, http.StatusBadRequest)
	receipt, err := vendor.send(t, destinationtest.Test())
	if err == nil || !strings.Contains(err.Error(), "not resolved") || receipt.StatusCode != http.StatusAccepted {
		t.Errorf("got %+v, error %v, want one that says so", receipt, err)
	}
}

func TestSend_ResolvesNoRealAlert(t *testing.T) {
	t.Parallel()
	vendor := newVendor(t, http.StatusAccepted)
	if _, err := vendor.send(t, destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	if events := vendor.events(); len(events) != 1 || events[0].Action != "trigger" {
		t.Errorf("got %+v, want one trigger", events)
	}
}

func TestConfig_ChoosesTheAddress(t *testing.T) {
	t.Parallel()
	vendor := newVendor(t, 202, 202, 202, 202, 202, 202, 202)
	for suffix, want := range map[string]string{
		"": "/v2/enqueue", "/": "/v2/enqueue", "/v2": "/v2/enqueue", "/v2/": "/v2/enqueue", "/pd": "/pd/v2/enqueue", "/pd/v2/enqueue": "/pd/v2/enqueue", "/pd/v2/enqueue/": "/pd/v2/enqueue",
	} {
		vendor.config.APIURL = vendor.URL + suffix
		if _, err := vendor.send(t, destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		if got := vendor.lastPath(); got != want {
			t.Errorf("api_url with path %q: got %s, want %s", suffix, got, want)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const key = `"routing_key":"e93facc04764012d7bfb002500d5d1a6"`
	for config, want := range map[string][]string{
		`{` + key + `}`: nil,
		`{` + key + `,"region":"eu","client":"x"}`:                  nil,
		`{` + key + `,"region":"EU"}`:                               {"/region"},
		`{` + key + `,"region":"ap"}`:                               {"/region"},
		`{` + key + `,"api_url":"events.pagerduty.com"}`:            {"/api_url"},
		`{` + key + `,"client":"` + strings.Repeat("x", 256) + `"}`: {"/client"},
		`{}`: {"/routing_key"},
		`{"routing_key":"hidden","region":"x","api_url":"x"}`:                      {"/api_url", "/region", "/routing_key"},
		`{"routing_key":"e93facc04764012d7bfb002500d5d1a-"}`:                       {"/routing_key"},
		`{"routing_key":"e93facc04764012d7bfb002500d5d1a6hidden"}`:                 {"/routing_key"},
		`{` + key + `,"severity":"critical"}`:                                      {"/severity"},
		`{` + key + `,"client":"a\nb"}`:                                            {"/client"},
		`{` + key + `,"severity_map":{"LOW":"warning"}}`:                           nil,
		`{` + key + `,"severity_map":{"low":"warning","HIGH":"P1","INFO":""}}`:     {"/severity_map/HIGH", "/severity_map/INFO", "/severity_map/low"},
		`{` + key + `,"custom_details":{"team":"soc"}}`:                            nil,
		`{` + key + `,"custom_details":{"":"a","b/c":"d\u0000"," e":"f"}}`:         {"/custom_details/", "/custom_details/ e", "/custom_details/b~1c"},
		`{` + key + `,"custom_details":{"a":"` + strings.Repeat("x", 8000) + `"}}`: {"/custom_details"},
	} {
		_, _, err := pagerduty.Type.Split(json.RawMessage(config), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", config, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", config, err)
		}
	}
}

func TestConfig_HasDefaults(t *testing.T) {
	t.Parallel()
	public, secrets, err := pagerduty.Type.Split(json.RawMessage(`{"routing_key":"e93facc04764012d7bfb002500d5d1a6"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(public), `{"client":"alertrouter","region":"us"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(secrets) != 1 || secrets["routing_key"] == nil {
		t.Errorf("got secrets %v, want routing_key", len(secrets))
	}
}

// event is what the tests look at.
type event struct {
	Action   string `json:"event_action"`
	DedupKey string `json:"dedup_key"`
	Payload  struct {
		Summary  string `json:"summary"`
		Source   string `json:"source"`
		Severity string `json:"severity"`
		Details  struct {
			Title    string          `json:"title"`
			Context  json.RawMessage `json:"context"`
			LogTypes []string        `json:"log_types"`
			Tags     []string        `json:"tags"`
		} `json:"custom_details"`
	} `json:"payload"`
}

func decode(t *testing.T, m *destination.Message) event {
	t.Helper()
	return decodeAs(t, pagerduty.Config{RoutingKey: routingKey}, m)
}

func decodeAs(t *testing.T, c pagerduty.Config, m *destination.Message) event {
	t.Helper()
	body, _ := pagerduty.Render(c, m)
	var ev event
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

// vendor answers as PagerDuty does, with one status after the other.
type vendor struct {
	*httptest.Server
	config pagerduty.Config

	mu     sync.Mutex
	seen   []event
	path   string
	status []int
}

func newVendor(t *testing.T, status ...int) *vendor {
	t.Helper()
	v := &vendor{status: status}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var ev event
		if err := json.Unmarshal(body, &ev); err != nil {
			t.Error(err)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		w.WriteHeader(v.status[len(v.seen)])
		v.seen, v.path = append(v.seen, ev), r.URL.Path
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"`+ev.DedupKey+`"}`)
	}))
	t.Cleanup(v.Close)
	v.config = pagerduty.Config{RoutingKey: routingKey, Region: "us", APIURL: v.URL}
	return v
}

func (v *vendor) send(t *testing.T, m *destination.Message) (destination.Receipt, error) {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	sender, err := pagerduty.New(v.config, destination.Env{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return sender.Send(t.Context(), m)
}

func (v *vendor) events() []event {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.seen)
}

func (v *vendor) lastPath() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.path
}

// contract judges requests by PagerDuty's own description of its API.
type contract struct{ router routers.Router }

func newContract(t *testing.T) contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(destinationtest.Shared(t, "contracts/pagerduty-events-v2.openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://events.pagerduty.com/v2"}}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation()) // theirs do not pass
	if err != nil {
		t.Fatal(err)
	}
	return contract{router}
}

func (c contract) validate(t *testing.T, body []byte) error {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://events.pagerduty.com/v2/enqueue", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatal(err)
	}
	return openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}
