// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Asana publishes no limits of texts: of a name it says that it is "generally a short sentence fragment that fits on a
// line" (https://developers.asana.com/reference/tasks). The notes stay within what 16 bits count, with their tags, and a
// name within a line; what is cut of it stands in the notes.
const (
	maxName  = 255
	maxNotes = 65535 // bytes
)

// How the notes are shared out, in bytes. Together the texts leave more than a quarter of them for the context.
const (
	maxFullName    = 2 << 10 // of a name that was cut above
	maxNote        = 512
	maxDescription = 16 << 10
	maxRunbook     = 12 << 10
	maxFact        = 1 << 10
	maxLink        = 2 << 10 // longer addresses get no link
)

// request is that of https://developers.asana.com/reference/createtask
type request struct {
	Data task `json:"data"`
}

type task struct {
	Name         string                    `json:"name"`
	HTMLNotes    string                    `json:"html_notes"`
	Projects     []string                  `json:"projects"`
	Memberships  []membership              `json:"memberships,omitempty"`
	Parent       string                    `json:"parent,omitzero"`
	Assignee     string                    `json:"assignee,omitzero"`
	Followers    []string                  `json:"followers,omitempty"`
	Tags         []string                  `json:"tags,omitempty"`
	CustomFields map[string]jsontext.Value `json:"custom_fields,omitempty"`
}

// membership puts the task into a section of a project. Asana's description of its API has it as readOnly, and says that "at task
// creation time, this array can be used to add the task to specific sections".
type membership struct {
	Project string `json:"project"`
	Section string `json:"section"`
}

// Render writes the request that makes the task for an alert, and reports whether something was cut and what is to be noted.
func Render(c Config, texts render.Texts, m *destination.Message) (body []byte, cut bool, notes []string) {
	var cutter render.Cutter
	name, whole := texts.Title, ""
	if c.TitleTemplate == "" {
		name = string(m.Severity) + ": " + name
	}
	var short render.Cutter // what it cuts stands in the notes
	if name = short.Fit(name, maxName, nameSize); short.Cut() {
		whole = texts.Title
	}
	t := task{
		Name:      legible(name),
		Projects:  c.ProjectGIDs,
		Parent:    c.ParentGID,
		Assignee:  c.Assignee,
		Followers: c.Followers,
		Tags:      c.TagGIDs,
	}
	t.HTMLNotes, notes = describe(&cutter, whole, texts, m)
	if c.SectionGID != "" {
		t.Memberships = []membership{{Project: c.ProjectGIDs[0], Section: c.SectionGID}}
	}
	t.CustomFields = c.customFields()
	if option := c.SeverityEnumOptionGIDs[m.Severity]; option != "" {
		if t.CustomFields == nil {
			t.CustomFields = map[string]jsontext.Value{}
		}
		t.CustomFields[c.SeverityCustomFieldGID] = jsontext.Value(`"` + option + `"`)
	}
	body, _ = json.Marshal(request{t}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	return body, cutter.Cut(), notes
}

// describe writes the notes of a task: notes, the severity and the links; the usual texts or that of the user's template;
// and the mark by which an attempt finds the task of one before it. A template whose text Asana would not take leaves its
// place to the usual texts.
func describe(cutter *render.Cutter, name string, texts render.Texts, m *destination.Message) (html string, notes []string) {
	if texts.HasBody {
		head := heading(cutter, name, texts.Notes, m)
		own, err := ownText(cutter, texts, maxNotes-len(body(append(head, "", marker(m)))))
		if err == nil {
			return body(append(head, own, marker(m))), texts.Notes
		}
		texts.Notes = append(slices.Clone(texts.Notes), "What the body template gave "+err.Error()+", so this is the usual message.")
	}
	parts := append(heading(cutter, name, texts.Notes, m), usualTexts(cutter, m)...)
	room := maxNotes - len(body(append(slices.Clone(parts), contextBlock(""), marker(m))))
	if json := cutter.Context(m.Alert.Context, room, size); json != "" {
		parts = append(parts, contextBlock(escapeText(json)))
	}
	return body(append(parts, marker(m))), texts.Notes
}

// ownText is what a template gave, within limit bytes: with its values cut or, where that does not do, its own text.
func ownText(cutter *render.Cutter, texts render.Texts, limit int) (string, error) {
	if own, err := fit(cutter, strings.TrimSpace(texts.FitBody(cutter, limit, render.Bytes)), limit); err == nil {
		return own, nil
	}
	return fit(cutter, strings.TrimSpace(texts.Body), limit)
}

func heading(cutter *render.Cutter, name string, notes []string, m *destination.Message) []string {
	var parts []string
	for _, note := range notes {
		parts = append(parts, "<em>"+escapeText(cutter.Fit(render.Line(note), maxNote, size))+"</em>")
	}
	line := []string{"<strong>" + render.LookOf(m.Severity).Emoji + " " + string(m.Severity) + "</strong>"}
	for _, l := range render.Links(m, linkURL) {
		line = append(line, link(l.Name, l.URL))
	}
	parts = append(parts, strings.Join(line, " · "))
	if name != "" {
		parts = append(parts, "<strong>"+escapeText(cutter.Fit(name, maxFullName, size))+"</strong>")
	}
	return parts
}

// usualTexts are the description, the facts and a runbook that is not a link.
func usualTexts(cutter *render.Cutter, m *destination.Message) []string {
	var parts []string
	description, runbook := render.Prose(m, linkURL)
	if description != "" {
		parts = append(parts, escapeText(cutter.Fit(description, maxDescription, size)))
	}
	var facts strings.Builder
	for _, f := range render.FactsBeside(m, linkURL) {
		facts.WriteString("<li><strong>" + f.Name + "</strong>: <code>" + escapeText(cutter.Fit(f.Value, maxFact, size)) + "</code></li>")
	}
	parts = append(parts, "<ul>"+facts.String()+"</ul>")
	if runbook != "" {
		parts = append(parts, "<strong>Runbook</strong>\n"+escapeText(cutter.Fit(runbook, maxRunbook, size)))
	}
	return parts
}

func contextBlock(json string) string { return "<strong>Context</strong>\n<pre>" + json + "</pre>" }

// marker names the delivery. Asana has no place for it that nobody sees.
func marker(m *destination.Message) string { return "<em>" + mark(m) + "</em>" }

func mark(m *destination.Message) string { return "alertrouter delivery " + m.Mark() }

func body(parts []string) string { return "<body>" + strings.Join(parts, "\n\n") + "</body>" }

// nameSize counts a character of a name in UTF-16, the longest way of counting characters, and with what legible adds.
var nameSize render.Size = func(r rune) int {
	switch r {
	case '/', ':', '?', '#':
		return 2
	}
	return render.UTF16(r)
}

// legible returns a name without an address that Asana would make a mention of.
func legible(name string) string { return address.ReplaceAllString(name, "${1}\u200b${2}") }
