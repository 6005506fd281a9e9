// SPDX-License-Identifier: MPL-2.0

package render_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

func TestCutter_AppendValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, raw string
		limit     int
		want      string
	}{
		{"within", `{"a":1}`, 7, `{"a":1}`},
		{"a number", `{"a":1,"b":1e400}`, 16, `{"a":1}`},
		{"not a part of a name", `{"a":1,"bbbbbbbb":2}`, 16, `{"a":1}`},
		{"a name without its value", `{"a":1,"bbb":2}`, 14, `{"a":1}`},
		{"a text", `{"a":1,"b":"0123456789"}`, 20, `{"a":1,"b":"012…"}`},
		{"only the ellipsis", `{"b":"0123456789"}`, 11, `{"b":"…"}`},
		{"not even the ellipsis", `{"b":"0123456789"}`, 10, `{}`},
		{"an object", `{"a":{"b":1,"c":2},"d":3}`, 16, `{"a":{"b":1}}`},
		{"a list", `{"a":[1,2,[3,4]],"d":3}`, 14, `{"a":[1,2,[]]}`},
		{"a list with a text", `["0123","456789"]`, 15, `["0123","4…"]`},
		{"no room for a bracket", `{"a":{"b":1}}`, 8, `{"a":{}}`},
		{"no room for a value", `{"a":{"b":1}}`, 7, `{}`},
		{"nothing", `{"a":1}`, 1, ``},
		{"an escape", `["a\"\"\"\"\"\"\"\"\""]`, 12, `["a\"\"…"]`},
		{"inside an escape", `["ab\"\"\"\"\"\"\"\"\""]`, 12, `["ab\"…"]`},
		{"a surrogate pair", `["a\ud83d\ude00bbbbbbbbbbbbbbb"]`, 20, `["a\ud83d\ude00…"]`},
		{"inside a surrogate pair", `["a\ud83d\ude00bbbbbbbbbbbbbbb"]`, 19, `["a…"]`},
		{"a lone surrogate", `["a\ud83d\u0041bbbbbbbbbbbbbbb"]`, 19, `["a\ud83d…"]`},
		{"an accent", `["ae\u0301bbbbbbbbbbbb"]`, 14, `["a…"]`},
		{"a family", `["a👨‍👩‍👧bbbbbbbb"]`, 24, `["a…"]`},
		{"a flag", `["a🇩🇪bbbbbbbb"]`, 13, `["a…"]`},
		{"space", `{ "a" : [ 1 , 2 ] , "b" : 2 }`, 22, `{ "a" : [ 1 , 2 ]}`},
		{"a name twice", `{"a":1,"a":2,"a":3}`, 13, `{"a":1,"a":2}`},
		{"words", `[true,false,null,-1.5E+3]`, 18, `[true,false,null]`},
		{"a name with quotes", `{"\"\\":[],"b":0}`, 11, `{"\"\\":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cutter render.Cutter
			got, kept := cutter.AppendValue(nil, json.RawMessage(c.raw), c.limit, render.Bytes)
			if string(got) != c.want || len(got) > c.limit || !strings.HasPrefix(c.raw, string(got[:kept])) {
				t.Errorf("got %s, of which %d bytes were kept, want %s", got, kept, c.want)
			}
			if cutter.Cut() != (c.want != c.raw) {
				t.Errorf("got Cut %t for %s", cutter.Cut(), got)
			}
		})
	}
}

// spelled draws a JSON value in any spelling.
func spelled(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := func() string { return rapid.SampledFrom([]string{"", "", "", " ", "\n\t"}).Draw(t, "space") }
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"0", "-12", "1.50", "1e400", "12345678901234567890", "true", "false", "null"}).Draw(t, "word")
		case 1, 2, 3:
			return `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
				"a", " ", "é", "e\u0301", "👨‍👩‍👧‍👦", "🇩🇪", "𝄞", `\"`, `\\`, `\/`, `\n`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\u0000`, "{", "]", ":", ",",
			}), 0, 12).Draw(t, "text"), "") + `"`
		case 4:
			items := rapid.SliceOfN(spelled(depth-1), 0, 4).Draw(t, "items")
			return "[" + space() + strings.Join(items, space()+","+space()) + space() + "]"
		}
		members := rapid.SliceOfN(spelled(depth-1), 0, 4).Draw(t, "members")
		for i := range members {
			name := rapid.SampledFrom([]string{`"a"`, `""`, `"\"}:"`, `"é\u0041"`}).Draw(t, "name")
			members[i] = name + space() + ":" + space() + members[i]
		}
		return "{" + space() + strings.Join(members, space()+","+space()) + space() + "}"
	})
}

