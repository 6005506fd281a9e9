// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// rendered is the answer of a preview.
type rendered struct {
	Type, Severity string
	Body           json.RawMessage
	Bytes          int
	Truncated      bool
	Notes          []string
}

func TestRender_ShowsWhatIsSent(t *testing.T) {
	t.Parallel()
	received := make(chan []byte, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		received <- raw
	}))
	defer receiver.Close()
	s := servertest.Start(t, func(c *server.Config) { c.PublicURL = "https://alerts.example.com" })
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", fmt.Sprintf(`{"display_name":"A","severities":["HIGH"],"config":{"webhook":{"url":%q}}}`, receiver.URL))
	const alert = "{\"alert_id\":\"a1\",\"created_at\":\"2026-11-21T03:35:24Z\",\"type\":\"RULE\",\"detection\":{\"id\":\"d\",\"severity\":\"high\"},\"context\":{ \"b\":1.50,\t\"n\" :12345678901234567890,\"t\":\"<&>\\/\" }}"
	var preview rendered
	admin(t, s, 200, &preview, "POST", "/v1/destinations/"+d.ID+"/render", `{"alert":`+alert+`}`)
	if len(received) > 0 {
		t.Fatalf("the receiver got %s", <-received)
	}
	admin(t, s, 202, nil, "POST", "/v1/alerts", alert)
	if sent := string(<-received); string(preview.Body) != sent || preview.Bytes != len(sent) {
		t.Errorf("got %s (%d bytes), and %s was sent", preview.Body, preview.Bytes, sent)
	}
	if preview.Type != "webhook" || preview.Severity != "HIGH" || preview.Truncated || preview.Notes == nil || len(preview.Notes) != 0 {
		t.Errorf("got %+v", preview)
	}
	destinationtest.CheckPayload(t, preview.Body)

	var accepted rendered
	admin(t, s, 200, &accepted, "POST", "/v1/destinations/"+d.ID+"/render", `{"alert_id":"a1"}`)
	if string(accepted.Body) != string(preview.Body) {
		t.Errorf("by its id: got %s, want %s", accepted.Body, preview.Body)
	}
	for _, sample := range []any{nil, `{}`, `{"alert":null}`} {
		admin(t, s, 200, &accepted, "POST", "/v1/destinations/"+d.ID+"/render", sample)
		destinationtest.CheckPayload(t, accepted.Body)
	}
}

func TestRender_OfADraftNeedsNothingStored(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	draft := func(config, more string) string {
		return `{"display_name":"A","severities":["HIGH"],"config":` + config + more + `}`
	}
	var r rendered
	const slack = `{"slack":{"webhook_url":"https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXXXXXX","mention":"@here"}}`
	admin(t, s, 200, &r, "POST", "/v1/destinations/render", draft(slack, ""))
	if r.Type != "slack" || r.Severity != "HIGH" || !strings.Contains(string(r.Body), "Root login") {
		t.Errorf("got %+v", r)
	}
	admin(t, s, 200, &r, "POST", "/v1/destinations/render", draft(slack, `,"alert":{"type":"RULE","detection":{"id":"d","severity":"LOW"},"generated":{"title":"`+strings.Repeat("x", 5_000)+`"}}`))
	if !r.Truncated || r.Severity != "LOW" {
		t.Errorf("got %+v, want it truncated", r)
	}
	var list struct{ Items []any }
	admin(t, s, 200, &list, "GET", "/v1/destinations", nil)
	if len(list.Items) != 0 {
		t.Errorf("got %v stored", list.Items)
	}
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", draft(slack, ""))
	admin(t, s, 200, &r, "POST", "/v1/destinations/render?id="+d.ID, draft(`{"slack":{"mention":"@channel"}}`, ""))
	if !strings.Contains(string(r.Body), "<!channel>") {
		t.Errorf("got %s, want the draft's mention and the stored secret", r.Body)
	}
}

