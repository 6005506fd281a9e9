// SPDX-License-Identifier: MPL-2.0

package destination_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

func TestPointer_EscapesNames(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"/url": {"url"}, "/headers/X-Team": {"headers", "X-Team"}, "/details/a~1b~0c": {"details", "a/b~c"}, "/tags/0": {"tags", "0"}, "/details/": {"details", ""},
	} {
		if got := destination.Pointer(names...); got != want {
			t.Errorf("%q: got %s, want %s", names, got, want)
		}
	}
}

func TestOneLine_AndVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ line, visible bool }{
		"":            {true, true},
		"a-Key_1~":    {true, true},
		"two words":   {true, false},
		"Größe 😀":     {true, false},
		" a":          {false, false},
		"a\u00a0":     {false, false},
		"a\nb":        {false, false},
		"a\x7fb":      {false, false},
		"a\u0085b":    {false, false},
		"not \xff it": {false, false},
	} {
		if line, visible := destination.OneLine(text), destination.Visible(text); line != want.line || visible != want.visible {
			t.Errorf("%q: got %t and %t, want %t and %t", text, line, visible, want.line, want.visible)
		}
	}
}

func TestFaults_NamesEveryWrongMember(t *testing.T) {
	t.Parallel()
	short := func(text string) string {
		if len(text) > 3 {
			return "is too long"
		}
		return ""
	}
	var faults destination.Faults
	if err := faults.Err(); err != nil {
		t.Errorf("got %v before there was any", err)
	}
	faults.Required("/a", "", short)
	faults.Required("/b", "long", short)
	faults.Required("/c", "fit", short)
	faults.Optional("/d", "", short)
	faults.Optional("/e", "long", short)
	faults.List("/f", []string{"fit", "long", "fit"}, 2, short)
	faults.Unique("/g", []string{"x", "y", "x"})
	faults.BySeverity("/h", map[alert.Severity]string{alert.High: "long", alert.Low: "fit", "a/b": "fit"}, short)
	faults.Details("/i", map[string]string{"": "x", "fine": "ok", "two": "a\nb"}, 10, utf8.RuneCountInString)
	faults.Take([]problem.Field{{Name: "/j", Message: "50% is wrong"}})
	faults.Check("/k", "")
	faults.Check("/l", "50% is wrong")
	var got []string
	for _, f := range problem.FieldsOf(faults.Err()) {
		got = append(got, f.Name+" "+f.Message)
	}
	want := []string{
		"/a is required", "/b is too long", "/e is too long", "/f must be at most 2", "/f/1 is too long", "/g/2 is there twice",
		"/h/HIGH is too long", "/h/a~1b is not a severity: those are INFO, LOW, MEDIUM, HIGH and CRITICAL",
		"/i must have at most 10 characters in all, names and values", "/i/ must have a name of one line, without space around it",
		"/i/two must be one line, without control characters and without space around it", "/j 50% is wrong", "/l 50% is wrong",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFaultOf_SaysWhatMustBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		faultOf func(string) string
		fine    []string
		wrong   []string
		want    string
	}{
		{"one line", destination.OneLineFault, []string{"", "a b"}, []string{" a", "a\tb"}, "must be one line, without control characters and without space around it"},
		{"visible", destination.VisibleFault, []string{"", "a-b"}, []string{"a b", "é"}, "must be visible ASCII characters, without spaces"},
		{"key", destination.KeyFault(3), []string{"abc"}, []string{"abcd", "a b"}, "must be at most 3 visible ASCII characters, without spaces"},
		{"one of", destination.OneOf("a", "b", "c"), []string{"a", "c"}, []string{"", "d"}, "must be a, b or c"},
		{"base", destination.BaseURLFault, []string{"https://a.example", "http://a.example:8080/b/"}, []string{"https://a.example?b", "https://a.example#b"}, "must not have a query or a fragment"},
	} {
		for _, text := range test.fine {
			if fault := test.faultOf(text); fault != "" {
				t.Errorf("%s: %q %s", test.name, text, fault)
			}
		}
		for _, text := range test.wrong {
			if fault := test.faultOf(text); fault != test.want {
				t.Errorf("%s: of %q got %q, want %q", test.name, text, fault, test.want)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "0": true, "1234": true, "12345": false, "12a": false, "-1": false, "٣": false} {
		if got := destination.Digits(text, 4); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

func TestJSONObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true, ` {"a":{"b":1}} `: true, ``: false, `null`: false, `[]`: false, `{"a":1,"a":2}`: false, `{"a":{"b":1,"b":2}}`: false, `{"a":1} x`: false,
	} {
		members, ok := destination.JSONObject(text)
		if ok != want || ok != (members != nil) {
			t.Errorf("%s: got %v and %t, want %t", text, members, ok, want)
		}
	}
}

func TestEndpoint_AppendsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://a.example":               "https://a.example/v2/alerts",
		"https://a.example/":              "https://a.example/v2/alerts",
		"https://a.example/v2/":           "https://a.example/v2/alerts",
		"https://a.example/v2/alerts/":    "https://a.example/v2/alerts",
		"https://a.example/b/v2/alerts":   "https://a.example/b/v2/alerts",
		"https://a.example/b":             "https://a.example/b/v2/alerts",
		"https://a.example/xv2":           "https://a.example/xv2/v2/alerts",
		"https://a.example/b%2Fc?key=d/e": "https://a.example/b%2Fc/v2/alerts?key=d/e",
	} {
		if got := destination.Endpoint(base, "v2", "alerts"); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}
