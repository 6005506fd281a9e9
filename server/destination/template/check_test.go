// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

func TestParse_NamesTheLineAndWhatWasMeant(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a\n\n{{.titel}}":                                             "line 3: there is no .titel; did you mean .title?",
		"{{.detection.nam}}":                                          "line 1: there is no .detection.nam; did you mean .detection.name?",
		"{{$.sevrity}}":                                               "line 1: there is no .sevrity; did you mean .severity?",
		"{{$d := .detection}}\n{{$d.idd}}":                            "line 2: there is no .detection.idd; did you mean .detection.id?",
		"{{with .detection}}{{.title}}{{end}}":                        "line 1: there is no .detection.title",
		"{{range .tags}}{{.title}}{{end}}":                            "line 1: an entry of .tags is a text and has no member title",
		"{{.title.text}}":                                             "line 1: .title is a text and has no member text",
		"{{.secret}}":                                                 "line 1: there is no .secret",
		"{{(.detection).idd}}":                                        "line 1: there is no .detection.idd; did you mean .detection.id?",
		"{{range .title}}{{end}}":                                     "line 1: range needs a list, a map or a whole number; .title is a text",
		`{{define "t"}}{{.titel}}{{end}}{{template "t" .}}`:           "line 1: there is no .titel; did you mean .title?",
		`{{define "t"}}{{.title}}{{end}}{{template "t"}}`:             `line 1: the template is given nothing to take .title of; {{template "name" .}} gives it what the dot is`,
		`{{template "none" .}}`:                                       `line 1: there is no template "none"; it needs a {{define "none"}}`,
		"{{define `t`}}\n{{template `t` .}}{{end}}{{template `t` .}}": `line 2: the template "t" must not call itself`,
		`{{define "a"}}{{template "b" .}}{{end}}{{define "b"}}{{template "a" .}}{{end}}`: `line 1: the template "a" must not call itself`,
		"{{uper .title}}":             "line 1: there is no function uper; did you mean upper?",
		"{{html .title}}":             "line 1: there is no function html",
		"{{call .title}}":             "line 1: there is no function call",
		"{{println .title}}":          "line 1: there is no function println; did you mean print?",
		"{{js .title | urlquery}}":    "line 1: there is no function js; did you mean json?; line 1: there is no function urlquery",
		"{{env `HOME`}}":              "line 1: there is no function env; did you mean and?",
		"{{upper}}":                   "line 1: upper needs 1 more: {{upper TEXT}}",
		"{{.title | replace}}":        "line 1: replace needs 2 more: {{replace OLD NEW TEXT}}",
		"{{upper .title .title}}":     "line 1: upper takes 1 fewer: {{upper TEXT}}",
		"{{print upper}}":             "line 1: upper needs 1 more: {{upper TEXT}}",
		"{{.title 5}}":                "line 1: .title is not a function and takes no argument",
		"{{5 | .title}}":              "line 1: .title is not a function and takes no argument",
		"{{1i}}":                      "line 1: 1i is no number that can be used here",
		"{{18446744073709551615}}":    "",
		"\n{{.title":                  "line 2: unclosed action",
		"{{if .title}}":               "line 1: unexpected EOF",
		"{{end}}":                     "line 1: unexpected {{end}}",
		"{{$x}}":                      `line 1: undefined variable "$x"`,
		"{{break}}":                   "line 1: {{break}} outside {{range}}",
		"{{nil}}":                     "line 1: nil is not a command",
		"{{.title}\n}":                "line 1: bad character U+007D '}'",
		"a\n\x1b":                     "line 2: must not hold control characters",
		"a\xff":                       "must be UTF-8",
		strings.Repeat("x", 16<<10+1): "must be at most 16384 bytes, not 16385",
		"{{.a}}{{.b}}{{.a}}":          "line 1: there is no .a; line 1: there is no .b",
		"{{.titel}}\n{{uper .a}}":     "line 1: there is no .titel; did you mean .title?; line 2: there is no .a; line 2: there is no function uper; did you mean upper?",
	} {
		_, err := template.Parse(source, nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want && !equalUnordered(got, want) {
			t.Errorf("%.80q: got %q, want %q", source, got, want)
		}
		if faults, ok := errors.AsType[template.Faults](err); err != nil && (!ok || len(faults) == 0) {
			t.Errorf("%.80q: the error is %T, want Faults", source, err)
		}
	}
}

