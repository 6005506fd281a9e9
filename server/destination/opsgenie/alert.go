// SPDX-License-Identifier: MPL-2.0

package opsgenie

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Opsgenie's limits, in characters: https://docs.opsgenie.com/docs/alert-api#create-alert
const (
	maxMessage     = 130
	maxAlias       = 512
	maxDescription = 15_000
	maxDetails     = 8_000 // of all names and values together
	maxEntity      = 512
	maxSource      = 100
	maxTags        = 20
	maxTag         = 50
	maxActions     = 10
	maxAction      = 50
)

// How a description is shared out. Together the texts leave more than a third of it for the context.
const (
	maxText  = 6_000 // the alert's own description
	maxPart  = 1_500 // a runbook or a reference
	maxValue = 1_000 // one of the details
)

// units counts characters as Opsgenie's Java does, UTF-16: an emoji is two. Nothing is longer than that by any other count.
var units render.Size = render.UTF16

// shown counts what [harmless] makes of a character.
var shown render.Size = func(r rune) int {
	if r == '<' {
		return 2
	}
	return units(r)
}

// tag is what a browser takes for the beginning of one.
var tag = regexp.MustCompile(`<([A-Za-z/!?])`)

// harmless takes tags apart: Opsgenie shows HTML in an alert, where text would become links, pictures or nothing. An
// escape would be shown as it is on phones and in mail.
func harmless(text string) string { return tag.ReplaceAllString(text, "< $1") }

// request is the body of https://docs.opsgenie.com/docs/alert-api#create-alert
type request struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description,omitempty"`
	Responders  []Responder       `json:"responders,omitempty"`
	VisibleTo   []Responder       `json:"visibleTo,omitempty"`
	Actions     []string          `json:"actions,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Details     map[string]string `json:"details,omitempty"`
	Entity      string            `json:"entity,omitempty"`
	Source      string            `json:"source,omitempty"`
	Priority    string            `json:"priority"`
}

// Render writes the request that creates the alert.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	var cutter render.Cutter
	c := s.config
	line := func(text string, limit int) string { return harmless(cutter.Fit(render.Line(text), limit, shown)) }
	entity := c.Entity
	if entity == "" {
		entity = line(m.Alert.Detection.ID, maxEntity)
	}
	body, err := encode(request{
		Message:     line(render.Title(m), maxMessage),
		Alias:       alias(m),
		Description: describe(&cutter, m),
		Responders:  c.Responders,
		VisibleTo:   c.VisibleTo,
		Actions:     c.Actions,
		Tags:        tags(&cutter, c.Tags, m.Alert.Detection.Tags),
		Details:     details(&cutter, c.Details, m),
		Entity:      entity,
		Source:      c.Source,
		Priority:    c.priority(m),
	})
	return destination.Rendering{Body: body, Truncated: cutter.Cut(), Notes: render.Notes(m)}, err
}

// encode writes JSON in which < is not an escape, for people who read it.
func encode(v any) ([]byte, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return []byte(strings.TrimSuffix(out.String(), "\n")), err
}

// alias returns the key Opsgenie folds repeats by.
func alias(m *destination.Message) string {
	return m.FoldKey(func(key string) bool { return units.Of(key) <= maxAlias })
}

// priorities are the usual ones.
var priorities = map[alert.Severity]string{
	alert.Critical: "P1", alert.High: "P2", alert.Medium: "P3", alert.Low: "P4", alert.Info: "P5",
}

// priority returns the one that is set for the severity, or the usual one. A test has the lowest: it is to show that an
// alert arrives, not to wake somebody.
func (c Config) priority(m *destination.Message) string {
	if m.Test {
		return "P5"
	}
	if p := c.PriorityBySeverity[m.Severity]; p != "" {
		return p
	}
	return priorities[m.Severity]
}

// tags returns the config's and the alert's, each once.
func tags(cutter *render.Cutter, own, alerts []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, list := range [][]string{own, alerts} {
		for _, text := range list {
			text = render.Line(text)
			if render.Blank(text) {
				continue
			}
			text = harmless(cutter.Fit(text, maxTag, shown))
			if seen[text] {
				continue
			}
			seen[text] = true
			if all = append(all, text); len(all) > maxTags {
				return cutter.First(all, maxTags)
			}
		}
	}
	return all
}

// details returns the config's and, as far as there is room, the alert's.
func details(cutter *render.Cutter, own map[string]string, m *destination.Message) map[string]string {
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	room := maxDetails
	for key, value := range own {
		room -= units.Of(key) + units.Of(value)
	}
	a := m.Alert
	for _, d := range []struct{ key, value string }{
		{"alert_id", m.AlertID},
		{"severity", string(m.Severity)},
		{"type", string(a.Type)},
		{"detection_id", a.Detection.ID},
		{"detection_name", a.Name()},
		{"detection_version", a.Detection.Version},
		{"dedup", a.Dedup},
		{"log_types", render.List(a.LogTypes)},
		{"link", render.URL(m.Link)},
	} {
		value := render.Line(d.value)
		if _, taken := all[d.key]; taken || render.Blank(value) {
			continue
		}
		room -= units.Of(d.key)
		value = harmless(cutter.Fit(value, max(0, min(room, maxValue)), shown))
		if value != "" {
			all[d.key] = value
		}
		room -= units.Of(value)
	}
	return all
}

// describe writes the description: what the alert says, and its context as far as there is room.
func describe(cutter *render.Cutter, m *destination.Message) string {
	var out strings.Builder
	add := func(label, text string) {
		if render.Blank(text) {
			return
		}
		if out.Len() > 0 {
			out.WriteString("\n\n")
		}
		out.WriteString(label + text)
	}
	part := func(text string, limit int) string { return cutter.Fit(render.Text(text), limit, shown) }
	a := m.Alert
	for _, note := range render.Notes(m) {
		add("", part(note, maxPart))
	}
	add("", part(a.Description(), maxText))
	add("Runbook: ", part(a.Runbook(), maxPart))
	add("Reference: ", part(a.Reference(), maxPart))
	add("Alert: ", part(render.URL(m.Link), maxPart))
	const label = "Context:\n"
	room := maxDescription - shown.Of(out.String()) - len("\n\n"+label)
	add(label, cutter.Context(a.Context, room, shown))
	return harmless(out.String())
}
