// SPDX-License-Identifier: MPL-2.0

package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// sizes are what limits are counted in: bytes, and bytes where the payload is itself a text in JSON.
var sizes = map[string]render.Size{"bytes": render.Bytes, "JSON in JSON": render.JSON}

// body is a payload as a receiver reads it.
type body struct {
	SchemaVersion string                     `json:"schemaVersion"`
	Context       json.RawMessage            `json:"alertContext"`
	FallbackOf    string                     `json:"fallbackOf"`
	Truncation    *truncation                `json:"truncation"`
	Members       map[string]json.RawMessage `json:"-"`
}

type truncation struct {
	Fields []struct {
		Field         string `json:"field"`
		OriginalBytes int    `json:"originalBytes"`
		OmittedBytes  int    `json:"omittedBytes"`
	} `json:"fields"`
}

func read(t testing.TB, raw []byte) body {
	t.Helper()
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatalf("%v in %.2000s", err, raw)
	}
	if err := json.Unmarshal(raw, &b.Members); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRender_WithoutALimitIsWhole(t *testing.T) {
	t.Parallel()
	for name, m := range destinationtest.Messages() {
		raw, cut := payload.Render(m, 0, nil)
		destinationtest.CheckPayload(t, raw)
		b := read(t, raw)
		if cut || b.Truncation != nil || b.SchemaVersion != payload.SchemaVersion || b.FallbackOf != m.FallbackOf {
			t.Errorf("%s: got %+v (cut %t)", name, b, cut)
		}
		if len(m.Alert.Context) > 0 && !bytes.Equal(b.Context, m.Alert.Context) {
			t.Errorf("%s: got the context %.200s, want its very bytes", name, b.Context)
		}
	}
}

func TestRender_OfRealAlertsIsAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	for _, m := range destinationtest.Corpus(t) {
		whole, cut := payload.Render(m, 0, nil)
		destinationtest.CheckPayload(t, whole)
		if cut {
			t.Errorf("%s was cut without a limit", m.AlertID)
		}
		checkWithin(t, m, payload.MinLimit, render.JSON)
	}
}

