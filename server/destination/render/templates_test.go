// SPDX-License-Identifier: MPL-2.0

package render_test

import (
	"encoding/json"
	"html"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

func alertMessage() *destination.Message {
	return &destination.Message{
		Alert: &alert.Alert{
			Type: alert.Rule, LogTypes: []string{"AWS.CloudTrail", " \u200b"}, Dedup: "d\nup",
			Detection: alert.Detection{
				ID: "AWS.Root", Name: "Root <login>", Version: "3", Severity: "LOW", Description: "static", Runbook: "rb", Reference: "ref",
				Tags: []string{"AWS", ""},
			},
			Generated: alert.Generated{Title: new("Root\u202e by <b>root</b>"), Description: new("one\r\ntwo\x00")},
			Context:   json.RawMessage(`{"ip":"198.51.100.7\u0007","n":12345678901234567890,"list":[]}`),
		},
		AlertID: "a1", Severity: alert.High, CreatedAt: time.Date(2026, 11, 21, 3, 35, 21, 5e8, time.UTC), Link: "https://alerts.example.com/a1",
		Attempt: 2, FallbackOf: "SOC",
	}
}

func apply(t testing.TB, templates render.Templates, m *destination.Message) render.Texts {
	t.Helper()
	set, err := templates.Compile(html.EscapeString)
	if err != nil {
		t.Fatal(err)
	}
	return set.Apply(m)
}

func TestTemplates_SeeEveryName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		".title": "Root\ufffd by &lt;b&gt;root&lt;/b&gt;", ".severity": "HIGH", ".type": "RULE", ".description": "one\ntwo\ufffd", ".runbook": "rb", ".reference": "ref",
		".alert_id": "a1", ".link": "https://alerts.example.com/a1", ".created_at": "2026-11-21T03:35:21.5Z", ".dedup": "d up", ".tags": "AWS", ".log_types": "AWS.CloudTrail",
		".detection":    "{&#34;description&#34;:&#34;static&#34;,&#34;id&#34;:&#34;AWS.Root&#34;,&#34;name&#34;:&#34;Root &lt;login&gt;&#34;,&#34;reference&#34;:&#34;ref&#34;,&#34;runbook&#34;:&#34;rb&#34;,&#34;severity&#34;:&#34;LOW&#34;,&#34;tags&#34;:[&#34;AWS&#34;],&#34;version&#34;:&#34;3&#34;}",
		".detection.id": "AWS.Root", ".detection.name": "Root &lt;login&gt;", ".detection.version": "3", ".detection.severity": "LOW", ".detection.description": "static",
		".detection.runbook": "rb", ".detection.reference": "ref", ".detection.tags": "AWS", ".context": "{&#34;ip&#34;:&#34;198.51.100.7\\u0007&#34;,&#34;n&#34;:12345678901234567890,&#34;list&#34;:[]}",
		".context.ip": "198.51.100.7\ufffd", ".context.n": "12345678901234567890", ".test": "false", ".fallback_of": "SOC", ".attempt": "2",
	} {
		texts := apply(t, render.Templates{BodyTemplate: "{{" + name + "}}"}, alertMessage())
		if texts.Body != want || !texts.HasBody {
			t.Errorf("%s: got %q (notes %q), want %q", name, texts.Body, texts.Notes, want)
		}
	}
	for _, n := range template.Names() {
		m := alertMessage()
		if texts := apply(t, render.Templates{BodyTemplate: "{{json " + n.Path + "}}"}, m); texts.Body == "null" || texts.Body == "" {
			t.Errorf("%s: got %q, want the name to be there", n.Path, texts.Body)
		}
	}
}

func TestTemplates_TitleIsOneLineAndNeverBlank(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{.severity}}\n<b>{{.dedup}}": "HIGH <b>d up",
		" {{.context.none}}\n":         "Root\ufffd by <b>root</b>",
		"":                             "Root\ufffd by <b>root</b>",
		"{{index .context.list 0}}":    "Root\ufffd by <b>root</b>",
	} {
		m := alertMessage()
		if got := apply(t, render.Templates{TitleTemplate: source}, m).Title; got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
		m.Test = true
		if got := apply(t, render.Templates{TitleTemplate: source}, m).Title; got != "[TEST] "+want {
			t.Errorf("test of %q: got %q, want %q", source, got, "[TEST] "+want)
		}
	}
}

func TestTemplates_FailWithANote(t *testing.T) {
	t.Parallel()
	const fails = "x\n{{index .context.list 0}}"
	texts := apply(t, render.Templates{TitleTemplate: fails, BodyTemplate: fails}, alertMessage())
	if texts.HasBody || texts.Body != "" {
		t.Errorf("got the body %q of a template that failed", texts.Body)
	}
	const why = " (line 2: index: there is no such entry in the list; first and last give nothing then), so this is the usual "
	if want := "The body template failed" + why + "body."; !slices.Contains(texts.Notes, want) {
		t.Errorf("got the notes %q, want %q", texts.Notes, want)
	}
	if want := "The title template failed" + why + "title."; !slices.Contains(texts.Notes, want) {
		t.Errorf("got the notes %q, want %q", texts.Notes, want)
	}
}

