// SPDX-License-Identifier: MPL-2.0

package render_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

func TestText_ShowsOrRemovesWhatMisleads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, line, full string }{
		{"plain", "plain", "plain"},
		{"  around\n", "around", "around"},
		{"a\r\nb\rc\td", "a b c d", "a\nb\nc\td"},
		{"a\n\n  b", "a b", "a\n\n  b"},
		{"nul\x00 esc\x1b[1m del\x7f", "nul� esc�[1m del�", "nul� esc�[1m del�"},
		{"c1\u009b next\u0085line", "c1� next line", "c1� next\nline"},
		{"pdf\u202egpj.exe", "pdf�gpj.exe", "pdf�gpj.exe"},
		{"\u2066a\u2069", "�a�", "�a�"},
		{"\u200e\u200fmarks\u061c", "marks", "marks"},
		{"zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen", "zerowidth softhyphen"},
		{"tag\U000e0041s", "tags", "tags"},
		{"x\u2062y\u034fz \U000e0100\U000e01ef", "xyz", "xyz"},
		{"Z" + strings.Repeat("\u0301\u200b\u0489", 50) + "a\u0301", "Z" + strings.Repeat("\u0301\u0489", 4) + "a\u0301", "Z" + strings.Repeat("\u0301\u0489", 4) + "a\u0301"},
		{"❤\ufe0f 1\ufe0f\u20e3 Tie\u0302\u0301ng", "❤\ufe0f 1\ufe0f\u20e3 Tie\u0302\u0301ng", "❤\ufe0f 1\ufe0f\u20e3 Tie\u0302\u0301ng"},
		{"a\u2028b\u2029c", "a b c", "a\nb\nc"},
		{"bad\xff\xfebytes", "bad��bytes", "bad��bytes"},
		{"e\u0301 👨‍👩‍👧 🇩🇪 שלום", "e\u0301 👨‍👩‍👧 🇩🇪 שלום", "e\u0301 👨‍👩‍👧 🇩🇪 שלום"},
		{"", "", ""},
		{" \u200b\n", "", ""},
	} {
		if got := render.Line(c.text); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.text, got, c.line)
		}
		if got := render.Text(c.text); got != c.full {
			t.Errorf("Text(%q) = %q, want %q", c.text, got, c.full)
		}
	}
}

func TestCutter_Fit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		limit      int
		size       render.Size
		want       string
	}{
		{"within", "abc", 3, render.Runes, "abc"},
		{"empty", "", 0, render.Runes, ""},
		{"over", "abcd", 3, render.Runes, "ab…"},
		{"only the ellipsis", "abcd", 1, render.Runes, "…"},
		{"nothing", "abcd", 0, render.Runes, ""},
		{"characters", "ééé", 2, render.Runes, "é…"},
		{"bytes within", "ééé", 6, render.Bytes, "ééé"},
		{"bytes over", "ééé", 5, render.Bytes, "é…"},
		{"bytes inside a character", "aéé", 4, render.Bytes, "a…"},
		{"no room for the ellipsis", "ééé", 2, render.Bytes, ""},
		{"JSON", `a"""`, 6, render.JSON, `a"…`},
		{"accent", "ae\u0301bc", 3, render.Runes, "a…"},
		{"family", "a👨‍👩‍👧bc", 4, render.Runes, "a…"},
		{"skin", "a👍🏽bc", 3, render.Runes, "a…"},
		{"flag", "a🇩🇪bc", 3, render.Runes, "a…"},
		{"second flag", "🇩🇪🇫🇷🇮🇹", 5, render.Runes, "🇩🇪🇫🇷…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cutter render.Cutter
			got := cutter.Fit(c.text, c.limit, c.size)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if cutter.Cut() != (got != c.text) {
				t.Errorf("got Cut %t for %q", cutter.Cut(), got)
			}
		})
	}
}

func TestCutter_FitNeverExceedsNorSplits(t *testing.T) {
	t.Parallel()
	texts := []string{
		strings.Repeat("x", 50), strings.Repeat("é\"", 30), strings.Repeat("😀", 20), strings.Repeat("👨‍👩‍👧‍👦", 9),
		"a" + strings.Repeat("\u0301", 60), strings.Repeat("🇩🇪", 15), strings.Repeat("\u200d", 40), "a\n\tb\\c",
	}
	for name, size := range map[string]render.Size{"runes": render.Runes, "bytes": render.Bytes, "JSON": render.JSON} {
		for _, text := range texts {
			for limit := range 80 {
				var cutter render.Cutter
				got := cutter.Fit(text, limit, size)
				if n := size.Of(got); n > limit {
					t.Errorf("%s: %q cut to %d: got %q of size %d", name, text, limit, got, n)
				}
				if !utf8.ValidString(got) || !strings.HasPrefix(text, strings.TrimSuffix(got, "…")) {
					t.Errorf("%s: %q cut to %d: got %q, want a beginning of it", name, text, limit, got)
				}
			}
		}
	}
}

