// SPDX-License-Identifier: MPL-2.0

package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/webhook"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

var now = time.Date(2026, time.November, 21, 3, 35, 24, 0, time.UTC)

const signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestSend_SignsEveryAlert(t *testing.T) {
	t.Parallel()
	judge, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*destination.Message{destinationtest.Message(), destinationtest.Hostile(), destinationtest.Test()} {
		header, body := sent(t, webhook.Config{SigningSecret: secret.New(signingSecret)}, m)
		if err := judge.VerifyIgnoringTimestamp(body, header); err != nil {
			t.Errorf("%s: the signature is not accepted: %v", m.Alert.Detection.ID, err)
		}
		if got := header.Get("webhook-id"); got != m.DeliveryID {
			t.Errorf("got webhook-id %q, want %q", got, m.DeliveryID)
		}
		if got, want := header.Get("webhook-timestamp"), fmt.Sprint(now.Unix()); got != want {
			t.Errorf("got webhook-timestamp %q, want %q", got, want)
		}
	}
}

func TestSend_IdentifiesUnsignedAlertsToo(t *testing.T) {
	t.Parallel()
	m := destinationtest.Test()
	m.DeliveryID = "" // a test of a destination that is not stored
	header, _ := sent(t, webhook.Config{}, m)
	if id := header.Get("webhook-id"); id == "" || strings.Contains(id, ".") {
		t.Errorf("got webhook-id %q, want one without a full stop", id)
	}
	if header.Get("webhook-timestamp") == "" {
		t.Error("got no webhook-timestamp")
	}
	if got := header.Get("webhook-signature"); got != "" {
		t.Errorf("got webhook-signature %q without a signing secret", got)
	}
}

func TestSend_NamesWhatItStandsInFor(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	if header, _ := sent(t, webhook.Config{}, m); header.Values(webhook.FallbackHeader) != nil {
		t.Errorf("got %q for an alert that stands in for nothing", header.Values(webhook.FallbackHeader))
	}
	m.FallbackOf = "SOC <on-call>\r\nX: é"
	if header, _ := sent(t, webhook.Config{}, m); header.Get(webhook.FallbackHeader) != "SOC%20%3Con-call%3E%0D%0AX:%20%C3%A9" {
		t.Errorf("got %q", header.Get(webhook.FallbackHeader))
	}
}

func TestSend_SetsHeaders(t *testing.T) {
	t.Parallel()
	header, _ := sent(t, webhook.Config{
		Headers:       map[string]string{"x-team": "SOC", "User-Agent": "custom"},
		SecretHeaders: map[string]secret.String{"X-Key": secret.New("k-123456")},
		BearerToken:   secret.New("token-123456"),
	}, destinationtest.Message())
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Team": "SOC", "User-Agent": "custom", "X-Key": "k-123456",
		"Authorization": "Bearer token-123456",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	header, _ = sent(t, webhook.Config{BasicUsername: "router", BasicPassword: secret.New("a:b")}, destinationtest.Message())
	if got, want := header.Get("Authorization"), "Basic "+base64.StdEncoding.EncodeToString([]byte("router:a:b")); got != want {
		t.Errorf("Authorization: got %q, want %q", got, want)
	}
}

func TestRender_HandsTheContextOnByteForByte(t *testing.T) {
	t.Parallel()
	const context = "{ \"b\":1.50,\t\"a\" :12345678901234567890,\n\"a\":\"<&>\\ud800\\/\u2028é\" }"
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(context)
	body := rendered(m)
	if !bytes.Contains(body, []byte(`"alertContext":`+context+`,"description":`)) {
		t.Errorf("got %s, want the context %s in it", body, context)
	}
	if !json.Valid(body) {
		t.Errorf("got %s, want JSON", body)
	}
}

func TestRender_IsAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	for _, m := range destinationtest.Messages() {
		_, body := sent(t, webhook.Config{}, m)
		destinationtest.CheckPayload(t, body)
	}
	goldens, err := filepath.Glob("testdata/*.golden.json")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("found %d golden payloads: %v", len(goldens), err)
	}
	for _, file := range goldens {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		destinationtest.CheckPayload(t, body)
	}
}