func TestRender_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", body("A", ""))
	saved, unsaved := "/v1/destinations/"+d.ID+"/render", "/v1/destinations/render"
	const alert = `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`
	for _, c := range []struct {
		path, body string
		status     int
		fields     []string
	}{
		{saved, `{"alert":{"type":"NOPE","detection":{"id":"d"}},"alert_id":""}`, 422, []string{"/alert/detection/severity", "/alert/type", "/alert_id"}},
		{saved, `{"alert":{"type":"RULE","detection":{"id":"d","severity":"LOW"},"created_at":"x"}}`, 422, []string{"/alert/created_at"}},
		{saved, `{"alert":` + alert + `,"alert_id":"x"}`, 422, []string{"/alert_id"}},
		{saved, `{"alert":` + alert + `,"alert":` + alert + `}`, 422, []string{"/alert"}},
		{saved, `{"alert":[],"nope":1}`, 422, []string{"/alert", "/nope"}},
		{saved, `{"alert_id":"nobody"}`, 404, nil},
		{saved, `{"alert":{"type"`, 400, nil},
		{saved, `{"alert":` + alert + `}}`, 400, nil},
		{saved, `[]`, 422, []string{""}},
		{"/v1/destinations/nobody/render", ``, 404, nil},
		{unsaved, body("A", `,"alert":`+alert), 200, nil}, // the name is taken, which is no matter here
		{unsaved, `{"alert":` + alert + `}`, 422, []string{"/config", "/display_name", "/severities"}},
		{unsaved, `{"display_name":"B","severities":[],"config":{"webhook":{"url":"x","timeout_seconds":0}},"alert":{}}`, 422, []string{"/alert/detection", "/alert/detection/id", "/alert/detection/severity", "/alert/type", "/config/webhook/timeout_seconds"}},
		{unsaved, `{"display_name":"B","severities":[],"config":{"webhook":{"url":"x"}},"alert":` + alert + `}`, 422, []string{"/config/webhook/url"}},
		{unsaved + "?id=nobody", body("B", ""), 404, nil},
	} {
		a := call(t, s, s.Token, "POST", c.path, c.body)
		var got []string
		if a.status != 200 {
			got = fieldsOf(t, a)
		}
		if a.status != c.status || !slices.Equal(got, c.fields) {
			t.Errorf("%s %s: got %d %s, want %d and the fields %q", c.path, c.body, a.status, a.body, c.status, c.fields)
		}
	}
}

func TestRender_OfAnAcceptedAlertNeedsItsPermission(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", body("A", ""))
	admin(t, s, 202, nil, "POST", "/v1/alerts", `{"alert_id":"a1","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
	var token struct{ Secret string }
	admin(t, s, 201, &token, "POST", "/v1/tokens", map[string]any{"name": "limited", "permissions": []string{"destinations:read"}})
	if a := call(t, s, token.Secret, "POST", "/v1/destinations/"+d.ID+"/render", `{"alert_id":"a1"}`); a.status != 403 || !strings.Contains(string(a.body), "alerts:read") {
		t.Errorf("got %d %s, want 403 that names alerts:read", a.status, a.body)
	}
	if a := call(t, s, token.Secret, "POST", "/v1/destinations/"+d.ID+"/render", nil); a.status != 200 {
		t.Errorf("a sample: got %d %s", a.status, a.body)
	}
}

// TestRender_TellsNothingOfASecret has alerts that quote the secrets of a stored destination: who guesses them right is shown
// what he wrote, as who guesses wrong is.
func TestRender_TellsNothingOfASecret(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	const config = `{"webhook":{"secret_url":"https://soar.example.com/hooks/8c6f1f7a0d?t=c0ffee1234","secret_headers":{"X-Key":"k-\"quoted\"\t1"},` +
		`"basic_username":"u","basic_password":"correct horse"}}`
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", `{"display_name":"A","severities":[],"config":`+config+`}`)
	render := func(path, more, guess string) string {
		var r rendered
		quoted, _ := json.Marshal(guess)
		alert := fmt.Sprintf(`{"alert_id":"a1","created_at":"2026-11-21T03:35:24Z","type":"RULE","detection":{"id":"d","severity":"LOW","description":%s,"tags":[%[1]s]},"context":{%[1]s:%[1]s}}`, quoted)
		admin(t, s, 200, &r, "POST", path, `{`+more+`"alert":`+alert+`}`)
		if n := strings.Count(string(r.Body), strings.Trim(string(quoted), `"`)); n < 4 {
			t.Errorf("got %s, want %s in it as the alert has it", r.Body, quoted)
		}
		return strings.ReplaceAll(string(r.Body), strings.Trim(string(quoted), `"`), "GUESS")
	}
	for _, path := range []struct{ path, more string }{
		{"/v1/destinations/" + d.ID + "/render", ""},
		{"/v1/destinations/render?id=" + d.ID, `"display_name":"A","severities":[],"config":` + config + `,`},
	} {
		want := render(path.path, path.more, "a wrong guess")
		for _, right := range []string{"correct horse", "k-\"quoted\"\t1", "8c6f1f7a0d", "https://soar.example.com/hooks/8c6f1f7a0d?t=c0ffee1234", "dTpjb3JyZWN0IGhvcnNl"} {
			if got := render(path.path, path.more, right); got != want {
				t.Errorf("%s, %q: got %s, want %s as with a wrong guess", path.path, right, got, want)
			}
		}
	}
}