func TestTemplates_JSONKeepsTextsAsTheyAre(t *testing.T) {
	t.Parallel()
	set, err := render.Templates{BodyTemplate: `{"d":{{.description}},"t":"{{.title}}","c":{{.context}},"ip":{{.context.ip}}}`}.CompileJSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"d":"one\r\ntwo\u0000","t":"Root` + "\u202e" + ` by <b>root</b>","c":{"ip":"198.51.100.7\u0007","n":12345678901234567890,"list":[]},"ip":"198.51.100.7\u0007"}`
	if got := set.Apply(alertMessage()).Body; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTemplates_ValidateNamesEveryFault(t *testing.T) {
	t.Parallel()
	fields := render.Templates{TitleTemplate: "{{.a}}\n{{.b}}", BodyTemplate: "{{"}.Validate(html.EscapeString)
	var got []string
	for _, f := range fields {
		got = append(got, f.Name+" "+f.Message)
	}
	want := []string{"/title_template does not work: line 1: there is no .a", "/title_template does not work: line 2: there is no .b", "/body_template does not work: line 1: unclosed action"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if fields := (render.Templates{}).ValidateJSON(); len(fields) > 0 {
		t.Errorf("no templates: got %v", fields)
	}
	if fields := (render.Templates{BodyTemplate: "{{.title}}}"}).ValidateJSON(); len(fields) != 1 || !strings.Contains(fields[0].Message, "does not give JSON") {
		t.Errorf("not JSON: got %v", fields)
	}
}

func TestTexts_FitBodyCutsValuesAndNotTheTemplate(t *testing.T) {
	t.Parallel()
	m := alertMessage()
	m.Alert.Generated.Description = new(strings.Repeat("<é👨‍👩‍👧>", 1000))
	texts := apply(t, render.Templates{BodyTemplate: "<i>{{.severity}}</i> <b>{{.description}}</b> <u>{{.description}}</u>"}, m)
	for _, limit := range []int{200, 1000, 5000, 20_000} {
		var cutter render.Cutter
		got := texts.FitBody(&cutter, limit, render.Runes)
		if n := utf8.RuneCountInString(got); n > limit || n < limit/5 {
			t.Errorf("limit %d: got %d characters", limit, n)
		}
		if !cutter.Cut() || !strings.HasPrefix(got, "<i>HIGH</i> <b>&lt;é") || !strings.HasSuffix(got, "…</u>\n\n… cut to fit; the alert has the whole") || !strings.Contains(got, "…</b> <u>&lt;") {
			t.Errorf("limit %d: got %.60s … %s", limit, got, got[max(0, len(got)-60):])
		}
	}
	var cutter render.Cutter
	if got := texts.FitBody(&cutter, 1<<20, render.Runes); got != texts.Body || cutter.Cut() {
		t.Errorf("what fits was changed (cut %t)", cutter.Cut())
	}
	if got := texts.FitBody(&cutter, 10, render.Runes); utf8.RuneCountInString(got) > 10 {
		t.Errorf("got %q, want at most 10 characters", got)
	}
	long := apply(t, render.Templates{BodyTemplate: strings.Repeat("own ", 100)}, m)
	if got := long.FitBody(&cutter, 60, render.Runes); got != "own own own own own o\n\n… cut to fit; the alert has the whole" {
		t.Errorf("the template's own text is too long: got %q", got)
	}
}

// An execution may take all that it is allowed, so there is one however often the body is cut. Not parallel: it counts
// what is allocated.
func TestTexts_FitBodyExecutesNothing(t *testing.T) {
	m := alertMessage()
	m.Alert.Generated.Description = new(strings.Repeat("x", 20_000))
	texts := apply(t, render.Templates{BodyTemplate: "{{range 30000}}{{$x := print .}}{{end}}{{.description}}"}, m)
	var cutter render.Cutter
	if made := testing.AllocsPerRun(1, func() { texts.FitBody(&cutter, 3000, render.Runes) }); !cutter.Cut() || made > 3000 {
		t.Errorf("made %.0f allocations (cut %t), want few", made, cutter.Cut())
	}
}

func BenchmarkTemplates_Apply(b *testing.B) {
	big := alertMessage()
	big.Alert.Context = json.RawMessage(`{"records":[` + strings.Repeat(`{"ip":"198.51.100.7","user":{"name":"root"}},`, 20_000) + `{}],"ip":"x"}`)
	const body = "*{{.severity}}* {{.title}}\n{{.description}}\n{{if .runbook}}Runbook: {{.runbook}}{{end}}\nTags: {{join `, ` .tags}} {{date `15:04` .created_at}}"
	for name, c := range map[string]struct {
		templates render.Templates
		m         *destination.Message
	}{
		"none":                    {render.Templates{}, alertMessage()},
		"title and body":          {render.Templates{TitleTemplate: "{{.severity}}: {{.title}}", BodyTemplate: body}, alertMessage()},
		"with context":            {render.Templates{TitleTemplate: "{{.severity}}: {{.title}}", BodyTemplate: body + "{{.context.ip}} {{.context.n}}"}, alertMessage()},
		"1 MB, without context":   {render.Templates{BodyTemplate: body}, big},
		"1 MB, with context":      {render.Templates{BodyTemplate: body + "{{.context.ip}}"}, big},
		"1 MB, range of 20 names": {render.Templates{BodyTemplate: "{{range $i, $r := .context.records}}{{if ge $i 20}}{{break}}{{end}}{{$r.user.name}}{{end}}"}, big},
	} {
		b.Run(name, func(b *testing.B) {
			set, err := c.templates.Compile(html.EscapeString)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if texts := set.Apply(c.m); len(texts.Notes) != 1 {
					b.Fatal(texts.Notes)
				}
			}
		})
	}
}
