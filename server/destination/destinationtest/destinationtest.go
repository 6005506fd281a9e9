// SPDX-License-Identifier: MPL-2.0

// Package destinationtest is the suite every destination type passes. The test of package catalog runs it over every
// type listed there; for one type alone: go test ./server/destination/catalog -run Suite/slack.
//
//	destinationtest.go   Case, and Run: the suite
//	protocol.go          what a vendor's stand-in has to do, whatever it speaks
//	server.go            the stand-in of a vendor that speaks HTTP
//	http.go              what its answers mean
//	mail.go              the stand-in of a mail server
//	smtp.go              what its answers mean
//	messages.go          the alerts that are sent
//	templates.go         what is asked of templates
//	large.go             what becomes of what a vendor finds too large
//	secrets.go           that nothing of a secret is rendered
//	members.go           what no text of a config may hold
//	payload.go           the JSON Schema of what programs are sent
//	corpus.go            alerts of real detections, where they are at hand
//	samples.go           what the pictures in the docs are made of
//
// What a type brings is in its testdata: suite.json (see [Load]) and the golden payloads, which -update rewrites.
package destinationtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Case is a type under test.
type Case struct {
	Type destination.Type
	Dir  string // where the golden files are

	// Protocol is what the vendor speaks: HTTP unless it is "smtp".
	Protocol string `json:"protocol"`

	// Config is a complete config; the URL in its member Address is pointed at the suite's server, keeping its path.
	// A type that sends mail has the members host and port instead.
	Config  json.RawMessage `json:"config"`
	Address string          `json:"address"`

	// OtherSecrets are members that differ from Config's, null where they are absent, so that every secret of the type is
	// set in some config: a type may have secrets of which each rules another out.
	OtherSecrets []map[string]any `json:"other_secrets"`

	// Where the vendor's idempotency key stands in a request: a header, or a member of the body. Both are empty for
	// a vendor that has none.
	KeyHeader string `json:"key_header"`
	KeyMember string `json:"key_member"`

	// Answer is what the vendor answers when all is well; by default 200 and the word ok. A body that is a string is the
	// text of an answer that is not JSON. ExternalID and ExternalURL are what the receipt then has; a URL without a host
	// is on the suite's server.
	Answer struct {
		Status int             `json:"status"`
		Body   json.RawMessage `json:"body"`
	} `json:"answer"`
	ExternalID  string `json:"external_id"`
	ExternalURL string `json:"external_url"`

	// Markup is what an alert must not get through as it is in the text of a template, such as a mention. MarkupMember is
	// the one member of a rendering whose texts are markup, where others are not.
	Markup       []string `json:"markup"`
	MarkupMember string   `json:"markup_member"`

	// Machine is true for a type that hands texts on as they are, to be read by a program.
	Machine bool `json:"machine"`
}

// Load reads a type's case from suite.json in dir.
func Load(t testing.TB, typ destination.Type, dir string) Case {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "suite.json"))
	if err != nil {
		t.Fatalf("a destination type needs its case for the suite: %v", err)
	}
	c := Case{Type: typ, Dir: dir}
	if err := jsonv2.Unmarshal(raw, &c, jsonv2.RejectUnknownMembers(true)); err != nil { // nor may a member be there twice
		t.Fatalf("%s/suite.json: %v", dir, err)
	}
	return c
}

// now is the time of every test.
var now = time.Date(2026, time.November, 21, 3, 35, 24, 0, time.UTC)

// Run runs the suite.
func Run(t *testing.T, c Case) {
	watchLogs()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Case)
	}{
		{"Payload", testPayload},
		{"Outcome", testOutcome},
		{"Answer", testAnswer},
		{"Timeout", testTimeout},
		{"AnswerLost", testAnswerLost},
		{"Unreachable", testUnreachable},
		{"SecretsStaySecret", testSecrets},
		{"RenderingHasNoSecret", testRendering},
		{"Overlong", testOverlong},
		{"TooLarge", testTooLarge},
		{"Hostile", testHostile},
		{"IdempotencyKey", testIdempotencyKey},
		{"TestIsMarked", testMark},
		{"Members", testMembers},
		{"Templates", testTemplates},
		{"Concurrent", testConcurrent},
		{"Corpus", testCorpus},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, c)
		})
	}
}

