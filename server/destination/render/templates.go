// SPDX-License-Identifier: MPL-2.0

package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Templates are the members of a config that say in the user's own words what a message says. A type embeds them in
// its Config. Their language is that of package template.
type Templates struct {
	TitleTemplate string `json:"title_template,omitempty"` // of one line of plain text
	BodyTemplate  string `json:"body_template,omitempty"`  // of markup; stands for description, facts, runbook and context
}

// Validate reports what is wrong with the templates, also with alerts of several kinds. escape is that of
// [Templates.Compile].
func (t Templates) Validate(escape func(string) string) []problem.Field {
	return t.ValidateBody(escape, func(string) error { return nil })
}

// ValidateBody is Validate for a vendor that does not take every body: judge says what is wrong with one, as the end of a
// sentence.
func (t Templates) ValidateBody(escape func(string) string, judge func(body string) error) []problem.Field {
	return append(t.validateTitle(), fieldsOf("/body_template", t.BodyTemplate, func(source string) template.Faults {
		return template.CheckOutput(source, escape, judge)
	})...)
}

// ValidateJSON is Validate for templates of which the body's gives JSON.
func (t Templates) ValidateJSON() []problem.Field {
	return append(t.validateTitle(), fieldsOf("/body_template", t.BodyTemplate, template.CheckJSON)...)
}

func (t Templates) validateTitle() []problem.Field {
	return fieldsOf("/title_template", t.TitleTemplate, func(source string) template.Faults { return template.Check(source, nil) })
}

func fieldsOf(name, source string, check func(string) template.Faults) []problem.Field {
	if source == "" {
		return nil
	}
	var fields []problem.Field
	for _, fault := range check(source) {
		fields = append(fields, problem.Field{Name: name, Message: "does not work: " + fault.Error()})
	}
	return fields
}

// Compile parses the templates. escape makes a text from an alert harmless in the markup of the body.
func (t Templates) Compile(escape func(string) string) (*TemplateSet, error) {
	return t.compile(func(source string) (*template.Template, error) { return template.Parse(source, escape) }, false)
}

// CompileJSON parses templates of which the body's gives JSON. It is read by programs, so what an alert says reaches it
// as it is, control characters and all.
func (t Templates) CompileJSON() (*TemplateSet, error) { return t.compile(template.ParseJSON, true) }

func (t Templates) compile(parseBody func(string) (*template.Template, error), asIs bool) (*TemplateSet, error) {
	set := &TemplateSet{asIs: asIs}
	var err error
	if t.TitleTemplate != "" {
		if set.title, err = template.Parse(t.TitleTemplate, nil); err != nil {
			return nil, fmt.Errorf("title template: %w", err)
		}
	}
	if t.BodyTemplate != "" {
		if set.body, err = parseBody(t.BodyTemplate); err != nil {
			return nil, fmt.Errorf("body template: %w", err)
		}
	}
	return set, nil
}

// TemplateSet is the compiled form of [Templates]; nil has none. It is safe for concurrent use.
type TemplateSet struct {
	title, body *template.Template
	asIs        bool // the body's texts are not made fit to be read by people
}

// Texts are what a message says in its own words or the user's.
type Texts struct {
	Title    string   // one line of plain text, never blank
	Body     string   // markup without space around it, where HasBody; see [Texts.FitBody]
	HasBody  bool     // there is a template of the body, and it worked
	TitleErr error    // why the template of the title did not work; it quotes nothing of the alert
	BodyErr  error    // why the template of the body did not work; it quotes nothing of the alert
	Notes    []string // see [Notes]; and which template did not work

	cut   bool            // values in the body were cut, or it would be too long for any vendor
	parts *template.Parts // of the body; nil where there is none, or it is JSON
}

// Apply makes the texts of a message. A template that fails on this alert leaves its text to the usual rendering, and a
// note says so.
func (s *TemplateSet) Apply(m *destination.Message) Texts {
	texts := Texts{Title: Title(m), Notes: Notes(m)}
	if s == nil || s.title == nil && s.body == nil {
		return texts
	}
	data := templateData(m, Text)
	if s.title != nil {
		title, err := s.title.Execute(data)
		if err != nil {
			texts.TitleErr = err
			texts.Notes = append(texts.Notes, failed("title", err))
		} else if line := FirstLine(title); line != "" {
			texts.Title = marked(m, line)
		}
	}
	if s.body != nil {
		if s.asIs {
			data = templateData(m, nil)
		}
		body, err := s.applyBody(data, &texts)
		if err != nil {
			texts.BodyErr = err
			texts.Notes = append(texts.Notes, failed("body", err))
			return texts
		}
		texts.Body, texts.HasBody = strings.TrimSpace(body), true
	}
	return texts
}

