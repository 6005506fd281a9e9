// SPDX-License-Identifier: MPL-2.0

package blinkops_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	blinkops "github.com/alertrouter/terraform-provider-alertrouter/server/destination/blink_ops"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

const (
	key   = "2b7c1f0a-6d3e-4c58-9a41-0e5d7f8b9c12"
	mb    = 1_000_000
	limit = 5 * mb // Blink's; a payload stays under it
)

var now = time.Unix(1_795_232_124, 0)

// payload is what the tests look at.
type payload struct {
	AlertID     string          `json:"alertId"`
	Description string          `json:"description"`
	Context     json.RawMessage `json:"alertContext"`
	Truncation  *struct {
		Fields []struct {
			Field    string `json:"field"`
			Original int    `json:"originalBytes"`
			Omitted  int    `json:"omittedBytes"`
		} `json:"fields"`
	} `json:"truncation"`
}

func TestSend_StaysUnderTheLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unit string
		size int
	}{
		"ASCII": {"x", 6 * mb}, "more ASCII": {"x", 8 * mb}, "two bytes": {"é", 8 * mb}, "emoji": {"😀", 6 * mb},
		"families": {"👨‍👩‍👧‍👦", 6 * mb}, "quotes": {`"`, 6 * mb}, "controls": {"\x01", 6 * mb},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Message()
			m.Alert.Context = contextOf(t, strings.Repeat(c.unit, c.size/len(c.unit)))
			body := deliver(t, m, true)
			var got payload
			decode(t, body, &got)
			if len(body) >= limit || len(body) < limit*99/100 {
				t.Errorf("got %d bytes, want nearly, but fewer than, %d", len(body), limit)
			}
			if got.Truncation == nil || len(got.Truncation.Fields) != 1 {
				t.Fatalf("got truncation %+v, want one of the context", got.Truncation)
			}
			f := got.Truncation.Fields[0]
			if f.Field != "alertContext" || f.Original != len(m.Alert.Context) || f.Omitted < f.Original-limit || f.Omitted > f.Original {
				t.Errorf("got %+v of a context of %d bytes", f, len(m.Alert.Context))
			}
			var context struct{ Text string }
			decode(t, got.Context, &context)
			if !strings.HasPrefix(context.Text, c.unit) || got.AlertID != m.AlertID {
				t.Errorf("got a context that begins %.40q in the payload of %q", context.Text, got.AlertID)
			}
			if strings.ContainsRune(context.Text, utf8.RuneError) {
				t.Error("a character was cut in two")
			}
		})
	}
}