func testPayload(t *testing.T, c Case) {
	for name, m := range map[string]*destination.Message{
		"alert":    Message(),
		"minimal":  Minimal(),
		"hostile":  Hostile(),
		"test":     Test(),
		"fallback": Fallback(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor := c.vendor(t, accepts)
			before := fmt.Sprintf("%+v", *m.Alert)
			mustDeliver(t, c.open(t, vendor.URL), m)
			sent := vendor.first(t)
			golden(t, filepath.Join(c.Dir, name+".golden.json"), sent.json(t))
			c.checkRendering(t, vendor.URL, m)
			c.checkPreview(t, vendor.URL, m, sent)
			if after := fmt.Sprintf("%+v", *m.Alert); after != before {
				t.Errorf("the alert was changed: got %s, want %s", after, before)
			}
		})
	}
}

// checkRendering wants a rendering that is JSON, the same every time, and tells no secret.
func (c Case) checkRendering(t testing.TB, address string, m *destination.Message) {
	t.Helper()
	sender := c.open(t, address)
	first, err := sender.Render(m)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	second, _ := sender.Render(m)
	if !json.Valid(first.Body) || !bytes.Equal(first.Body, second.Body) {
		t.Errorf("got the rendering %s, then %s, want the same JSON", first.Body, second.Body)
	}
	c.findSecrets(t, address, fmt.Sprintf("%s %q", first.Body, first.Notes))
}

// checkPreview wants the rendering to be what was sent, but for secrets. Types whose requests are no JSON, or have the rendering
// as a part, prove it themselves.
func (c Case) checkPreview(t testing.TB, address string, m *destination.Message, sent request) {
	t.Helper()
	if kind, _, _ := mime.ParseMediaType(sent.header.Get("Content-Type")); kind != "application/json" {
		return
	}
	rendering, err := c.open(t, address).Render(m)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	var members map[string]any
	if err := json.Unmarshal(c.configFor(t, address), &members); err != nil {
		t.Fatal(err)
	}
	want := string(sent.body)
	for _, name := range c.Type.Secrets {
		for _, value := range stringsIn(members[name]) {
			want = strings.ReplaceAll(want, value, secret.Mask)
		}
	}
	if got := string(rendering.Body); got != want {
		t.Errorf("the preview shows\n%s\nbut what is sent is\n%s", got, want)
	}
}

func testOutcome(t *testing.T, c Case) { c.protocol(t).testOutcome(t, c) }

// testAnswer looks at what the receipt keeps of an answer, and has somebody else answer in the vendor's place.
func testAnswer(t *testing.T, c Case) {
	vendor := c.vendor(t, accepts)
	receipt := mustDeliver(t, c.open(t, vendor.URL), Message())
	link := c.ExternalURL
	if strings.HasPrefix(link, "/") {
		link = vendor.URL + link
	}
	if receipt.ExternalID != c.ExternalID || receipt.ExternalURL != link {
		t.Errorf("got %q and %q in the receipt, want %q and %q", receipt.ExternalID, receipt.ExternalURL, c.ExternalID, link)
	}
	c.protocol(t).testStrangers(t, c)
}

