// SPDX-License-Identifier: MPL-2.0

package jiracloud

import (
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// How a description is shared out, in bytes of JSON. Jira does not say whether its 32,767 are characters of text or of
// the document's JSON, so it is the latter that fits. Together the texts leave room for the context in every alert.
const (
	maxTitle   = 1000
	maxNote    = 400
	maxNotes   = 4
	maxFact    = 300
	maxText    = 7000 // the alert's description
	maxRunbook = 5000
	maxURL     = 1000 // longer ones are no links

	// What stands between texts: the last node's comma, and what a code block and its heading have beside the context.
	contextBlocks = 200
)

const cutNote = "\n… cut here; the alert has the rest"

// describe writes the description: a panel in the severity's colour with the title, the facts, the texts, links, and
// the context last. What the user's template made stands in place of all but the panel and the links.
func describe(cutter *render.Cutter, texts render.Texts, m *destination.Message) node {
	doc := node{Type: "doc", Version: 1, Content: []node{panel(cutter, texts, m)}}
	links := links(m)
	if texts.HasBody {
		room := jira.MaxDescription - len(encode(doc)) - len(encode(links)) - contextBlocks
		doc.Content = append(doc.Content, paragraphs(render.Text(texts.FitBody(cutter, room, prose)))...)
		return withLinks(doc, links)
	}
	doc.Content = append(doc.Content, facts(cutter, m))
	description, runbook := render.Prose(m, linkURL)
	if description != "" {
		doc.Content = append(doc.Content, paragraphs(cutter.FitNoted(description, maxText, prose, cutNote))...)
	}
	if runbook != "" {
		doc.Content = append(doc.Content, heading("Runbook"))
		doc.Content = append(doc.Content, paragraphs(cutter.FitNoted(runbook, maxRunbook, prose, cutNote))...)
	}
	doc = withLinks(doc, links)
	room := jira.MaxDescription - len(encode(doc)) - contextBlocks
	if context := cutter.Context(m.Alert.Context, room, render.JSON); context != "" {
		doc.Content = append(doc.Content, heading("Context"), code("json", context))
	}
	return doc
}

// panel is what is seen first: how bad it is, what it is, and what there is to know about the issue itself.
func panel(cutter *render.Cutter, texts render.Texts, m *destination.Message) node {
	title := cutter.Fit(texts.Title, maxTitle, render.JSON)
	content := []node{paragraph(text(string(m.Severity)+": ", strong), text(title, strong))}
	for _, note := range texts.Notes[:min(len(texts.Notes), maxNotes)] {
		content = append(content, paragraph(text(cutter.Fit(note, maxNote, render.JSON))))
	}
	return node{Type: "panel", Attrs: &attrs{PanelType: panelType(m.Severity)}, Content: content}
}

// panelType returns the colour nearest to the severity's: red, yellow, blue or grey.
func panelType(s alert.Severity) string {
	switch s {
	case alert.Critical, alert.High:
		return "error"
	case alert.Medium:
		return "warning"
	case alert.Low:
		return "info"
	}
	return "note"
}

func facts(cutter *render.Cutter, m *destination.Message) node {
	table := node{Type: "table"}
	for _, f := range render.FactsBeside(m, linkURL) {
		table.Content = append(table.Content, row(f.Name, cutter.Fit(f.Value, maxFact, render.JSON)))
	}
	return table
}

// links are the links of a message in one paragraph, which is empty when there are none.
func links(m *destination.Message) node {
	var content []node
	for _, l := range render.Links(m, linkURL) {
		if len(content) > 0 {
			content = append(content, text(" · "))
		}
		content = append(content, link(l.Name, l.URL))
	}
	return paragraph(content...)
}

func withLinks(doc, links node) node {
	if len(links.Content) == 0 {
		return doc
	}
	doc.Content = append(slices.Clip(doc.Content), links)
	return doc
}

func linkURL(text string) string {
	if url := render.URL(text); render.Size(render.JSON).Of(url) <= maxURL {
		return url
	}
	return ""
}
