// SPDX-License-Identifier: MPL-2.0

package render

import (
	"encoding/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Templates are the members of a config that say in the user's own words what a message says. A type embeds them in
// its Config.
type Templates struct {
	TitleTemplate string `json:"title_template,omitempty"` // of one line of plain text
	BodyTemplate  string `json:"body_template,omitempty"`  // of markup; stands for description, facts, runbook and context
}

// Validate reports what is wrong with the templates. escape is that of [Templates.Compile].
func (t Templates) Validate(escape func(string) string) []problem.Field {
	var fields []problem.Field
	for _, c := range []struct {
		name, source string
		escape       func(string) string
	}{{"/title_template", t.TitleTemplate, nil}, {"/body_template", t.BodyTemplate, escape}} {
		if _, err := template.Parse(c.source, c.escape); err != nil {
			fields = append(fields, problem.Field{Name: c.name, Message: err.Error()})
		}
	}
	return fields
}

// Compile parses the templates. escape makes a text from an alert harmless in the markup of the body.
func (t Templates) Compile(escape func(string) string) (*TemplateSet, error) {
	set := &TemplateSet{}
	var err error
	if t.TitleTemplate != "" {
		if set.title, err = template.Parse(t.TitleTemplate, nil); err != nil {
			return nil, err
		}
	}
	if t.BodyTemplate != "" {
		set.body, err = template.Parse(t.BodyTemplate, escape)
	}
	return set, err
}

// TemplateSet is the compiled form of [Templates]; nil has none.
type TemplateSet struct{ title, body *template.Template }

// Texts are what a message says in its own words or the user's.
type Texts struct {
	Title   string   // one line of plain text, never blank
	Body    string   // markup, where HasBody
	HasBody bool     // there is a template of the body, and it worked
	Notes   []string // see [Notes]; and which template did not work
}

// Apply makes the texts of a message. A template that fails on this alert leaves its text to the usual rendering.
func (s *TemplateSet) Apply(m *destination.Message) Texts {
	texts := Texts{Title: Title(m), Notes: Notes(m)}
	if s == nil || (s.title == nil && s.body == nil) {
		return texts
	}
	data := templateData(m)
	if s.title != nil {
		title, err := s.title.Execute(data)
		if err != nil {
			texts.Notes = append(texts.Notes, "The title template failed, so this is the usual title.")
		} else if line := FirstLine(title); line != "" {
			texts.Title = marked(m, line)
		}
	}
	if s.body != nil {
		body, err := s.body.Execute(data)
		if err != nil {
			texts.Notes = append(texts.Notes, "The body template failed, so this is the usual message.")
		} else {
			texts.Body, texts.HasBody = body, true
		}
	}
	return texts
}

// templateData is what a template sees of a message.
func templateData(m *destination.Message) map[string]any {
	a := m.Alert
	var context any
	_ = json.Unmarshal(a.Context, &context) // it was JSON when the alert was accepted
	return map[string]any{
		"severity": string(m.Severity), "type": string(a.Type), "title": FirstLine(a.Title(), a.Name(), a.Detection.ID),
		"description": Text(a.Description()), "runbook": Text(a.Runbook()), "reference": Text(a.Reference()),
		"alert_id": m.AlertID, "link": m.Link, "created_at": createdAt(m), "dedup": a.Dedup, "tags": a.Detection.Tags,
		"log_types": a.LogTypes, "context": context, "test": m.Test, "fallback_of": m.FallbackOf,
		"detection": map[string]any{"id": a.Detection.ID, "name": a.Name(), "version": a.Detection.Version},
	}
}