func TestSend_SignsTheBodyAloneInAnyForm(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	for _, c := range []struct {
		config webhook.Config
		header string
		want   func(sum []byte) string
	}{
		{webhook.Config{}, "X-Hub-Signature-256", func(sum []byte) string { return "sha256=" + hex.EncodeToString(sum) }},
		{webhook.Config{HMACHeader: "x-signature", HMACFormat: "{base64}"}, "X-Signature", base64.StdEncoding.EncodeToString},
		{webhook.Config{HMACFormat: "a={hex},b"}, "X-Hub-Signature-256", func(sum []byte) string { return "a=" + hex.EncodeToString(sum) + ",b" }},
		{webhook.Config{SigningSecret: secret.New(signingSecret)}, "X-Hub-Signature-256", func(sum []byte) string { return "sha256=" + hex.EncodeToString(sum) }},
	} {
		c.config.HMACSecret = secret.New("It's a Secret to Everybody")
		header, body := sent(t, c.config, m)
		mac := hmac.New(sha256.New, []byte("It's a Secret to Everybody"))
		mac.Write(body)
		if got, want := header.Get(c.header), c.want(mac.Sum(nil)); got != want {
			t.Errorf("%+v: got %s %q, want %q", c.config, c.header, got, want)
		}
		if signed := header.Get("webhook-signature") != ""; signed != c.config.SigningSecret.IsSet() {
			t.Errorf("%+v: got a signature of Standard Webhooks: %t", c.config, signed)
		}
	}
	if header, _ := sent(t, webhook.Config{}, m); header.Get("X-Hub-Signature-256") != "" {
		t.Error("got a signature without a secret")
	}
}

const soarBody = `{
  "summary": "{{ .severity }}: {{ .title }}",
  "urgent": {{ if or (eq .severity "HIGH") (eq .severity "CRITICAL") }}true{{ else }}false{{ end }},
  "tags": {{ json .tags }},
  "details": {{ json .context }},
  "test": {{ .test }}
}`