// TestRender_CutsTheContextAlone looks at an alert whose context is too large and whose texts are not.
func TestRender_CutsTheContextAlone(t *testing.T) {
	t.Parallel()
	const limit = 5 << 20
	m := destinationtest.Message()
	entry := `{"ip":"198.51.100.7","ok":true,"n":1e400},`
	m.Alert.Context = json.RawMessage(`{"events":[` + strings.Repeat(entry, 7<<20/len(entry)) + `{}],"last":"\ud83d\ude00"}`)
	raw, cut := payload.Render(m, limit, render.Bytes)
	destinationtest.CheckPayload(t, raw)
	if !cut || len(raw) > limit || len(raw) < limit-100 {
		t.Errorf("got %d bytes (cut %t), want nearly %d", len(raw), cut, limit)
	}
	b := read(t, raw)
	if len(b.Truncation.Fields) != 1 {
		t.Fatalf("got %+v, want the context alone to be cut", b.Truncation)
	}
	said := b.Truncation.Fields[0]
	kept := said.OriginalBytes - said.OmittedBytes
	if said.Field != "alertContext" || said.OriginalBytes != len(m.Alert.Context) || !bytes.Equal(b.Context[:kept], m.Alert.Context[:kept]) {
		t.Errorf("got %+v, want the context's first %d bytes to be there", said, kept)
	}
	whole, _ := payload.Render(m, 0, nil)
	for name, want := range read(t, whole).Members {
		if got := b.Members[name]; name != "alertContext" && name != "truncation" && !bytes.Equal(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestRender_CutsTheLongestTexts(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Detection.Description = strings.Repeat("d", 8<<20)
	m.Alert.Detection.Tags = slices.Repeat([]string{"tag-tag-tag"}, 2_000)
	raw, _ := payload.Render(m, 10_000, render.Bytes)
	destinationtest.CheckPayload(t, raw)
	b := read(t, raw)
	var fields []string
	for _, f := range b.Truncation.Fields {
		fields = append(fields, fmt.Sprint(f.Field, " ", f.OriginalBytes))
	}
	want := []string{fmt.Sprint("alertContext ", len(m.Alert.Context)), fmt.Sprint("description ", 8<<20+2), fmt.Sprint("tags ", 2_000*14+1)}
	if !slices.Equal(fields, want) {
		t.Errorf("got %v cut, want %v", fields, want)
	}
	if string(b.Context) != "{}" || len(raw) > 10_000 || len(raw) < 9_900 {
		t.Errorf("got %d bytes and the context %s", len(raw), b.Context)
	}
	var text string
	var tags []string
	if json.Unmarshal(b.Members["description"], &text) != nil || json.Unmarshal(b.Members["tags"], &tags) != nil {
		t.Fatalf("got %s", raw)
	}
	if n := len(text) - len(string(b.Members["tags"])); !strings.HasSuffix(text, "d…") || n < -20 || n > 20 {
		t.Errorf("got a description of %d bytes and tags of %d, want about the same of each", len(text), len(b.Members["tags"]))
	}
	const whole = "tag-tag-tag"
	if last := tags[len(tags)-1]; tags[0] != whole || !strings.HasPrefix(whole, strings.TrimSuffix(last, "…")) {
		t.Errorf("got the tags %q, want the first and perhaps a part of one", tags)
	}
}

// drawn draws an alert, of which a part may be large.
func drawn(t *rapid.T) *destination.Message {
	pieces := []string{"a", "word ", "é", "👨‍👩‍👧‍👦", "\"", "\\", "\n", "\x00", "\u2028", "🇩🇪", "<&>", "\xff"}
	text := func(name string) string {
		piece := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 6).Draw(t, name), "")
		return strings.Repeat(piece, rapid.SampledFrom([]int{0, 1, 1, 1, 1, 20, 300}).Draw(t, name+" times"))
	}
	list := func(name string) []string {
		return slices.Repeat([]string{text(name), text(name)}, rapid.SampledFrom([]int{0, 1, 6}).Draw(t, name+" entries"))
	}
	m := destinationtest.Message()
	m.AlertID = rapid.StringOfN(rapid.RuneFrom([]rune{'a', '"', '\\'}), 1, alert.MaxIDLength, -1).Draw(t, "alert id")
	m.Link, m.FallbackOf, m.Test = text("link"), text("fallback"), rapid.Bool().Draw(t, "test")
	m.Alert.LogTypes, m.Alert.Dedup = list("log types"), text("dedup")
	m.Alert.Detection = alert.Detection{
		ID: "id" + text("id"), Name: text("name"), Version: text("version"), Severity: "LOW", Description: text("description"),
		Runbook: text("runbook"), Reference: text("reference"), Tags: list("tags"),
	}
	m.Alert.Generated = alert.Generated{Title: new(text("title"))}
	quoted, _ := jsontext.AppendQuote(nil, text("context"))
	m.Alert.Context = rapid.SampledFrom([]json.RawMessage{
		nil, json.RawMessage(`{}`), json.RawMessage(`{"a":1e400,"a":"\ud800\u00e9", "b" : [1,{"c":null}]}`),
		json.RawMessage(`{"text":` + string(quoted) + `,"list":[` + strings.Repeat(string(quoted)+`,`, 3) + `0],"text":{}}`),
	}).Draw(t, "context value")
	return m
}

// checkWithin renders an alert within a limit and compares it with the whole.
func checkWithin(t testing.TB, m *destination.Message, limit int, size render.Size) {
	t.Helper()
	wholeRaw, _ := payload.Render(m, 0, nil)
	raw, cut := payload.Render(m, limit, size)
	if n := size.Of(string(raw)); n > limit {
		t.Fatalf("got a size of %d, want at most %d", n, limit)
	}
	if size.Of(string(wholeRaw)) <= limit {
		if cut || !bytes.Equal(raw, wholeRaw) {
			t.Fatalf("got %.500s (cut %t), want it whole", raw, cut)
		}
		return
	}
	destinationtest.CheckPayload(t, raw)
	whole, b := read(t, wholeRaw), read(t, raw)
	if !cut || b.Truncation == nil || !utf8.Valid(raw) {
		t.Fatalf("got cut %t and %+v for what is too large", cut, b.Truncation)
	}
	omitted := map[string]int{}
	for _, f := range b.Truncation.Fields {
		omitted[f.Field] = f.OmittedBytes
		if f.OriginalBytes != len(whole.Members[f.Field]) || f.OmittedBytes > f.OriginalBytes {
			t.Errorf("got %+v, want %d original bytes", f, len(whole.Members[f.Field]))
		}
	}
	for name, value := range whole.Members {
		got, kept := b.Members[name], len(value)-omitted[name]
		switch {
		case name == "truncation":
		case omitted[name] == 0 && !bytes.Equal(got, value):
			t.Errorf("%s: got %.200s, want %.200s: it is not said to be cut", name, got, value)
		case omitted[name] > 0 && name == "alertContext" && !bytes.HasPrefix(got, value[:kept]):
			t.Errorf("%s: got %.200s, want the first %d bytes of %.200s", name, got, kept, value)
		case omitted[name] > 0 && name != "alertContext" && !beginning(got, value):
			t.Errorf("%s: got %.200s, want a beginning of %.200s", name, got, value)
		}
	}
	if string(b.Context) != "{}" && len(omitted) > 1 {
		t.Errorf("got %v cut while there is a context", omitted)
	}
}

// beginning reports whether what is left of a text or list, less its end and an ellipsis, begins the whole.
func beginning(left, whole []byte) bool {
	inner := bytes.TrimRight(left, `"]`)
	if len(left)-len(inner) > 2 { // quotes of its own
		inner = left[:len(left)-1]
	}
	return bytes.HasPrefix(whole, bytes.TrimSuffix(inner, []byte("…")))
}

func TestRender_StaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				m := drawn(r)
				whole, _ := payload.Render(m, 0, nil)
				for _, limit := range []int{
					payload.MinLimit, rapid.IntRange(payload.MinLimit, 1<<16).Draw(r, "limit"), size.Of(string(whole)) - 1, size.Of(string(whole)),
				} {
					if limit >= payload.MinLimit {
						checkWithin(t, m, limit, size)
					}
				}
				if t.Failed() {
					r.Fatal("see above")
				}
			})
		})
	}
}

