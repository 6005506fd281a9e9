// SPDX-License-Identifier: MPL-2.0

package opsgenie_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/opsgenie"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

const (
	apiKey   = "eb243592-faa2-4ba2-a551-1afdf565c889"
	request  = "43a29c5c-3dbf-4fa4-9c26-f4f71023e120"
	accepted = `{"result":"Request will be processed","took":0.302,"requestId":"` + request + `"}`
	created  = `{"data":{"success":true,"action":"Create","isSuccess":true,"status":"Created alert","alertId":"8743a1b2-11da-480e-8493-744660987bef",` +
		`"alias":"x"},"took":0.022,"requestId":"` + request + `"}`
	pending = `{"message":"Request not found. It might not be processed, yet.","took":0.003,"requestId":"` + request + `"}`
)

// TestSend_ReadsTheRefusal uses bodies as https://docs.opsgenie.com/docs/response has them.
func TestSend_ReadsTheRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reply  reply
		want   destination.Outcome
		wait   time.Duration
		errors []string
	}{
		{
			"a field",
			reply{422, `{"message":"Request body is not processable. Please check the errors.","errors":{"priority":"should be one of [ P1, P2 ]","message":"can not be empty"},"took":0.083,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"422 Unprocessable Entity: Request body is not processable. Please check the errors; message: can not be empty; priority: should be one of [ P1, P2 ]"},
		},
		{
			"not JSON",
			reply{400, `{"message":"Could not parse json body","took":0.001,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"Could not parse json body"},
		},
		{
			"a wrong key",
			reply{401, `{"message":"Could not authenticate ` + apiKey + `","took":0.001,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"401 Unauthorized: Could not authenticate [secret]", "the key is wrong or of another service or region"},
		},
		{
			"the plan",
			reply{402, `{"message":"Your plan does not allow it","took":0.001,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"402 Payment Required: Your plan does not allow it", "the plan of the account"},
		},
		{
			"another kind of key",
			reply{403, `{"code":40301,"message":"To perform this action, use an API key from an API integration.","took":0.001,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"use an API key from an API integration", "read, create and update"},
		},
		{
			"not supported",
			reply{403, `{"code":40302,"message":"Not supported","took":0.001,"requestId":"r"}`, nil},
			destination.OutcomePermanent, 0,
			[]string{"the account does not support this request"},
		},
		{
			"too many a minute",
			reply{429, `{"message":"TooManyRequests","took":1,"requestId":"r"}`, http.Header{"X-Ratelimit-State": {"THROTTLED"}, "X-Ratelimit-Reason": {"ACCOUNT"}, "X-Ratelimit-Period-In-Sec": {"60"}}},
			destination.OutcomeWait, time.Minute,
			[]string{"TooManyRequests"},
		},
		{
			"too many a second",
			reply{429, ``, http.Header{"X-Ratelimit-Period-In-Sec": {"1"}}},
			destination.OutcomeWait, time.Second,
			[]string{"429"},
		},
		{
			"too many, and when to come back",
			reply{429, ``, http.Header{"X-Ratelimit-Period-In-Sec": {"60"}, "Retry-After": {"5"}}},
			destination.OutcomeWait, 5 * time.Second, nil,
		},
		{
			"too many, nonsense",
			reply{429, ``, http.Header{"X-Ratelimit-Period-In-Sec": {"-1"}}},
			destination.OutcomeRetry, 0, nil,
		},
		{"their fault", reply{500, `{"message":"Internal Server Error","took":0.1,"requestId":"r"}`, nil}, destination.OutcomeRetry, 0, []string{"Internal Server Error"}},
		{"a page", reply{503, `<html>maintenance</html>`, nil}, destination.OutcomeRetry, 0, []string{"503"}},
		{"many errors", reply{422, `{"message":"no","errors":{"tags":"` + strings.Repeat("x", 3000) + `"}}`, nil}, destination.OutcomePermanent, 0, []string{"tags: xxx", "…"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, c.reply)
			receipt, err := v.send(t.Context(), t, destinationtest.Message())
			if outcome, wait := destination.OutcomeOf(err); outcome != c.want || wait != c.wait {
				t.Errorf("got %s after %s (error %v), want %s after %s", outcome, wait, err, c.want, c.wait)
			}
			for _, text := range c.errors {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("got error %q, want one with %q", err, text)
				}
			}
			if all := fmt.Sprint(err, receipt); strings.Contains(all, apiKey) || len(err.Error()) > 800 {
				t.Errorf("got error %q and %+v, want them short and without the key", err, receipt)
			}
		})
	}
}

func TestSend_WantsTheIDOfARequest(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"result":"ok","took":1}`, `{"requestId":""}`, `{"requestId":"../../close"}`, `{"requestId":7}`} {
		v := newVendor(t, reply{202, body, nil})
		receipt, err := v.send(t.Context(), t, destinationtest.Message())
		if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous || receipt.ExternalID != "" {
			t.Errorf("%s: got %s (error %v) and %+v, want AMBIGUOUS", body, outcome, err, receipt)
		}
	}
}

func TestSend_CreatesOneAlertHoweverOften(t *testing.T) {
	t.Parallel()
	v := newVendor(t, reply{502, ``, nil}, reply{202, accepted, nil}, reply{202, accepted, nil})
	for attempt := range 3 {
		m := destinationtest.Message()
		m.Attempt, m.Again = attempt+1, attempt > 0
		receipt, err := v.send(t.Context(), t, m)
		if attempt > 0 && (err != nil || receipt.ExternalID != "b4b3f0d2c1e04f6f") {
			t.Errorf("attempt %d: got %+v, error %v", attempt+1, receipt, err)
		}
	}
	for _, r := range v.requests() {
		if r.line != "POST /v2/alerts" || r.key != "GenieKey "+apiKey || r.alert.Alias != "b4b3f0d2c1e04f6f" {
			t.Errorf("got %s with alias %q, want POST /v2/alerts with the same alias every time", r.line, r.alert.Alias)
		}
	}
	if n := len(v.requests()); n != 3 {
		t.Errorf("got %d requests for 3 attempts: a real alert is not asked after", n)
	}
}

func TestSend_ProvesATestAndClosesIt(t *testing.T) {
	t.Parallel()
	v := newVendor(t, reply{202, accepted, nil}, reply{404, pending, nil}, reply{502, ``, nil}, reply{200, created, nil}, reply{202, accepted, nil})
	receipt, err := v.send(t.Context(), t, destinationtest.Test())
	if err != nil {
		t.Fatal(err)
	}
	if receipt.StatusCode != 202 || receipt.ExternalID != "8743a1b2-11da-480e-8493-744660987bef" {
		t.Errorf("got %+v, want the answer to the alert, and its id", receipt)
	}
	var lines []string
	for _, r := range v.requests() {
		lines = append(lines, r.line)
		if r.key != "GenieKey "+apiKey {
			t.Errorf("%s: got Authorization %q", r.line, r.key)
		}
	}
	status := "GET /v2/alerts/requests/" + request
	if want := []string{"POST /v2/alerts", status, status, status, "POST /v2/alerts/test-b4b3f0d2c1e04f6f/close?identifierType=alias"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if sent := v.requests()[0].alert; sent.Priority != "P5" || sent.Alias != "test-b4b3f0d2c1e04f6f" {
		t.Errorf("got %+v, want the lowest priority and an alias that no real alert has", sent)
	}
}

func TestSend_SaysWhatIsWrongWithATest(t *testing.T) {
	t.Parallel()
	denied := reply{403, `{"code":40301,"message":"no read access"}`, nil}
	failed := `{"data":{"success":false,"action":"Create","isSuccess":false,"status":"Responder does not exist","alertId":"","alias":""}}`
	for _, c := range []struct {
		name     string
		replies  []reply
		want     destination.Outcome
		text     string
		requests int
	}{
		{"it became no alert", []reply{{202, accepted, nil}, {200, failed, nil}}, destination.OutcomePermanent, "did not become an alert: Responder does not exist", 2},
		{"what became of it is secret", []reply{{202, accepted, nil}, denied, {202, accepted, nil}}, destination.OutcomePermanent, "cannot be read", 3},
		{"it is not closed", []reply{{202, accepted, nil}, {200, created, nil}, denied}, destination.OutcomePermanent, "created, but not closed", 3},
		{"a wrong key", []reply{{401, ``, nil}}, destination.OutcomePermanent, "the key is wrong", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, c.replies...)
			_, err := v.send(t.Context(), t, destinationtest.Test())
			if outcome, _ := destination.OutcomeOf(err); outcome != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %s (error %v), want %s with %q", outcome, err, c.want, c.text)
			}
			if n := len(v.requests()); n != c.requests {
				t.Errorf("got %d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestSend_WaitsForATestOnlySoLong(t *testing.T) {
	t.Parallel()
	missing, taken := reply{404, pending, nil}, reply{202, accepted, nil}
	for _, c := range []struct {
		name  string
		alert reply
		want  destination.Outcome
	}{
		{"there is no alert", reply{404, `{"message":"Alert does not exist","took":0.001,"requestId":"r"}`, nil}, destination.OutcomeRetry},
		{"there is one", reply{200, `{"data":{"id":"70413a06-38d6-4c85-92b8-5ebc900d42e2","alias":"test-b4b3f0d2c1e04f6f","status":"open"},"took":0.1,"requestId":"r"}`, nil}, destination.OutcomeDelivered},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // of which half is for asking
			defer cancel()
			v := newVendor(t, taken, c.alert, taken)
			v.ofRequest = &missing
			receipt, err := v.send(ctx, t, destinationtest.Test())
			if outcome, _ := destination.OutcomeOf(err); outcome != c.want || (err != nil && !strings.Contains(err.Error(), "nothing came of it in time")) {
				t.Errorf("got %s (error %v), want %s", outcome, err, c.want)
			}
			if c.want == destination.OutcomeDelivered && receipt.ExternalID != "70413a06-38d6-4c85-92b8-5ebc900d42e2" {
				t.Errorf("got %+v, want the alert's id", receipt)
			}
			var lines []string
			for _, r := range v.requests() {
				lines = append(lines, r.line)
			}
			if asked := slices.Compact(lines); len(asked) != 4 || asked[1] != "GET /v2/alerts/requests/43a29c5c-3dbf-4fa4-9c26-f4f71023e120" ||
				asked[2] != "GET /v2/alerts/test-b4b3f0d2c1e04f6f?identifierType=alias" || !strings.HasPrefix(asked[3], "POST /v2/alerts/test-b4b3f0d2c1e04f6f/close") {
				t.Errorf("got %q, want the request and then the alert to be asked for, and closed", lines)
			}
		})
	}
}

func TestConfig_ChoosesTheAddress(t *testing.T) {
	t.Parallel()
	for suffix, want := range map[string]string{
		"": "/v2/alerts", "/": "/v2/alerts", "/v2": "/v2/alerts", "/v2/alerts/": "/v2/alerts",
		"/jsm/ops/integration": "/jsm/ops/integration/v2/alerts", "/jsm/ops/integration/v2/alerts": "/jsm/ops/integration/v2/alerts",
	} {
		v := newVendor(t, reply{202, accepted, nil})
		v.path = suffix
		if _, err := v.send(t.Context(), t, destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		if got := v.requests()[0].line; got != "POST "+want {
			t.Errorf("api_url with path %q: got %s, want POST %s", suffix, got, want)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	many := strings.TrimSuffix(strings.Repeat(`"t",`, 21), ",")
	team := `{"type":"team","name":"SOC"}`
	for config, want := range map[string][]string{
		``:                                      nil,
		`"api_key":null`:                        {"/api_key"},
		`"api_key":"hid den"`:                   {"/api_key"},
		`"api_key":"GenieKey hidden"`:           {"/api_key"},
		`"service":"opsgenie_us"`:               {"/service"},
		`"service":"opsgenie_eu","api_url":"x"`: {"/api_url"},
		`"responders":[` + team + `]`:           nil,
		`"responders":[{"type":"user","username":"a@b"}]`:             nil,
		`"responders":[{"type":"user","name":"a"}]`:                   {"/responders/0/name"},
		`"responders":[{"type":"team","username":"a"}]`:               {"/responders/0/username"},
		`"responders":[{"type":"team"}]`:                              {"/responders/0"},
		`"responders":[{"type":"team","id":"1","name":"a"}]`:          {"/responders/0"},
		`"responders":[{"type":"group","name":"a"}]`:                  {"/responders/0/type"},
		`"responders":[` + team + `,{"type":"team","name":"a\nb"}]`:   {"/responders/1/name"},
		`"responders":[` + strings.Repeat(team+",", 50) + team + `]`:  {"/responders"},
		`"visible_to":[{"type":"schedule","name":"a"}]`:               {"/visible_to/0/type"},
		`"priority_by_severity":{"HIGH":"P1","INFO":"P5"}`:            nil,
		`"priority_by_severity":{"high":"P1","LOW":"P6","INFO":"p1"}`: {"/priority_by_severity/INFO", "/priority_by_severity/LOW", "/priority_by_severity/high"},
		`"tags":["a",""," b"]`:                                        {"/tags/1", "/tags/2"},
		`"tags":[` + many + `]`:                                       {"/tags"},
		`"tags":["` + strings.Repeat("😀", 26) + `"]`:                  {"/tags/0"},
		`"actions":["` + long + `"]`:                                  {"/actions/0"},
		`"details":{"a":"b","":"c","d/e":"f\u0000"}`:                  {"/details/", "/details/d~1e"},
		`"details":{"a":"` + strings.Repeat("x", 4000) + `"}`:         {"/details"},
		`"entity":"` + long + `","source":"` + long + `"`:             {"/entity", "/source"},
		`"priority":"P1"`: {"/priority"},
	} {
		members := `{"api_key":"` + apiKey + `",` + config + `}`
		if strings.Contains(config, `"api_key"`) {
			members = `{` + config + `}`
		}
		members = strings.Replace(members, ",}", "}", 1)
		_, _, err := opsgenie.Type.Split(json.RawMessage(members), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", config, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hid") {
			t.Errorf("%s: the error %q quotes a secret", config, err)
		}
	}
}

func TestConfig_HasDefaults(t *testing.T) {
	t.Parallel()
	public, secrets, err := opsgenie.Type.Split(json.RawMessage(`{"api_key":"`+apiKey+`"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(public), `{"service":"opsgenie","source":"alertrouter"}`; got != want || len(secrets) != 1 {
		t.Errorf("got %s and %d secrets, want %s and one", got, len(secrets), want)
	}
}

// reply is one answer of the vendor's.
type reply struct {
	status int
	body   string
	header http.Header
}

// sent is a request as the vendor got it.
type sent struct {
	line, key string
	alert     alertBody
}

// alertBody is what the tests look at in a request that creates an alert.
type alertBody struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description"`
	Tags        []string          `json:"tags"`
	Details     map[string]string `json:"details"`
	Entity      string            `json:"entity"`
	Source      string            `json:"source"`
	Priority    string            `json:"priority"`
}

// vendor answers as it is told, one reply after the other.
type vendor struct {
	*httptest.Server
	path string // of api_url

	ofRequest *reply // what every question about a request gets, if it is not one of the replies

	mu      sync.Mutex
	replies []reply
	seen    []sent
}

func newVendor(t *testing.T, replies ...reply) *vendor {
	t.Helper()
	v := &vendor{replies: replies}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := sent{line: r.Method + " " + r.URL.RequestURI(), key: r.Header.Get("Authorization")}
		_ = json.Unmarshal(body, &got.alert)
		v.mu.Lock()
		defer v.mu.Unlock()
		answer := reply{500, "there are no more replies", nil}
		switch {
		case v.ofRequest != nil && strings.Contains(r.URL.Path, "/requests/"):
			answer = *v.ofRequest
		case len(v.replies) > 0:
			answer, v.replies = v.replies[0], v.replies[1:]
		}
		v.seen = append(v.seen, got)
		for name, values := range answer.header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) send(ctx context.Context, t *testing.T, m *destination.Message) (destination.Receipt, error) {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	return open(t, `{"api_key":"`+apiKey+`","api_url":"`+v.URL+v.path+`"}`, client).Send(ctx, m)
}

func (v *vendor) requests() []sent {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.seen)
}

// open makes a sender of a config as a user writes it.
func open(t *testing.T, config string, client *outbound.Client) destination.Sender {
	t.Helper()
	public, secrets, err := opsgenie.Type.Split(json.RawMessage(config), nil)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := opsgenie.Type.Open(public, secrets, destination.Env{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}
