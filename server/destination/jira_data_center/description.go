// SPDX-License-Identifier: MPL-2.0

package jiradatacenter

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// How a description is shared out, in hundredths of its limit. Together the texts leave room for the context in every
// alert.
const (
	shareTitle   = 4
	shareNote    = 2 // of each of at most four
	shareFact    = 1 // of each of ten
	shareText    = 25
	shareRunbook = 18
	shareURL     = 3 // of each of three; longer ones are no links
)

const maxNotes = 4

// fixed is what stands beside the texts at most: the panel, the names of the facts, the links' and the code block's tags.
const fixed = 500

const (
	cutNote   = "\n… cut here; the alert has the rest"
	codeStart = "\nh4. Context\n{code:json}\n"
	codeEnd   = "\n{code}\n"
)

// description writes the texts of one message within a limit.
type description struct {
	cutter *render.Cutter
	limit  int // in UTF-16
	out    strings.Builder
}

// share returns hundredths of the limit, less what is fixed.
func (d *description) share(hundredths int) int { return (d.limit - fixed) * hundredths / 100 }

// describe writes the description: a panel in the severity's colour with the title, the facts, the texts, links, and
// the context last. What the user's template made stands in place of all but the panel and the links.
func describe(cutter *render.Cutter, limit int, texts render.Texts, m *destination.Message) string {
	d := &description{cutter: cutter, limit: limit}
	d.panel(texts, m)
	links := d.links(m)
	if texts.HasBody {
		d.own(texts, links)
		d.out.WriteString(links)
		return d.out.String()
	}
	d.facts(m)
	d.texts(m)
	d.out.WriteString(links)
	room := limit - jira.Units.Of(d.out.String()) - len(codeStart) - len(codeEnd)
	if context := cutter.Context(m.Alert.Context, room, fenced); context != "" {
		d.out.WriteString(codeStart + fence(context) + codeEnd)
	}
	return d.out.String()
}

// panel is what is seen first: how bad it is, what it is, and what there is to know about the issue itself.
func (d *description) panel(texts render.Texts, m *destination.Message) {
	fmt.Fprintf(&d.out, "{panel:borderStyle=solid|borderColor=#%06X}\n", render.LookOf(m.Severity).Color)
	fmt.Fprintf(&d.out, "*%s:* %s\n", m.Severity, escape(d.cutter.Fit(texts.Title, d.share(shareTitle), escaped)))
	for _, note := range texts.Notes[:min(len(texts.Notes), maxNotes)] {
		d.out.WriteString("\n" + escape(d.cutter.Fit(note, d.share(shareNote), escaped)) + "\n")
	}
	d.out.WriteString("{panel}\n")
}

func (d *description) facts(m *destination.Message) {
	for _, f := range render.FactsBeside(m, d.linkURL) {
		fmt.Fprintf(&d.out, "||%s|%s|\n", f.Name, escape(d.cutter.Fit(f.Value, d.share(shareFact), escaped)))
	}
}

func (d *description) texts(m *destination.Message) {
	description, runbook := render.Prose(m, d.linkURL)
	if description != "" {
		d.out.WriteString("\n" + escape(d.cutter.FitNoted(description, d.share(shareText), escaped, cutNote)) + "\n")
	}
	if runbook != "" {
		d.out.WriteString("\nh4. Runbook\n" + escape(d.cutter.FitNoted(runbook, d.share(shareRunbook), escaped, cutNote)) + "\n")
	}
}

func (d *description) linkURL(text string) string { return linkURL(text, d.share(shareURL)) }

// links are the links of a message on one line, with a blank line before it; "" where there are none.
func (d *description) links(m *destination.Message) string {
	var links []string
	for _, l := range render.Links(m, d.linkURL) {
		links = append(links, "["+l.Name+"|"+l.URL+"]")
	}
	if len(links) == 0 {
		return ""
	}
	return "\n" + strings.Join(links, " · ") + "\n"
}

// brokenEntity is an entity that a cut has left without its end: it is followed by the ellipsis of the note about the cut,
// whichever that is, or by nothing.
var brokenEntity = regexp.MustCompile(`&(?:#[0-9]{0,7}|a|am|amp)?(\s*(?:…|$))`)

// own adds what a template of the user's made, whose markup is Jira's and whose values are escaped already.
func (d *description) own(texts render.Texts, links string) {
	room := d.limit - jira.Units.Of(d.out.String()+links) - len("\n\n")
	body := texts.FitBody(d.cutter, room, jira.Units)
	if body != texts.Body {
		body = brokenEntity.ReplaceAllString(body, "$1")
	}
	if body = render.Text(body); !render.Blank(body) {
		d.out.WriteString("\n" + body + "\n")
	}
}