func testTimeout(t *testing.T, c Case) {
	ctx, cancel := context.WithCancelCause(t.Context())
	vendor := c.vendor(t, stalls)
	go func() {
		<-vendor.arrived
		cancel(context.DeadlineExceeded) // what a deadline does, without the wait for it
	}()
	sender := c.open(t, vendor.URL)
	_, err := sender.Send(ctx, Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
		t.Errorf("a time-out after the request: got %s (error %v), want AMBIGUOUS", outcome, err)
	}
	_, err = sender.Send(ctx, Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeRetry {
		t.Errorf("a time-out before the request: got %s (error %v), want RETRY", outcome, err)
	}
}

func testAnswerLost(t *testing.T, c Case) {
	vendor := c.vendor(t, hangsUp)
	_, err := c.open(t, vendor.URL).Send(t.Context(), Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
		t.Errorf("got %s (error %v), want AMBIGUOUS", outcome, err)
	}
	if n := len(vendor.requests()); n != 1 {
		t.Errorf("got %d requests, want 1: trying again is not the sender's", n)
	}
}

func testUnreachable(t *testing.T, c Case) {
	vendor := c.vendor(t, accepts)
	vendor.Close()
	_, err := c.open(t, vendor.URL).Send(t.Context(), Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeRetry {
		t.Errorf("nobody listens: got %s (error %v), want RETRY", outcome, err)
	}
	_, err = c.open(t, c.protocol(t).private()).Send(t.Context(), Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent {
		t.Errorf("a private address: got %s (error %v), want PERMANENT", outcome, err)
	}
}

// testSecrets has the vendor answer with all it was asked, in different ways that fail.
func testSecrets(t *testing.T, c Case) {
	for name, vendor := range c.protocol(t).careless() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor := vendor(t)
			for _, m := range []*destination.Message{Message(), Test()} {
				receipt, err := c.open(t, vendor.URL).Send(t.Context(), m)
				c.findSecrets(t, vendor.URL, fmt.Sprintf("%+v", receipt))
				c.findSecrets(t, vendor.URL, fmt.Sprintf("%v", err))
			}
			c.findSecrets(t, vendor.URL, logged())
		})
	}
}

