// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// vendorAddress is an address for senders that only render.
const vendorAddress = "https://127.0.0.1:9"

// testTemplates looks at the templates of a type that has them.
func testTemplates(t *testing.T, c Case) {
	if !c.hasTemplates(t) {
		return
	}
	for name, test := range map[string]func(*testing.T, Case){
		"appear":      testTemplatesAppear,
		"are checked": testTemplatesAreChecked,
		"escape":      testTemplatesEscape,
		"are cleaned": testTemplatesAreCleaned,
		"fail":        testTemplatesFail,
		"are cut":     testTemplatesAreCut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

func (c Case) hasTemplates(t testing.TB) bool {
	t.Helper()
	_, _, err := c.Type.Split(json.RawMessage(`{"title_template":"","body_template":""}`), nil)
	for _, f := range problem.FieldsOf(err) {
		if strings.HasSuffix(f.Name, "_template") {
			return false
		}
	}
	return true
}

// own makes a template of a body of a text in it: for a program, JSON.
func (c Case) own(text string) string {
	if c.Machine {
		return `{"own":"` + text + `"}`
	}
	return text
}

// render returns what a message becomes with templates.
func (c Case) render(t testing.TB, title, body string, m *destination.Message) destination.Rendering {
	t.Helper()
	r, err := c.with(t, map[string]any{"title_template": title, "body_template": body}).open(t, vendorAddress).Render(m)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	return r
}

// with returns the case with more members in its config.
func (c Case) with(t testing.TB, more map[string]any) Case {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(c.Config, &members); err != nil {
		t.Fatalf("the suite's config: %v", err)
	}
	maps.Copy(members, more)
	c.Config = encode(t, members)
	return c
}

// bodyTexts returns the texts of a rendering in which markup means something.
func (c Case) bodyTexts(t testing.TB, r destination.Rendering) string {
	t.Helper()
	if c.MarkupMember == "" {
		return strings.Join(textsOf(t, r.Body), "\n")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &members); err != nil || members[c.MarkupMember] == nil {
		t.Fatalf("the rendering has no member %s: %v", c.MarkupMember, err)
	}
	return strings.Join(textsOf(t, members[c.MarkupMember]), "\n")
}

func testTemplatesAppear(t *testing.T, c Case) {
	const title, body = "own title of {{.severity}}", "own body of {{.detection.name}}"
	without := c.render(t, title, "", Message())
	all := strings.Join(textsOf(t, without.Body), "\n")
	if !strings.Contains(all, "own title of HIGH") || strings.Contains(all, "own body") {
		t.Errorf("got %s, want the template's title and the usual body", all)
	}
	r := c.render(t, title, c.own(body), Message())
	all = strings.Join(textsOf(t, r.Body), "\n")
	if !strings.Contains(all, "own body of Root console login") || (!c.Machine && !strings.Contains(all, "own title of HIGH")) {
		t.Errorf("got %s, want the templates' title and body", all)
	}
	if strings.Contains(all, "The root account was used") || strings.Contains(all, "12345678901234567890") || len(r.Notes) > 0 {
		t.Errorf("got %s (notes %q), want nothing of the usual body", all, r.Notes)
	}
	if test := c.render(t, title, "", Test()); !c.Machine && !strings.Contains(strings.Join(textsOf(t, test.Body), "\n"), "[TEST]") {
		t.Error("a test does not say that it is one")
	}
	blank := strings.Join(textsOf(t, c.render(t, "{{.fallback_of}} ", "", Message()).Body), "\n")
	if !strings.Contains(blank, "Root login to 123456789012") {
		t.Errorf("got %s, want the usual title in place of one that is blank", blank)
	}
}

func testTemplatesAreChecked(t *testing.T, c Case) {
	wrong := c.with(t, map[string]any{"title_template": "\n{{.titel}}", "body_template": c.own("{{env `HOME`}}")})
	_, _, err := wrong.Type.Split(wrong.configFor(t, vendorAddress), nil)
	got := map[string]string{}
	for _, f := range problem.FieldsOf(err) {
		got[f.Name] = f.Message
	}
	for name, want := range map[string]string{
		"/title_template": "line 2: there is no .titel; did you mean .title?",
		"/body_template":  "line 1: there is no function env",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: got %q, want %q in it", name, got[name], want)
		}
	}
}

// testTemplatesEscape has an alert say what would be markup if a person had written it into the template.
func testTemplatesEscape(t *testing.T, c Case) {
	if c.Machine {
		m := Message()
		m.Alert.Generated.Description = new(`","admin":true,"x":"\`)
		body := c.render(t, "", `{"own":"{{.description}}","d":{{.description}}}`, m).Body
		var members map[string]string
		if err := json.Unmarshal(body, &members); err != nil || len(members) != 2 || members["own"] != m.Alert.Description() || members["d"] != members["own"] {
			t.Errorf("got %s, want the description in two members (%v)", body, err)
		}
		return
	}
	if c.Markup == nil {
		t.Fatal(`suite.json needs "markup": what an alert must not get through as it is; [] where no text is markup`)
	}
	for _, markup := range c.Markup {
		m := Message()
		m.Alert.Generated.Description = new("before " + markup + " after")
		m.Alert.Detection.Tags = []string{markup}
		m.Alert.Context = encode(t, map[string]any{markup: markup})
		for _, print := range []string{
			"{{.description}}", "{{range .tags}}{{.}}{{end}}", `{{printf "%s" .description}}`, "{{range $k, $v := .context}}{{$k}}{{end}}",
			"{{with .tags}}{{join `, ` .}}{{end}}", `{{define "t"}}{{.}}{{end}}{{template "t" .description}}`, "{{json .tags | default .title}}",
		} {
			texts := c.bodyTexts(t, c.render(t, "own title", "own body "+print, m))
			if strings.Contains(texts, markup) || !strings.Contains(texts, "own body") {
				t.Errorf("%s: got %.1000q, want %q escaped", print, texts, markup)
			}
		}
	}
}

func testTemplatesAreCleaned(t *testing.T, c Case) {
	if c.Machine {
		return
	}
	m := Hostile()
	m.Alert.Context = encode(t, map[string]any{"text": m.Alert.Description(), "list": []string{m.Alert.Dedup}})
	r := c.render(t, "{{.title}}{{.context.text}}", "own body {{.description}} {{.dedup}} {{.tags}} {{.context.text}} {{pretty .context}} {{json .context.list}}", m)
	if len(r.Notes) > 0 {
		t.Fatalf("got the notes %q, want the template to work", r.Notes)
	}
	for _, text := range textsOf(t, r.Body) {
		if i := strings.IndexFunc(text, unsafe); i >= 0 {
			t.Errorf("got %q, want no control or direction characters", text)
		}
	}
}

// testTemplatesFail has templates that work with the alerts they were checked with and not with this one.
func testTemplatesFail(t *testing.T, c Case) {
	const fails = "{{index .context.suite 0}}"
	const why = "(line 1: index: there is no such entry in the list"
	m := Message()
	m.Alert.Context = json.RawMessage(`{"suite":[],"rest":"12345"}`)
	if c.Machine {
		testTemplatesFailForPrograms(t, c, fails, why, m)
		return
	}
	r := c.render(t, fails, c.own(fails), m)
	notes := strings.Join(r.Notes, "\n")
	if !strings.Contains(notes, "title template failed "+why) || !strings.Contains(notes, "body template failed "+why) {
		t.Errorf("got the notes %q, want that both templates failed and why", notes)
	}
	all := strings.Join(textsOf(t, r.Body), "\n")
	for _, want := range []string{"template failed", "Root login to 123456789012", "The root account was used"} {
		if !strings.Contains(all, want) {
			t.Errorf("got %s, want %q in the usual message", all, want)
		}
	}
}

// testTemplatesFailForPrograms wants the usual title in place of one that fails. But a program that expects a form of its
// own is sent no other: without the body there is nothing to send.
func testTemplatesFailForPrograms(t *testing.T, c Case, fails, why string, m *destination.Message) {
	usual, err := c.open(t, vendorAddress).Render(m)
	if err != nil {
		t.Fatal(err)
	}
	r := c.render(t, fails, "", m)
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "title template failed "+why) || string(r.Body) != string(usual.Body) {
		t.Errorf("got %s and the notes %q, want the usual body and why the title failed", r.Body, notes)
	}
	sender := c.with(t, map[string]any{"body_template": c.own(fails)}).open(t, vendorAddress)
	_, err = sender.Render(m)
	fields := problem.FieldsOf(err)
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || len(fields) != 1 || fields[0].Name != "/body_template" ||
		!strings.Contains(err.Error(), strings.TrimPrefix(why, "(")) {
		t.Errorf("got %s: %v, want PERMANENT with the field /body_template and why", outcome, err)
	}
}

// testTemplatesAreCut has a value that no vendor takes: it is cut, and the template's own text is not.
func testTemplatesAreCut(t *testing.T, c Case) {
	for name, text := range map[string]string{
		"ASCII":      strings.Repeat("x", 100_000),
		"four bytes": "x" + strings.Repeat("😀", 50_000),
		"escaped":    strings.Repeat("&<>*_`", 5_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Message()
			m.Alert.Generated.Description = &text
			r := c.render(t, "{{.description}}", c.own("own start {{.description}} own end"), m)
			all := strings.Join(textsOf(t, r.Body), "\n")
			if !strings.Contains(all, "own start") || !strings.Contains(all, "own end") {
				t.Errorf("got %.200q…, want the template's own text whole: see render.Texts.FitBody", all)
			}
			if strings.ContainsRune(all, utf8.RuneError) {
				t.Error("a character was cut in two")
			}
			if name == "ASCII" && !r.Truncated && !strings.Contains(all, text) {
				t.Error("got Truncated false, and not all of the text")
			}
		})
	}
}