func TestSend_StaysUnderTheLimitWhateverIsLarge(t *testing.T) {
	t.Parallel()
	for name, grow := range map[string]func(m *destination.Message, text string){
		"description": func(m *destination.Message, text string) { m.Alert.Detection.Description = text },
		"runbook":     func(m *destination.Message, text string) { m.Alert.Detection.Runbook = text },
		"tags": func(m *destination.Message, text string) {
			m.Alert.Detection.Tags = slices.Repeat([]string{text[:1000]}, len(text)/1000)
		},
		"description and context": func(m *destination.Message, text string) {
			m.Alert.Detection.Description = text
			m.Alert.Context = json.RawMessage(`{"text":"` + text + `"}`)
		},
		"context of many members": func(m *destination.Message, text string) {
			m.Alert.Context = json.RawMessage(`{"list":[` + strings.TrimSuffix(strings.Repeat(`{"a":1,"b":"é"},`, len(text)/16), ",") + `]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Message()
			grow(m, strings.Repeat("é", 4*mb))
			body := deliver(t, m, true)
			var got payload
			decode(t, body, &got)
			if len(body) >= limit || len(body) < limit*9/10 {
				t.Errorf("got %d bytes, want nearly, but fewer than, %d", len(body), limit)
			}
			if got.Truncation == nil || got.AlertID != m.AlertID || bytes.ContainsRune(body, utf8.RuneError) {
				t.Errorf("got truncation %+v in the payload of %q", got.Truncation, got.AlertID)
			}
			omitted := 0
			for _, f := range got.Truncation.Fields {
				omitted += f.Omitted
			}
			if omitted < 2*mb {
				t.Errorf("got %+v, want it to say that megabytes are gone", got.Truncation)
			}
		})
	}
}

func TestSend_LeavesWhatFitsAsItIs(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Context = contextOf(t, "")
	empty := len(deliver(t, m, false))
	m.Alert.Context = contextOf(t, strings.Repeat("x", limit-1-empty)) // one byte under the limit
	body := deliver(t, m, false)
	if len(body) != limit-1 || !bytes.Contains(body, m.Alert.Context) || !bytes.Contains(body, []byte(`"truncation":null`)) {
		t.Errorf("got %d bytes, want %d with the whole context", len(body), limit-1)
	}
	m.Alert.Context = contextOf(t, strings.Repeat("x", limit-empty))
	if body = deliver(t, m, true); len(body) >= limit || bytes.Contains(body, []byte(`"truncation":null`)) {
		t.Errorf("got %d bytes, want fewer than %d and a mark", len(body), limit)
	}
}

func TestSend_ShowsWhoItIsFrom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, secrets, want, requested string }{
		{"key", "/webhooks/a", `,"api_key":"` + key + `"`, key, "/webhooks/a"},
		{"key in the URL", "/webhooks/a?apikey=" + key, ``, "", "/webhooks/a?apikey=" + key},
		{"signature", "/webhooks/a", `,"signing_secret":"` + key + `"`, "signed", "/webhooks/a"},
		{"signature with a query", "/webhooks/a%20b?source=x%2Fy&z=é", `,"signing_secret":"` + key + `"`, "signed", "/webhooks/a%20b?source=x%2Fy&z=é"},
		{"signature with what no request has", "/webhooks/a?b=c#d", `,"signing_secret":"` + key + `"`, "signed", "/webhooks/a?b=c"},
		{"signature with what a request spells otherwise", "/webhooks/a é?b=c", `,"signing_secret":"` + key + `"`, "signed", "/webhooks/a%20%C3%A9?b=c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			if _, err := v.open(t, c.path, c.secrets).Send(t.Context(), destinationtest.Message()); err != nil {
				t.Fatal(err)
			}
			r := v.last()
			if r.uri != c.requested {
				t.Errorf("got a request of %s, want %s", r.uri, c.requested)
			}
			apiKey, signed := r.header.Get("BLINK-API-KEY"), r.header.Get("X-BLINK-SIGNATURE")
			if c.want != "signed" {
				if apiKey != c.want || signed != "" {
					t.Errorf("got key %q and signature %q, want key %q", apiKey, signed, c.want)
				}
				return
			}
			mac := hmac.New(sha256.New, []byte(key))
			fmt.Fprintf(mac, "1795232124.%s%s.%s", v.URL, c.requested, r.body)
			if want := "ts=1795232124;sig1=" + hex.EncodeToString(mac.Sum(nil)); signed != want || apiKey != "" {
				t.Errorf("got key %q and signature %q, want %q", apiKey, signed, want)
			}
			if strings.Contains(fmt.Sprint(r.header), key) {
				t.Errorf("got headers %v, want the key to stay here", r.header)
			}
		})
	}
}

// TestSend_TellsRefusalsApart uses answers of Blink's edge and of its webhooks.
func TestSend_TellsRefusalsApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		wait   string
		want   destination.Outcome
		hint   string // in the error
	}{
		{http.StatusUnauthorized, "", destination.OutcomePermanent, "set api_key"},
		{http.StatusForbidden, "", destination.OutcomePermanent, "set api_key"},
		{http.StatusNotFound, "", destination.OutcomePermanent, "turn the workflow on"},
		{http.StatusRequestEntityTooLarge, "", destination.OutcomePermanent, ""},
		{http.StatusTooManyRequests, "", destination.OutcomeRetry, ""},
		{http.StatusTooManyRequests, "60", destination.OutcomeWait, ""},
		{http.StatusBadGateway, "", destination.OutcomeRetry, ""},
	} {
		v := newVendor(t)
		v.status, v.wait = c.status, c.wait
		receipt, err := v.open(t, "/webhooks/a", `,"api_key":"`+key+`"`).Send(t.Context(), destinationtest.Message())
		if outcome, _ := destination.OutcomeOf(err); outcome != c.want || receipt.StatusCode != c.status {
			t.Errorf("%d: got %s (error %v), want %s", c.status, outcome, err, c.want)
		}
		if !strings.Contains(err.Error(), c.hint) {
			t.Errorf("%d: got the error %v, want %q in it", c.status, err, c.hint)
		}
		if text := fmt.Sprint(receipt, err); strings.Contains(text, key) || !strings.Contains(receipt.Message, "[secret]") {
			t.Errorf("%d: got %s, want the key masked", c.status, text)
		}
	}
}

func TestSend_SaysTheSameOfARepeat(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	sender := v.open(t, "/webhooks/a", `,"signing_secret":"`+key+`"`)
	first := destinationtest.Message()
	if _, err := sender.Send(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	one := v.last()
	again := destinationtest.Message()
	again.Attempt, again.Again = 2, true
	if _, err := sender.Send(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if two := v.last(); !bytes.Equal(one.body, two.body) || !strings.Contains(string(two.body), `"alertId":"b4b3f0d2c1e04f6f"`) {
		t.Errorf("got %s, then %s, want the same with the alert's id", one.body, two.body)
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const url, auth = `"webhook_url":"https://x.app.blinkops.com/webhooks/a"`, `"api_key":"hidden-key"`
	for config, want := range map[string][]string{
		url + `,` + auth:                       nil,
		url + `,"signing_secret":"hidden-key"`: nil,
		`"webhook_url":"https://x.app.blinkops.com/webhooks/a?apikey=hidden"`: nil,
		``:  {"/api_key", "/webhook_url"},
		url: {"/api_key"},
		url + `,` + auth + `,"signing_secret":"hidden"`:                               {"/signing_secret"},
		`"webhook_url":"https://x.app.blinkops.com/webhooks/a?apikey=hidden",` + auth: {"/webhook_url"},
		`"webhook_url":"https://x.app.blinkops.com/webhooks/a?apikey=",` + auth:       nil,
		`"webhook_url":"ftp://hidden/a",` + auth:                                      {"/webhook_url"},
		`"webhook_url":"https://x.app.blinkops.com/",` + auth:                         {"/webhook_url"},
		`"webhook_url":"hidden","api_key":"hid den"`:                                  {"/api_key", "/webhook_url"},
		url + `,"api_key":"hidden\u0000"`:                                             {"/api_key"},
		url + `,"signing_secret":"` + strings.Repeat("x", 1025) + `"`:                 {"/signing_secret"},
		url + `,` + auth + `,"url":"x"`:                                               {"/url"},
	} {
		_, _, err := blinkops.Type.Split(json.RawMessage(`{`+config+`}`), nil)
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

// BenchmarkRender brings alerts of 8 MB under the limit: how much memory that takes is what matters.
func BenchmarkRender(b *testing.B) {
	v := newVendor(b)
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"text":"` + strings.Repeat("é", 4*mb) + `"}`)
	sender := v.open(b, "/webhooks/a", `,"signing_secret":"`+key+`"`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sender.Render(m); err != nil {
			b.Fatal(err)
		}
	}
}

func contextOf(t testing.TB, text string) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// deliver returns what Blink got, and checks that preview and receipt say whether it was cut.
func deliver(t *testing.T, m *destination.Message, cut bool) []byte {
	t.Helper()
	v := newVendor(t)
	sender := v.open(t, "/webhooks/a", `,"signing_secret":"`+key+`"`)
	receipt, err := sender.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(m)
	if err != nil || receipt.Truncated != cut || rendering.Truncated != cut {
		t.Errorf("got Truncated %t and %t (error %v), want %t", receipt.Truncated, rendering.Truncated, err, cut)
	}
	body := v.last().body
	if !bytes.Equal(body, rendering.Body) || !utf8.Valid(body) {
		t.Errorf("got a body of %d bytes and a rendering of %d, want the same, in UTF-8", len(body), len(rendering.Body))
	}
	return body
}

func decode(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
}

// vendor takes events, or answers with a status and what it was asked.
type vendor struct {
	*httptest.Server
	status int
	wait   string

	mu   sync.Mutex
	seen seen
}

type seen struct {
	uri    string
	header http.Header
	body   []byte
}

func newVendor(t testing.TB) *vendor {
	t.Helper()
	v := &vendor{status: http.StatusOK}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v.mu.Lock()
		v.seen = seen{r.RequestURI, r.Header, body}
		v.mu.Unlock()
		if v.wait != "" {
			w.Header().Set("Retry-After", v.wait)
		}
		w.WriteHeader(v.status)
		fmt.Fprintf(w, `{"message":"refused","headers":%q}`, fmt.Sprint(r.Header))
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) last() seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen
}

func (v *vendor) open(t testing.TB, path, secrets string) destination.Sender {
	t.Helper()
	public, sealed, err := blinkops.Type.Split(json.RawMessage(`{"webhook_url":"`+v.URL+path+`"`+secrets+`}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	sender, err := blinkops.Type.Open(public, sealed, destination.Env{HTTP: client, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}
