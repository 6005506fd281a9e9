// SPDX-License-Identifier: MPL-2.0

package email

import (
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// content is what both parts of a mail say, within the limits and not escaped.
type content struct {
	cutter      render.Cutter
	message     *destination.Message
	title       string
	line        string // which detection, and when
	notes       []string
	own         string // HTML of the user's template, in place of description, facts, runbook and context
	hasOwn      bool
	description string
	runbook     string // where it is no URL
	links       []render.Link
	facts       []render.Fact
	context     string
}

// newContent takes the texts of an alert and cuts them.
func newContent(texts render.Texts, m *destination.Message) *content {
	c := &content{message: m, notes: texts.Notes, hasOwn: texts.HasBody}
	c.title = c.cutter.Fit(texts.Title, maxTitle, encoded)
	if c.hasOwn {
		c.own = wholeTags(texts.FitBody(&c.cutter, maxOwn, quoted))
	}
	c.addLinks()
	facts := render.Facts(m)
	c.line = c.cutter.Fit(lineOf(facts), maxFact, encoded)
	if !c.hasOwn {
		c.addTexts(facts)
	}
	for i, note := range c.notes {
		c.notes[i] = c.cutter.Fit(note, maxNote, encoded)
	}
	return c
}

// wholeTags returns HTML without the tag that it was cut in, whose quotes would swallow what follows.
func wholeTags(markup string) string {
	if open := strings.LastIndexByte(markup, '<'); open > strings.LastIndexByte(markup, '>') {
		return markup[:open] + "…"
	}
	return markup
}

func (c *content) addLinks() {
	c.links = render.Links(c.message, linkURL)
}

// linkURL returns the URL that a text is if it may be offered as a link, or "".
func linkURL(text string) string {
	if url := render.URL(text); encoded.Of(url) <= maxURL {
		return url
	}
	return ""
}

// addTexts adds what a template of the user's would stand for.
func (c *content) addTexts(facts []render.Fact) {
	a := c.message.Alert
	for _, f := range facts {
		if f.Name == "Reference" && linkURL(f.Value) != "" {
			continue // it has a button
		}
		f.Value = c.cutter.Fit(f.Value, maxFact, encoded)
		c.facts = append(c.facts, f)
	}
	description, runbook := render.Prose(c.message, linkURL)
	c.description = c.cutter.Fit(description, maxDescription, encoded)
	c.runbook = c.cutter.Fit(runbook, maxRunbook, encoded)
	c.context = c.cutter.Context(a.Context, maxContext, encoded)
}

// lineOf says which detection raised the alert, and when.
func lineOf(facts []render.Fact) string {
	var words []string
	for _, f := range facts {
		if f.Name == "Detection" || f.Name == "Created" {
			words = append(words, f.Value)
		}
	}
	return strings.Join(words, " · ")
}