// applyBody executes the template of the body, once however short it must get.
func (s *TemplateSet) applyBody(data map[string]any, texts *Texts) (string, error) {
	if s.asIs {
		return s.body.Execute(data)
	}
	var err error
	if texts.parts, err = s.body.ExecuteParts(data); err != nil {
		return "", err
	}
	body, err := texts.parts.Cut(0)
	if err != nil {
		texts.cut = true
		return texts.parts.Cut(longestValue)
	}
	return body, nil
}

// failed is the note about a template that failed. What err says is about the template and quotes no alert.
func failed(which string, err error) string {
	return fmt.Sprintf("The %s template failed (%s), so this is the usual %[1]s.", which, err)
}

// How many characters the values in a body that is too long are cut to, at most and at least, and what then stands at its
// end.
const (
	longestValue, shortestValue = 8 << 10, 8

	bodyNote = "\n\n… cut to fit; the alert has the whole"
)

// NotesAt returns the notes of a message at a vendor that cannot tell repeats: where it may have been sent before, one that
// says so.
func (t Texts) NotesAt(vendor string, m *destination.Message) []string {
	if !m.Again {
		return t.Notes
	}
	return append(slices.Clone(t.Notes), "This may have been sent before: "+vendor+" may show it twice.")
}

// FitBody returns the body within a limit. Where it is too long the values in it are cut, all to the same length, so that
// its markup stays whole, and a note at its end says so; only where the template's own text is too long is that cut.
// The template is not executed again.
func (t Texts) FitBody(c *Cutter, limit int, size Size) string {
	if size.Of(t.Body) <= limit && !t.cut || t.parts == nil {
		return c.Fit(t.Body, limit, size)
	}
	c.cut = true
	best, body := "", t.Body
	for low, high := shortestValue, min(longestValue, limit); low <= high; { // the longest with which it fits
		middle := (low + high) / 2
		short, err := t.parts.Cut(middle)
		if err != nil { // longer than any vendor takes
			high = middle - 1
			continue
		}
		if short = strings.TrimSpace(short); size.Of(short)+size.Of(bodyNote) <= limit {
			best, low = short+bodyNote, middle+1
		} else {
			body, high = short, middle-1
		}
	}
	if best != "" {
		return best
	}
	return c.FitNoted(body, limit, size, bodyNote)
}

// templateData is what a template sees of a message: the names of [template.Names]. clean makes a text fit to be read
// by people; nil leaves it.
func templateData(m *destination.Message, clean func(string) string) map[string]any {
	a, d := m.Alert, m.Alert.Detection
	title := FirstLine(a.Title(), a.Name(), d.ID, m.AlertID)
	text, line := clean, Line
	if clean == nil {
		title = a.Title()
		text = func(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
		line = text
	}
	detection := map[string]any{
		"id": line(d.ID), "name": line(d.Name), "version": line(d.Version), "severity": line(d.Severity), "tags": each(d.Tags, line),
		"description": text(d.Description), "runbook": text(d.Runbook), "reference": text(d.Reference),
	}
	return map[string]any{
		"title": title, "severity": string(m.Severity), "type": string(a.Type),
		"description": text(a.Description()), "runbook": text(a.Runbook()), "reference": text(a.Reference()),
		"alert_id": line(m.AlertID), "link": URL(m.Link), "created_at": m.CreatedAt.UTC().Format(time.RFC3339Nano), "dedup": line(a.Dedup),
		"tags": each(d.Tags, line), "log_types": each(a.LogTypes, line), "detection": detection,
		"context": template.Raw{JSON: a.Context, Clean: clean},
		"test":    m.Test, "fallback_of": line(m.FallbackOf), "attempt": m.Attempt,
	}
}

// each returns the entries cleaned, without blank ones.
func each(entries []string, clean func(string) string) []string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		if e = clean(e); !Blank(e) {
			list = append(list, e)
		}
	}
	return list
}