func testOverlong(t *testing.T, c Case) {
	for name, text := range map[string]string{
		"ASCII":      strings.Repeat("x", 10_000),
		"two bytes":  strings.Repeat("é", 10_000),
		"four bytes": "x" + strings.Repeat("😀", 10_000),
		"families":   strings.Repeat("👨‍👩‍👧‍👦", 1_500),
		"escaped":    strings.Repeat(`&<>"\`, 2_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor := c.vendor(t, accepts)
			receipt := mustDeliver(t, c.open(t, vendor.URL), Overlong(text))
			if receipt.Truncated == c.Machine {
				t.Errorf("got Truncated %t, want %t: Receipt.Truncated tells whether a text was cut (render.Cutter.Cut)", receipt.Truncated, !c.Machine)
			}
			texts := textsOf(t, vendor.first(t).json(t))
			for _, got := range texts {
				if strings.ContainsRune(got, utf8.RuneError) {
					t.Errorf("a character was cut in two: …%q", got[max(0, len(got)-20):])
				}
			}
		})
	}
}

func testHostile(t *testing.T, c Case) {
	vendor := c.vendor(t, accepts)
	mustDeliver(t, c.open(t, vendor.URL), Hostile())
	if c.Machine {
		return
	}
	for _, text := range textsOf(t, vendor.first(t).json(t)) {
		if i := strings.IndexFunc(text, unsafe); i >= 0 {
			t.Errorf("got %q, want no control or direction characters", text)
		}
	}
}

func unsafe(r rune) bool {
	return (r < ' ' && r != '\n' && r != '\t') || (r >= 0x7f && r < 0xa0) ||
		r == '\u200e' || r == '\u200f' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

func testIdempotencyKey(t *testing.T, c Case) {
	if c.KeyHeader == "" && c.KeyMember == "" {
		t.Skipf("%s has no idempotency key", c.Type.Name)
	}
	vendor := c.vendor(t, defers)
	sender := c.open(t, vendor.URL)
	keys := map[string]bool{}
	for attempt := range 3 {
		m := Message()
		m.Attempt = attempt + 1
		_, _ = sender.Send(t.Context(), m)
	}
	for _, r := range vendor.requests() {
		keys[c.key(t, r)] = true
	}
	if len(keys) != 1 || keys[""] {
		t.Errorf("got keys %v over three attempts, want one", keys)
	}
	other := Message()
	other.AlertID, other.DeliveryID = "another-alert", "another-delivery"
	_, _ = sender.Send(t.Context(), other)
	if key := c.key(t, vendor.requests()[3]); keys[key] {
		t.Errorf("got key %q for another alert, want another one", key)
	}
}

func testMark(t *testing.T, c Case) {
	marked := func(m *destination.Message) bool {
		vendor := c.vendor(t, accepts)
		mustDeliver(t, c.open(t, vendor.URL), m)
		body := vendor.first(t).json(t)
		texts := append(textsOf(t, body), string(body)) // the alert's JSON may be a text in the vendor's
		return strings.Contains(strings.Join(texts, "\n"), "[TEST]") || strings.Contains(strings.Join(texts, "\n"), `"isTest":true`)
	}
	if !marked(Test()) {
		t.Error("a test does not say that it is one")
	}
	if marked(Message()) {
		t.Error("an alert says that it is a test")
	}
}

func testConcurrent(t *testing.T, c Case) {
	vendor := c.vendor(t, accepts)
	sender, m := c.open(t, vendor.URL), Message()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := sender.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	requests := vendor.requests()
	want := requests[0].json(t)
	for _, r := range requests {
		if got := r.json(t); string(got) != string(want) {
			t.Errorf("got %s, want %s as for the others", got, want)
		}
	}
}

func testCorpus(t *testing.T, c Case) {
	vendor := c.vendor(t, accepts)
	sender := c.open(t, vendor.URL)
	messages := Corpus(t)
	for _, m := range messages {
		mustDeliver(t, sender, m)
	}
	requests := vendor.requests()
	if len(requests) != len(messages) {
		t.Fatalf("got %d requests, want %d", len(requests), len(messages))
	}
	for i, r := range requests {
		if len(textsOf(t, r.json(t))) == 0 {
			t.Errorf("%s: got %s, want some text", messages[i].Alert.Detection.ID, r.body)
		}
	}
}

// open makes a sender whose config points at address.
func (c Case) open(t testing.TB, address string) destination.Sender {
	t.Helper()
	public, secrets, err := c.Type.Split(c.configFor(t, address), nil)
	if err != nil {
		t.Fatalf("the suite's config is not valid: %v", err)
	}
	client := outbound.New(outbound.Options{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: c.protocol(t).roots(),
	})
	t.Cleanup(client.Close)
	sender, err := c.Type.Open(public, secrets, destination.Env{HTTP: client, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return sender
}

func (c Case) configFor(t testing.TB, address string) json.RawMessage {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(c.Config, &members); err != nil {
		t.Fatalf("the suite's config: %v", err)
	}
	c.protocol(t).point(t, c, members, address)
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// findSecrets fails when text holds a secret of the config, or a long part of one: the token in a URL, say.
func (c Case) findSecrets(t testing.TB, address, text string) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(c.configFor(t, address), &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range c.Type.Secrets {
		for _, value := range stringsIn(members[name]) {
			value = strings.TrimPrefix(value, address)
			parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("/?&=", r) })
			for _, part := range append(parts, value) {
				if (len(part) >= 10 || part == value) && strings.Contains(text, part) {
					t.Errorf("%s can be read in %q", name, text)
				}
			}
		}
	}
}

func (c Case) key(t testing.TB, r request) string {
	t.Helper()
	if c.KeyHeader != "" {
		return r.header.Get(c.KeyHeader)
	}
	var members map[string]any
	if err := json.Unmarshal(r.json(t), &members); err != nil {
		t.Fatal(err)
	}
	key, _ := members[c.KeyMember].(string)
	return key
}

func mustDeliver(t testing.TB, sender destination.Sender, m *destination.Message) destination.Receipt {
	t.Helper()
	receipt, err := sender.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%s: %v", m.Alert.Detection.ID, err)
	}
	return receipt
}

// textsOf returns every text in a JSON body, which must be valid UTF-8.
func textsOf(t testing.TB, body []byte) []string {
	t.Helper()
	if !utf8.Valid(body) {
		t.Fatalf("the body is not UTF-8: %q", body)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // a context may hold numbers that no float64 does
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("the body is not JSON: %v", err)
	}
	return stringsIn(value)
}

func stringsIn(value any) []string {
	var texts []string
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String:
		texts = append(texts, v.String())
	case reflect.Slice:
		for i := range v.Len() {
			texts = append(texts, stringsIn(v.Index(i).Interface())...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			texts = append(texts, stringsIn(v.MapIndex(key).Interface())...)
		}
	}
	return texts
}