func TestSend_SendsWhatTheBodyTemplateMakes(t *testing.T) {
	t.Parallel()
	c := webhook.Config{SigningSecret: secret.New(signingSecret)}
	c.BodyTemplate = soarBody
	for name, m := range destinationtest.Messages() {
		header, body := sent(t, c, m)
		var got struct {
			Summary string
			Urgent  bool
			Details json.RawMessage
			Test    bool
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v in %.500s", name, err, body)
		}
		title := string([]rune(m.Alert.Title())) // what is no UTF-8 becomes U+FFFD
		if got.Summary != string(m.Severity)+": "+title || got.Urgent != (m.Severity != alert.Info) || got.Test != m.Test {
			t.Errorf("%s: got %.500s, want the title %q", name, body, title)
		}
		if len(m.Alert.Context) > 0 && !bytes.Equal(got.Details, m.Alert.Context) {
			t.Errorf("%s: got the context %.200s, want %.200s", name, got.Details, m.Alert.Context)
		}
		if header.Get("Content-Type") != "application/json" {
			t.Errorf("got the content type %q", header.Get("Content-Type"))
		}
		judge, err := standardwebhooks.NewWebhook(c.SigningSecret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := judge.VerifyIgnoringTimestamp(body, header); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSend_OfRealAlertsThroughATemplateIsJSON(t *testing.T) {
	t.Parallel()
	c := webhook.Config{URL: "https://soar.example.com"}
	c.BodyTemplate = soarBody
	sender, err := webhook.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range destinationtest.Corpus(t) {
		r, err := sender.Render(m)
		if err != nil || !json.Valid(r.Body) || !bytes.Contains(r.Body, m.Alert.Context) {
			t.Errorf("%s: got %.500s, %v", m.AlertID, r.Body, err)
		}
	}
}

func TestRender_TitleTemplateReplacesTheTitleAlone(t *testing.T) {
	t.Parallel()
	c := webhook.Config{URL: "https://soar.example.com"}
	c.TitleTemplate = "{{ .detection.id }}\n{{ .title }}"
	sender, err := webhook.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	m := destinationtest.Message()
	before := *m.Alert
	r, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	destinationtest.CheckPayload(t, r.Body)
	want := bytes.Replace(rendered(m), []byte(`"title":"Root login`), []byte(`"title":"AWS.Console.RootLogin Root login`), 1)
	if !bytes.Equal(r.Body, want) {
		t.Errorf("got %s, want %s", r.Body, want)
	}
	if !reflect.DeepEqual(*m.Alert, before) {
		t.Error("the alert was changed")
	}
}

// TestSend_WhatATemplateCannotSayIsPermanent has a template that works with every alert it was checked with.
func TestSend_WhatATemplateCannotSayIsPermanent(t *testing.T) {
	t.Parallel()
	c := webhook.Config{URL: "https://soar.example.com"}
	c.BodyTemplate = "{\n\"n\": {{ if eq .dedup \"odd\" }}nothing{{ else }}1{{ end }}}"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	sender, err := webhook.New(c, destination.Env{}) // without a client: nothing may be sent
	if err != nil {
		t.Fatal(err)
	}
	m := destinationtest.Message()
	m.Alert.Dedup = "odd"
	_, err = sender.Send(t.Context(), m)
	outcome, _ := destination.OutcomeOf(err)
	if outcome != destination.OutcomePermanent || !strings.HasPrefix(err.Error(), "the body template makes nothing of this alert that can be sent: /body_template: ") {
		t.Errorf("got %s: %v, want PERMANENT that names the template", outcome, err)
	}
	if fields := problem.FieldsOf(err); len(fields) != 1 || fields[0].Name != "/body_template" {
		t.Errorf("got the fields %v", fields)
	}
}

// TestSend_BehindASizeLimit has a receiver refuse 3 MB by their length, without reading them, as a proxy does.
func TestSend_BehindASizeLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	judge, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]webhook.Config{
		"payload":          {},
		"template":         {Templates: render.Templates{BodyTemplate: `{"alert":{{json .title}},"context":{{json .context}}}`}},
		"title's template": {Templates: render.Templates{TitleTemplate: "own title"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []http.Header
			var taken []byte
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				headers = append(headers, r.Header)
				if r.ContentLength > limit {
					w.Header().Set("Connection", "close")
					w.WriteHeader(http.StatusRequestEntityTooLarge)
					return
				}
				taken, _ = io.ReadAll(r.Body)
			}))
			t.Cleanup(receiver.Close)
			c.URL, c.SigningSecret, c.HMACSecret = receiver.URL, secret.New(signingSecret), secret.New("hmac-key")
			receipt, err := shrink.Send(t.Context(), opened(t, c, loopbackClient(t), now), destinationtest.Large(3_000_000))
			if err != nil || !receipt.Truncated || len(headers) != 2 || len(taken) > 64<<10 {
				t.Fatalf("got %+v (error %v) after %d requests, and %d bytes; want the second to be taken, and small", receipt, err, len(headers), len(taken))
			}
			first, second := headers[0], headers[1]
			if err := judge.VerifyIgnoringTimestamp(taken, second); err != nil {
				t.Errorf("the signature is not of the second body: %v", err)
			}
			mac := hmac.New(sha256.New, []byte("hmac-key"))
			mac.Write(taken)
			if got, want := second.Get(webhook.DefaultHMACHeader), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
				t.Errorf("got %s, want %s, of the second body", got, want)
			}
			if first.Get("webhook-id") != second.Get("webhook-id") || first.Get("webhook-signature") == second.Get("webhook-signature") {
				t.Errorf("got %v after %v, want the same id and another signature", second, first)
			}
			var body struct {
				Alert, Title string
				AlertContext map[string]any
				Context      map[string][]any
				Truncation   any
			}
			if err := json.Unmarshal(taken, &body); err != nil {
				t.Fatal(err)
			}
			switch title := "Root login to 123456789012 from 198.51.100.7 without MFA"; name {
			case "template":
				if body.Alert != title || len(body.Context["events"]) < 10 {
					t.Errorf("got %.500s, want what the template makes of a part of the alert", taken)
				}
			case "title's template":
				title = "own title"
				fallthrough
			default:
				destinationtest.CheckPayload(t, taken)
				if body.Title != title || body.Truncation == nil || len(body.AlertContext) == 0 {
					t.Errorf("got %.500s, want the title %s, some of the context, and the truncation", taken, title)
				}
			}
		})
	}
}