// checkPart shrinks a message and looks at what programs and people get of it.
func checkPart(t testing.TB, m *destination.Message, limit, forPrograms int) {
	t.Helper()
	small := payload.Shrink(m, limit, forPrograms)
	part, whole := small.Alert, m.Alert
	if small.Whole() != whole || small.Cut.All != payload.Size(m) {
		t.Fatalf("got %+v, want the alert and its size, %d", small.Cut, payload.Size(m))
	}
	body, cut := payload.Render(small, 0, nil)
	destinationtest.CheckPayload(t, body)
	if hasContext := len(whole.Context) > len("{}"); len(body) > max(forPrograms, payload.MinLimit) || hasContext && !cut {
		t.Errorf("got %d bytes (cut %t), want at most %d, cut", len(body), cut, forPrograms)
	}
	people := *m
	people.Alert = part
	if n := payload.Size(&people); n > max(limit, payload.MinPart) || n != small.Cut.Left && !strings.Contains(whole.Runbook()+whole.Reference(), "://") {
		t.Errorf("got an alert of %d bytes that is said to have %d, want at most %d", n, small.Cut.Left, limit)
	}
	shown, _ := payload.Render(&people, 0, nil)
	destinationtest.CheckPayload(t, shown)
	if part.ID != whole.ID || part.Detection.ID != whole.Detection.ID || part.Dedup != whole.Dedup || part.Link != whole.Link || part.Type != whole.Type {
		t.Errorf("got %+v, want what tells the alert to stay", part)
	}
	for name, texts := range map[string][2]string{
		"title": {part.Title(), whole.Title()}, "description": {part.Description(), whole.Description()}, "runbook": {part.Runbook(), whole.Runbook()},
		"static description": {part.Detection.Description, whole.Detection.Description}, "reference": {part.Reference(), whole.Reference()},
	} {
		if !strings.HasPrefix(strings.ToValidUTF8(texts[1], ""), strings.ToValidUTF8(strings.TrimSuffix(texts[0], "…"), "")) {
			t.Errorf("%s: got %.100q, want a beginning of %.100q", name, texts[0], texts[1])
		}
	}
	if strings.TrimSpace(part.Title()) == "" && strings.TrimSpace(whole.Title()) != "" {
		t.Errorf("got no title of %.100q", whole.Title())
	}
}

func TestShrink_LeavesAnAlertForProgramsAndPeople(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		m := drawn(r)
		m.Alert.Detection.ID, m.Link, m.FallbackOf, m.Alert.Detection.Version, m.Alert.Dedup = "id", "", "", "", "dedup" // they stay
		if rapid.Bool().Draw(r, "generated") {
			m.Alert.Generated.Description, m.Alert.Generated.Runbook = new(m.Alert.Detection.Runbook), new(m.Alert.Detection.Description)
		}
		checkPart(t, m, rapid.IntRange(0, 1<<14).Draw(r, "limit"), rapid.IntRange(0, 1<<14).Draw(r, "limit for programs"))
		if t.Failed() {
			r.Fatal("see above")
		}
	})
}

// TestShrink_LeavesSomeOfEachText has as little room as there is, and no text that is short.
func TestShrink_LeavesSomeOfEachText(t *testing.T) {
	t.Parallel()
	m := destinationtest.Overlong(strings.Repeat("long ", 2_000))
	m.Alert.Dedup, m.AlertID = "dedup", strings.Repeat("a", alert.MaxIDLength)
	part := payload.Shrink(m, 0, 0).Alert
	for name, text := range map[string]string{
		"title": part.Title(), "name": part.Name(), "description": part.Description(), "runbook": part.Runbook(), "reference": part.Reference(),
		"tags": strings.Join(part.Detection.Tags, ""),
	} {
		if !strings.HasPrefix(text, "long long ") || !strings.HasSuffix(text, "…") {
			t.Errorf("%s: got %q, want the beginning", name, text)
		}
	}
}