func TestRender_OfALargeAlert(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var d shown
	admin(t, s, 201, &d, "POST", "/v1/destinations", body("A", ""))
	context := `{"text":"` + strings.Repeat("0123456789abcdef", 7<<16) + `"}`
	var r rendered
	admin(t, s, 200, &r, "POST", "/v1/destinations/"+d.ID+"/render", `{"alert":{"type":"RULE","detection":{"id":"d","severity":"LOW"},"context":`+context+`}}`)
	if !strings.Contains(string(r.Body), context) || r.Bytes != len(r.Body) {
		t.Errorf("got %d bytes and %d of body", r.Bytes, len(r.Body))
	}
	if a := call(t, s, s.Token, "POST", "/v1/destinations/"+d.ID+"/render", `{"alert":"`+strings.Repeat("x", 8<<20)+`"}`); a.status != 413 {
		t.Errorf("9 MiB: got %d", a.status)
	}
}

// TestDelivery_OfWhatATemplateCannotSayGoesToTheFallback sends nothing in another form than the receiver expects.
func TestDelivery_OfWhatATemplateCannotSayGoesToTheFallback(t *testing.T) {
	t.Parallel()
	own, other := make(chan []byte, 10), make(chan []byte, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/own" {
			own <- raw
		} else {
			other <- raw
		}
	}))
	defer receiver.Close()
	s := servertest.Start(t)
	var b, a shown
	admin(t, s, 201, &b, "POST", "/v1/destinations", fmt.Sprintf(`{"display_name":"B","severities":[],"alert_types":["RULE"],"config":{"webhook":{"url":%q}}}`, receiver.URL))
	const template = `{\"ip\": {{ index .context.ips 0 }}}`
	admin(t, s, 201, &a, "POST", "/v1/destinations", fmt.Sprintf(
		`{"display_name":"A \"1\"","severities":["HIGH"],"fallback":%q,"config":{"webhook":{"url":%q,"body_template":"%s"}}}`, b.ID, receiver.URL+"/own",
		`{{ if .context.ips }}`+template+`{{ else }}{}{{ end }}`))
	send := func(id, context string) {
		t.Helper()
		admin(t, s, 202, nil, "POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"HIGH"},"context":`+context+`}`)
	}
	send("good", `{"ips":["198.51.100.7"]}`)
	if got := string(<-own); got != `{"ip": "198.51.100.7"}` {
		t.Errorf("got %s, want what the template makes", got)
	}
	send("odd", `{"ips":198}`)
	got := <-other
	destinationtest.CheckPayload(t, got)
	var payload struct{ AlertID, FallbackOf string }
	if err := json.Unmarshal(got, &payload); err != nil || payload.AlertID != "odd" || payload.FallbackOf != `A "1"` {
		t.Errorf("the fallback got %s", got)
	}
	if len(own) > 0 {
		t.Errorf("the receiver with a form of its own got %s", <-own)
	}
	answer := call(t, s, s.Token, "POST", "/v1/destinations/"+a.ID+"/render", `{"alert_id":"odd"}`)
	if names := fieldsOf(t, answer); answer.status != 422 || !slices.Equal(names, []string{"/config/webhook/body_template"}) {
		t.Errorf("the preview: got %d %s, want 422 that names the template", answer.status, answer.body)
	}
	list := admin(t, s, 200, nil, "GET", "/v1/deliveries?state=FAILED", nil)
	if !strings.Contains(string(list.body), "the body template makes nothing of this alert that can be sent") || !strings.Contains(string(list.body), `"reason":"PERMANENT"`) {
		t.Errorf("got %s, want why it failed", list.body)
	}
}