// equalUnordered compares faults on one line, which come in no order.
func equalUnordered(got, want string) bool {
	for _, part := range strings.Split(want, "; line ") {
		if !strings.Contains(got, part) {
			return false
		}
	}
	return len(got) == len(want)
}

func TestParse_AcceptsWhatIsRight(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"{{.context.whatever.it.is}}{{range .context.list}}{{.x.y}}{{end}}",
		"{{$x := .title}}{{if .test}}{{$x = .context}}{{end}}{{$x.y}}",
		"{{range $i, $t := .tags}}{{$i}}{{$t}}{{else}}{{.title}}{{end}}",
		"{{with .link}}{{.}}{{$.title}}{{end}}",
		`{{define "unused"}}{{.anything}}{{end}}`,
		`{{define "t"}}{{.id}}{{end}}{{template "t" .detection}}{{with .context}}{{template "t" .}}{{end}}`,
		"{{range $k, $v := .}}{{$k}}{{end}}{{json .}}",
		"{{$é := .title}}{{$é = .context}}{{$é.foo}}",
		"{{$ = .context}}{{$.foo}}",
		"{{$x := .title}}{{if ($x = .context)}}{{$x.y}}{{end}}",
		"{{$x := .title}}{{$y := .title}}{{range $x, $y = .context}}{{$y.z}}{{end}}{{$y.z}}",
		"{{$x := .title}}{{template `t` ($x = .context)}}{{$x.y}}{{define `t`}}{{end}}",
		"{{$y := .title}}{{range ($y := .context.list)}}{{$y.foo}}{{end}}",
		"{{$e := .context}}{{range $e := .tags}}{{else}}{{$e}}{{end}}{{$e.foo}}",
		"{{/* a comment */}}{{print}}",
	} {
		if faults := template.Check(source, nil); len(faults) > 0 {
			t.Errorf("%s: %v", source, faults)
		}
	}
}

func TestCheck_TriesAlertsOfEveryKind(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{index .tags 0}}":              "line 1: index: there is no such entry in the list; first and last give nothing then (with an alert that has only what is required)",
		"{{truncate `x` .title}}":        "line 1: truncate: COUNT must be a whole number, 0 or more (with an alert that has everything)",
		"\n{{range 1000000}}{{end}}":     "line 2: stopped after 200000 steps; a range in a range is mostly why (with an alert that has everything)",
		"{{printf `%d` .severity}}":      "line 1: printf: %d wants a whole number, not a text (with an alert that has everything)",
		"{{printf `%999999999d` 1}}":     "line 1: printf: widths and precisions in FORMAT must be at most 100 (with an alert that has everything)",
		"{{printf `%*d` 1 1}}":           "line 1: printf: FORMAT must use the verbs %s %v %q %d %x %f %e %g %t %%, nothing else after a percent sign (with an alert that has everything)",
		"{{printf `%[1]d` 1}}":           "line 1: printf: FORMAT must use the verbs %s %v %q %d %x %f %e %g %t %%, nothing else after a percent sign (with an alert that has everything)",
		"{{printf `%s`}}":                "line 1: printf: FORMAT has more verbs than there are values (with an alert that has everything)",
		"{{printf `x` 1}}":               "line 1: printf: there are more values than verbs in FORMAT (with an alert that has everything)",
		"{{split `` .title}}":            "line 1: split: SEPARATOR must not be empty (with an alert that has everything)",
		"{{replace `` `x` .title}}":      "line 1: replace: OLD must not be empty (with an alert that has everything)",
		"{{atLeast `URGENT` .severity}}": "line 1: atLeast: LEAST must be one of INFO, LOW, MEDIUM, HIGH, CRITICAL (with an alert that has everything)",
		"{{range .context.mfa}}{{end}}":  "line 1: range needs a list, a map or a whole number, not true or false (with an alert that has everything)",
		"{{first .title}}":               "line 1: first: wants a list, not a text (with an alert that has everything)",
		"{{add .title 1}}":               "line 1: add: wants two whole numbers (with an alert that has everything)",
	} {
		if got := template.Check(source, nil).Error(); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

func TestNames_AreThereInEverySample(t *testing.T) {
	t.Parallel()
	for _, n := range template.Names() {
		if faults := template.Check("{{"+n.Path+"}}", nil); len(faults) > 0 {
			t.Errorf("%s: %v", n.Path, faults)
		}
	}
}