func TestSender_TellsItsTimeout(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]time.Duration{0: 0, 1: time.Second, 120: 2 * time.Minute} {
		sender, err := webhook.New(webhook.Config{URL: "https://example.com", TimeoutSeconds: seconds}, destination.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if got := sender.(destination.Timed).Timeout(); got != want {
			t.Errorf("%d seconds: got %s, want %s", seconds, got, want)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	key := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	const url = `"url":"https://example.com/hook"`
	for config, want := range map[string][]string{
		`{` + url + `}`: nil,
		`{"secret_url":"https://example.com/hook"}`: nil,
		`{"url":"http://localhost:8080/"}`:          nil, // whether it may be reached is the client's to say
		`{}`:                                        {"/url"},
		`{` + url + `,"secret_url":"https://example.com"}`:                                               {"/url"},
		`{"url":"example.com"}`:                                                                          {"/url"},
		`{"url":"ftp://example.com"}`:                                                                    {"/url"},
		`{"url":"https://user:hidden@example.com"}`:                                                      {"/url"},
		`{"secret_url":"hidden"}`:                                                                        {"/secret_url"},
		`{` + url + `,"timeout_seconds":1}`:                                                              nil,
		`{` + url + `,"timeout_seconds":120}`:                                                            nil,
		`{` + url + `,"timeout_seconds":121}`:                                                            {"/timeout_seconds"},
		`{` + url + `,"timeout_seconds":-1}`:                                                             {"/timeout_seconds"},
		`{` + url + `,"timeout_seconds":1.5}`:                                                            {"/timeout_seconds"},
		`{` + url + `,"signing_secret":"` + key(23) + `"}`:                                               {"/signing_secret"},
		`{` + url + `,"signing_secret":"` + key(24) + `"}`:                                               nil,
		`{` + url + `,"signing_secret":"` + key(64) + `"}`:                                               nil,
		`{` + url + `,"signing_secret":"` + key(65) + `"}`:                                               {"/signing_secret"},
		`{` + url + `,"signing_secret":"` + key(24)[6:] + `"}`:                                           {"/signing_secret"},
		`{` + url + `,"signing_secret":"whsec_hidden*hidden*hidden*hidden*"}`:                            {"/signing_secret"},
		`{` + url + `,"bearer_token":"abc.DEF-123"}`:                                                     nil,
		`{` + url + `,"bearer_token":"hidden token"}`:                                                    {"/bearer_token"},
		`{` + url + `,"bearer_token":"hidden\r\nX: y"}`:                                                  {"/bearer_token"},
		`{` + url + `,"bearer_token":"a","basic_username":"b","basic_password":"c"}`:                     {"/basic_password", "/basic_username"},
		`{` + url + `,"basic_username":"b","basic_password":"c"}`:                                        nil,
		`{` + url + `,"basic_username":"b"}`:                                                             {"/basic_password"},
		`{` + url + `,"basic_password":"hidden"}`:                                                        {"/basic_username"},
		`{` + url + `,"basic_username":"a:b","basic_password":"c"}`:                                      {"/basic_username"},
		`{` + url + `,"basic_username":"b","basic_password":"hidden\n"}`:                                 {"/basic_password"},
		`{` + url + `,"headers":{"X-A":"1"},"secret_headers":{"X-B":"2"}}`:                               nil,
		`{` + url + `,"headers":{"X-A":"1"},"secret_headers":{"x-a":"2"}}`:                               {"/secret_headers/x-a"},
		`{` + url + `,"headers":{"X-A":"1","x-a":"2"}}`:                                                  {"/headers/x-a"},
		`{` + url + `,"headers":{"X A":"1","":"2","X:A":"3","X/~A":"4"}}`:                                {"/headers/", "/headers/X A", "/headers/X:A", "/headers/X~1~0A"},
		`{` + url + `,"headers":{"X-A":"1\r\nX-B: 2","X-Tab":"a\tb","X-é":"1"}}`:                         {"/headers/X-A", "/headers/X-é"},
		`{` + url + `,"secret_headers":{"X-A":"hidden\n","host":"x"}}`:                                   {"/secret_headers/X-A", "/secret_headers/host"},
		`{` + url + `,"headers":{"Authorization":"Custom x"}}`:                                           nil,
		`{` + url + `,"headers":{"authorization":"x"},"bearer_token":"y"}`:                               {"/headers/authorization"},
		`{` + url + `,"hmac_secret":"hidden"}`:                                                           nil,
		`{` + url + `,"hmac_secret":"hidden","hmac_header":"X-Sig","hmac_format":"t=1,v={base64}"}`:      nil,
		`{` + url + `,"hmac_header":"X-Sig","hmac_format":"{hex}"}`:                                      {"/hmac_format", "/hmac_header"},
		`{` + url + `,"hmac_secret":"hidden","hmac_header":"X Sig","hmac_format":"{hex}{hex}"}`:          {"/hmac_format", "/hmac_header"},
		`{` + url + `,"hmac_secret":"hidden","hmac_header":"Webhook-Signature","hmac_format":"sha256="}`: {"/hmac_format", "/hmac_header"},
		`{` + url + `,"hmac_secret":"hidden","hmac_format":"a {hex}"}`:                                   {"/hmac_format"},
		`{` + url + `,"hmac_secret":"hidden","hmac_format":"{x}{hex}"}`:                                  {"/hmac_format"},
		`{` + url + `,"hmac_secret":"hidden","headers":{"x-hub-signature-256":"1"}}`:                     {"/headers/x-hub-signature-256"},
		`{` + url + `,"hmac_secret":"hidden","bearer_token":"x","hmac_header":"Authorization"}`:          {"/hmac_header"},
		`{` + url + `,"title_template":"{{.nope}}","body_template":"{{.title}} and"}`:                    {"/body_template", "/title_template"},
		`{` + url + `,"body_template":"{\"a\":\"{{.title}}\",}"}`:                                        {"/body_template"},
		`{` + url + `,"body_template":"{\"a\":\"{{.title}}\",\"b\":[{{json .context}}]}"}`:               nil,
		`{` + url + `,"colour":"red"}`:                                                                   {"/colour"},
	} {
		_, _, err := webhook.Type.Split(json.RawMessage(config), nil)
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

func TestConfig_KeepsTheProtocolsHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect",
		"webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "webhook-anything", "alertrouter-fallback-of",
	} {
		c := webhook.Config{URL: "https://example.com", Headers: map[string]string{name: "x"}}
		if fields := problem.FieldsOf(c.Validate()); len(fields) != 1 || fields[0].Name != "/headers/"+name {
			t.Errorf("header %s: got %v, want it refused", name, fields)
		}
	}
}

// sent returns what a receiver gets.
func sent(t *testing.T, c webhook.Config, m *destination.Message) (http.Header, []byte) {
	t.Helper()
	return sentAt(t, c, m, now)
}

func sentAt(t *testing.T, c webhook.Config, m *destination.Message, at time.Time) (http.Header, []byte) {
	t.Helper()
	var header http.Header
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer receiver.Close()
	c.URL = receiver.URL
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, c, loopbackClient(t), at).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return header, body
}

func BenchmarkRender(b *testing.B) {
	m := destinationtest.Message()
	m.Severity = alert.High
	b.ReportAllocs()
	for b.Loop() {
		rendered(m)
	}
}

func rendered(m *destination.Message) []byte {
	body, _ := payload.Render(m, 0, nil)
	return body
}