func TestCutter_ContextKeepsOrderAndNumbers(t *testing.T) {
	t.Parallel()
	const raw = "{\"b\":1.50,\"a\" : 12345678901234567890, \"c\":[1,{\"x\":[]}],\n\"d\":{},\"e\":\"q\\\"{,}:[]\\\\\",\"f\":[ ]}"
	const want = "{\n  \"b\": 1.50,\n  \"a\": 12345678901234567890,\n  \"c\": [\n    1,\n    {\n      \"x\": []\n    }\n  ],\n" +
		"  \"d\": {},\n  \"e\": \"q\\\"{,}:[]\\\\\",\n  \"f\": []\n}"
	var cutter render.Cutter
	if got := cutter.Context(json.RawMessage(raw), 1000, render.Runes); got != want || cutter.Cut() {
		t.Errorf("got %s (cut %t), want %s", got, cutter.Cut(), want)
	}
}

func TestCutter_ContextSaysWhereItWasCut(t *testing.T) {
	t.Parallel()
	raw := `{"text":"` + strings.Repeat("é", 4<<20) + `"}`
	var cutter render.Cutter
	got := cutter.Context(json.RawMessage(raw), 200, render.Bytes)
	shown := "{\n  \"text\": \"" + strings.Repeat("é", 50)
	if want := shown + "\n… cut here: 63 of 4,194,320 characters shown; the alert has the whole context"; got != want || len(got) > 200 {
		t.Errorf("got %q, want %q", got, want)
	}
	if !cutter.Cut() {
		t.Error("got Cut false, want true")
	}
	for _, none := range []string{"", "{}", "null", " { } "} {
		if got := cutter.Context(json.RawMessage(none), 200, render.Bytes); got != "" {
			t.Errorf("context %q: got %q, want nothing", none, got)
		}
	}
	for _, broken := range []string{`{"a`, `}}}]`, `{"a":"\`, `[[[[`, `{`} { // not accepted by the API, so only not to fail on
		cutter.Context(json.RawMessage(broken), 200, render.Bytes)
	}
}

func TestCutter_ContextCountsWhatWouldBeShown(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nested":    "{\"b\":[1.50,-2e400, true,null,{\"a\" :\"x\"}],\n\"d\":{},\"e\":\"q\\\"{,}:[]\\\\\",\"f\":[ ]}",
		"scripts":   `{"a":"שלום é 👨‍👩‍👧‍👦 🇩🇪 \u00e9\ud83d\ude00"}`,
		"zalgo":     "{\"a\":\"Z" + strings.Repeat("\u0301\u0489\u200b", 90) + "\",\"b\":\"é" + strings.Repeat("\u0301", 90) + "\"}",
		"invisible": "{\"a\":\"zero\u200bwidth\u202e soft\u00ad line\u2028\u0085 tag\U000e0041\"}",
		"hidden":    "{\"a\":\"" + strings.Repeat("\u200b\u00ad", 3000) + "\",\"b\":1}",
		"deep":      `{"a":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var whole render.Cutter
			text := whole.Context(json.RawMessage(raw), 1<<20, render.Runes)
			total, cuts := utf8.RuneCountInString(text), 0
			for limit := range total {
				var cutter render.Cutter
				got := cutter.Context(json.RawMessage(raw), limit, render.Runes)
				if got == "" {
					continue
				}
				shown, note, _ := strings.Cut(got, "\n… cut here: ")
				want := fmt.Sprintf("%d of %d characters shown; the alert has the whole context", utf8.RuneCountInString(shown), total)
				if strings.ReplaceAll(note, ",", "") != want || !strings.HasPrefix(text, shown) || utf8.RuneCountInString(got) > limit {
					t.Fatalf("cut to %d: got %q, want a beginning of %q that says %q", limit, got, text, want)
				}
				cuts++
			}
			if total > 90 && cuts == 0 {
				t.Error("nothing was shown at any limit")
			}
		})
	}
}

func BenchmarkCutter_ContextOfMegabytes(b *testing.B) {
	for name, raw := range map[string]json.RawMessage{
		"one text":   json.RawMessage(`{"text":"` + strings.Repeat("0123456789abcdef", 8<<16) + `"}`),
		"many words": json.RawMessage(`{"list":[` + strings.Repeat(`{"name":"é","n":12.5},`, 8<<15) + `null]}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var cutter render.Cutter
				cutter.Context(raw, 3000, render.Runes)
			}
		})
	}
}

func TestURL_OffersOnlyWebLinks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://runbooks.example.com/a?b=c&d=e#f":        "https://runbooks.example.com/a?b=c&d=e#f",
		"http://runbooks.example.com\n":                   "http://runbooks.example.com",
		"":                                                "",
		"see https://example.com":                         "",
		"https://example.com and more":                    "",
		"javascript:alert(1)":                             "",
		"data:text/html,x":                                "",
		"//example.com":                                   "",
		"https://":                                        "",
		"https://bank.example@evil.example/":              "",
		"https://evil.example/\u202egpj":                  "",
		"https://evil.example/|x>":                        "",
		"https://evil.example/\u00a0\u3000x":              "",
		"https://evil.example/a\u200db\xff":               "",
		"https://münchen.example/straße":                  "https://münchen.example/straße",
		"https://e.example/" + strings.Repeat("x", 9_000): "",
	} {
		if got := render.URL(text); got != want {
			t.Errorf("URL(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFacts_LeaveOutWhatIsNotSet(t *testing.T) {
	t.Parallel()
	m := &destination.Message{Alert: &alert.Alert{Type: alert.Rule, Detection: alert.Detection{ID: "D\n1"}}, Severity: alert.Low}
	want := []render.Fact{{Name: "Severity", Value: "LOW"}, {Name: "Type", Value: "RULE"}, {Name: "Detection", Value: "D 1"}}
	got := render.Facts(m)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("fact %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestTitle_IsNeverBlank(t *testing.T) {
	t.Parallel()
	const blank = " \u200b\u3164\u200d"
	for _, c := range []struct{ generated, name, id, alertID, want string }{
		{"title", "name", "id", "alert", "title"},
		{blank, "name", "id", "alert", "name"},
		{"", blank, "id", "alert", "id"},
		{blank, blank, blank, "alert", "alert"},
		{blank, blank, blank, blank, "Untitled alert"},
	} {
		m := &destination.Message{AlertID: c.alertID, Alert: &alert.Alert{
			Detection: alert.Detection{ID: c.id, Name: c.name}, Generated: alert.Generated{Title: &c.generated},
		}}
		if got := render.Title(m); got != c.want {
			t.Errorf("%q: got %q, want %q", c, got, c.want)
		}
		m.Test = true
		if got := render.Title(m); got != "[TEST] "+c.want {
			t.Errorf("test of %q: got %q, want %q", c, got, "[TEST] "+c.want)
		}
	}
}

func TestBlank_MeansThatNothingIsSeen(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "\n\t", "\u00a0", "\u200b", "\u200d", "\u3164", "\u2800", "\ufe0f", "\u115f\u1160"} {
		if !render.Blank(text) {
			t.Errorf("Blank(%q) = false, want true", text)
		}
	}
	for _, text := range []string{"x", ".", " é", "שלום", "👍", "🇩🇪", "\x00", "\xff", "\u202e", "e\u0301"} {
		if render.Blank(text) { // control characters are shown as U+FFFD
			t.Errorf("Blank(%q) = true, want false", text)
		}
	}
}

func TestFacts_OfLongListsAreBounded(t *testing.T) {
	t.Parallel()
	m := &destination.Message{Alert: &alert.Alert{LogTypes: append([]string{"", "\u200b"}, slices.Repeat([]string{"AWS.CloudTrail"}, 100_000)...)}}
	m.Alert.Detection.Tags = make([]string, 100_000)
	for _, f := range render.Facts(m) {
		if len(f.Value) > 8<<10 || !strings.HasPrefix(f.Value, "AWS.CloudTrail, AWS.CloudTrail, ") {
			t.Errorf("%s: got %d bytes, beginning %.60q", f.Name, len(f.Value), f.Value)
		}
	}
}

func TestNotes_NameTheFallback(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"SOC": "Fallback for SOC, ", "\u200b": "Fallback for another destination, "} {
		notes := render.Notes(&destination.Message{FallbackOf: name})
		if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
			t.Errorf("fallback of %q: got %q, want it to begin %q", name, notes, want)
		}
	}
}

func TestLookOf_DiffersForEverySeverity(t *testing.T) {
	t.Parallel()
	seen := map[render.Look]alert.Severity{}
	for _, s := range alert.Severities() {
		look := render.LookOf(s)
		if other, taken := seen[look]; taken {
			t.Errorf("%s looks like %s", s, other)
		}
		seen[look] = s
	}
}