// TestShrink_LeavesNoPartOfAnAddress has addresses that are too long: what is left of one would lead elsewhere.
func TestShrink_LeavesNoPartOfAnAddress(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	for _, length := range []int{5_000, 10_000} { // the second is longer than what is offered as a link
		long := "https://example.com/" + strings.Repeat("a", length)
		m.Alert.Detection.Runbook, m.Alert.Generated.Reference = long, &long
		small := payload.Shrink(m, 2_000, 0)
		if got := small.Alert.Runbook() + small.Alert.Reference(); got != "" {
			t.Errorf("got %.100q, want nothing of the addresses", got)
		}
		if m.Alert.Runbook() != long || m.Alert.Reference() != long {
			t.Error("the alert was changed")
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("title", "description", "tag", `{"a":1e400,"a":"\ud83d\ude00"}`, 40, 5_000)
	f.Add("\"\\\n", "é👨‍👩‍👧‍👦", "\xff", `{"list":[[],{},"x"]}`, 3_000, 4_096)
	f.Fuzz(func(t *testing.T, title, description, tag, context string, times, limit int) {
		object := strings.HasPrefix(context, "{") && utf8.ValidString(context)
		if !object || !jsontext.Value(context).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) || title == "" {
			t.Skip("no accepted alert has it")
		}
		times, limit = max(0, min(times, 1_000)), max(payload.MinLimit, min(limit, 1<<20))
		m := destinationtest.Message()
		m.Alert.Generated.Title = &title
		m.Alert.Detection.Description = strings.Repeat(description, times)
		m.Alert.Detection.Tags = slices.Repeat([]string{tag}, times)
		m.Alert.Context = json.RawMessage(context)
		for _, size := range sizes {
			checkWithin(t, m, limit, size)
		}
	})
}

// TestSchema_DescribesEveryMember compares the schema with what is sent.
func TestSchema_DescribesEveryMember(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(destinationtest.PayloadSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	var schema object
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"text":"` + strings.Repeat("x", payload.MinLimit) + `"}`)
	body, _ := payload.Render(m, payload.MinLimit, render.Bytes)
	schema.check(t, "", body)
	for _, example := range schema.Examples {
		destinationtest.CheckPayload(t, example)
	}
	if len(schema.Examples) == 0 || schema.Title == "" || schema.ID == "" {
		t.Errorf("got the title %q, the id %q and %d examples", schema.Title, schema.ID, len(schema.Examples))
	}
}

// object is a JSON Schema, as far as the test looks at it.
type object struct {
	ID          string            `json:"$id"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Required    []string          `json:"required"`
	Properties  map[string]object `json:"properties"`
	Items       *object           `json:"items"`
	Examples    []json.RawMessage `json:"examples"`
}

// check wants every member of a value, and no other, to be required and described, with an example.
func (s object) check(t *testing.T, at string, value []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || s.Properties == nil {
		return
	}
	for name, member := range members {
		p, known := s.Properties[name]
		if !known || p.Description == "" || !slices.Contains(s.Required, name) {
			t.Errorf("%s/%s: got %+v, want it described and required", at, name, p)
		}
		if len(p.Examples) == 0 && p.Items == nil {
			t.Errorf("%s/%s has no example", at, name)
		}
		p.check(t, at+"/"+name, member)
		var items []json.RawMessage
		if p.Items != nil && json.Unmarshal(member, &items) == nil {
			for _, item := range items {
				p.Items.check(t, at+"/"+name+"/0", item)
			}
		}
	}
	for name := range s.Properties {
		if _, there := members[name]; !there {
			t.Errorf("%s/%s is described and not sent", at, name)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	large := destinationtest.Message()
	large.Alert.Context = json.RawMessage(`{"list":[` + strings.Repeat(`{"name":"é","n":12.5},`, 8<<15) + `null]}`)
	for name, c := range map[string]struct {
		m     *destination.Message
		limit int
	}{
		"small, no limit": {destinationtest.Message(), 0},
		"small, within":   {destinationtest.Message(), 256 << 10},
		"large, no limit": {large, 0},
		"large, within":   {large, 8 << 20},
		"large, cut":      {large, 5 << 20},
		"large, cut much": {large, 256 << 10},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				payload.Render(c.m, c.limit, render.Bytes)
			}
		})
	}
}
