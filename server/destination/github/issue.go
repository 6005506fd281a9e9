// SPDX-License-Identifier: MPL-2.0

package github

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// GitHub's limits. It publishes none, but names them when it refuses: "title is too long (maximum is 256 characters)" and
// "body is too long (maximum is 65536 characters)"; see https://github.com/dead-claudia/github-limits#issue-title. What a
// character of a body is differs by what was measured, so bytes are counted: they are never fewer.
const (
	maxTitle = 256
	maxBody  = 65536
)

// How a body is shared out, in bytes. Together the texts leave more than a quarter of it for the context.
const (
	maxFullTitle   = 2 << 10 // of a title that was cut above
	maxNote        = 512
	maxDescription = 16 << 10
	maxRunbook     = 12 << 10
	maxFact        = 1 << 10
	maxLink        = 2 << 10 // longer addresses get no link
)

// issue is the request of https://docs.github.com/en/rest/issues/issues#create-an-issue
type issue struct {
	Title     string   `json:"title"`
	Body      string   `json:"body"`
	Labels    []string `json:"labels,omitempty"`
	Assignees []string `json:"assignees,omitempty"`
	Milestone int      `json:"milestone,omitzero"`
	Type      string   `json:"type,omitzero"`
}

// Render writes the request that opens the issue for an alert and reports whether something was cut.
func Render(c Config, texts render.Texts, m *destination.Message) (body []byte, cut bool) {
	var cutter render.Cutter
	title, whole := texts.Title, ""
	if c.TitleTemplate == "" {
		title = string(m.Severity) + ": " + title
	}
	var short render.Cutter // what it cuts stands in the body
	if title = short.Fit(title, maxTitle, titleSize); short.Cut() {
		whole = texts.Title
	}
	request := issue{
		Title:     plainTitle(title),
		Body:      describe(&cutter, whole, texts, m),
		Labels:    c.labels(m.Severity),
		Assignees: c.Assignees,
		Milestone: c.Milestone,
		Type:      c.IssueType,
	}
	body, _ = json.Marshal(request, jsontext.AllowInvalidUTF8(true)) // strings and lists of them can always be encoded
	return body, cutter.Cut()
}

// describe writes the body: notes, the severity and the links; the usual texts or that of the user's template; and the mark
// by which an attempt finds the issue of one before it.
func describe(cutter *render.Cutter, title string, texts render.Texts, m *destination.Message) string {
	parts := heading(cutter, title, texts, m)
	end := marker(m)
	if texts.HasBody {
		if !render.Blank(texts.Body) {
			room := maxBody - len(join(append(slices.Clone(parts), "", end)))
			parts = append(parts, texts.FitBody(cutter, room, render.Bytes))
		}
		return join(append(parts, end))
	}
	parts = append(parts, usualTexts(cutter, m)...)
	room := maxBody - len(join(append(slices.Clone(parts), folded(""), end))) - 2*maxFence
	if json := cutter.Context(m.Alert.Context, room, render.Bytes); json != "" {
		parts = append(parts, folded(json))
	}
	return join(append(parts, end))
}

func heading(cutter *render.Cutter, title string, texts render.Texts, m *destination.Message) []string {
	var parts []string
	for _, note := range texts.Notes {
		parts = append(parts, "> "+escape(cutter.Fit(render.Line(note), maxNote, size)))
	}
	line := []string{"**" + render.LookOf(m.Severity).Emoji + " " + string(m.Severity) + "**"}
	for _, l := range render.Links(m, linkURL) {
		line = append(line, link(l.Name, l.URL))
	}
	parts = append(parts, strings.Join(line, " · "))
	if title != "" {
		parts = append(parts, "**"+escape(cutter.Fit(title, maxFullTitle, size))+"**")
	}
	return parts
}

// usualTexts are the description, the facts and a runbook that is not a link.
func usualTexts(cutter *render.Cutter, m *destination.Message) []string {
	var parts []string
	description, runbook := render.Prose(m, linkURL)
	if description != "" {
		parts = append(parts, escape(cutter.Fit(description, maxDescription, size)))
	}
	table := []string{"| | |", "| --- | --- |"}
	for _, f := range render.FactsBeside(m, linkURL) {
		table = append(table, "| **"+f.Name+"** | "+code(cutter.Fit(f.Value, maxFact, size))+" |")
	}
	parts = append(parts, strings.Join(table, "\n"))
	if runbook != "" {
		parts = append(parts, "**Runbook**", escape(cutter.Fit(runbook, maxRunbook, size)))
	}
	return parts
}

// folded shows the context behind a line to click on.
func folded(json string) string {
	return "<details>\n<summary>Context</summary>\n\n" + fenced(json) + "\n\n</details>"
}

// marker names the delivery, unseen by who reads the issue. It stands on a line of its own.
func marker(m *destination.Message) string {
	return "<!-- alertrouter:delivery=" + m.Mark() + " -->"
}

func join(parts []string) string { return strings.Join(parts, "\n\n") }