var sizes = map[string]render.Size{"runes": render.Runes, "bytes": render.Bytes, "JSON": render.JSON}

// afterCut is what may follow the part of a value that was kept.
var afterCut = regexp.MustCompile(`^(…")?[\]}]*$`)

func checkValue(t rapid.TB, raw string, size render.Size) {
	before := -1
	for limit := range size.Of(raw) + 3 {
		var cutter render.Cutter
		out, kept := cutter.AppendValue([]byte("x"), json.RawMessage(raw), limit, size)
		got := string(out[1:])
		if n := size.Of(got); n > limit {
			t.Fatalf("%s cut to %d: got %s of size %d", raw, limit, got, n)
		}
		if kept < before {
			t.Fatalf("%s cut to %d: got %s, which is less than at a lower limit", raw, limit, got)
		}
		before = kept
		if size.Of(raw) <= limit {
			if got != raw || cutter.Cut() {
				t.Fatalf("%s with room for %d: got %s (cut %t)", raw, limit, got, cutter.Cut())
			}
			continue
		}
		if !cutter.Cut() || kept > len(got) || !strings.HasPrefix(raw, got[:kept]) || !afterCut.MatchString(got[kept:]) {
			t.Fatalf("%s cut to %d: got %s, with %d bytes kept (cut %t)", raw, limit, got, kept, cutter.Cut())
		}
		if got == "" {
			continue
		}
		if !utf8.ValidString(got) || !jsontext.Value(got).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			t.Fatalf("%s cut to %d: got %s, which is not JSON", raw, limit, got)
		}
	}
}

func TestCutter_AppendValueStaysJSONAndABeginning(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { checkValue(t, spelled(3).Draw(t, "value"), size) })
		})
	}
}

func FuzzCutter_AppendValue(f *testing.F) {
	f.Add(`{"text":"a\ud83d\ude00 👨‍👩‍👧","text":1e400,"list":[1,[{}],"é"]}`)
	f.Add("{ \"a\" : [ ] ,\n\"b\":\"\\u0000\\\"\" }")
	f.Fuzz(func(t *testing.T, raw string) {
		valid := utf8.ValidString(raw) && jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if !valid || len(raw) > 1<<10 {
			var cutter render.Cutter
			cutter.AppendValue(nil, json.RawMessage(raw), len(raw)/2, render.Bytes) // not accepted by the API, so only not to fail on
			return
		}
		checkValue(t, strings.Trim(raw, " \t\r\n"), render.Bytes)
	})
}

func TestCutter_AppendValueOfMegabytes(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"one text":   `{"text":"` + strings.Repeat("é", 4<<20) + `"}`,
		"many words": `{"list":[` + strings.Repeat(`{"name":"é","n":12.5},`, 8<<15) + `null]}`,
		"deep":       `{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
	} {
		const limit = 10_000
		var cutter render.Cutter
		got, _ := cutter.AppendValue(nil, json.RawMessage(raw), limit, render.Bytes)
		if len(got) > limit || len(got) < limit-30 || !json.Valid(got) || !cutter.Cut() {
			t.Errorf("%s: got %d bytes beginning %.40s and ending %s", name, len(got), got, got[len(got)-40:])
		}
	}
}
