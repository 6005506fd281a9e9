// SPDX-License-Identifier: MPL-2.0

package email

import (
	"html"
	"regexp"
	"strings"
	"unicode"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// columns is how wide the text part is, where words allow it: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
const columns = 78

// asText is the text part.
func (c *content) asText() string {
	heading := wrap("["+string(c.message.Severity)+"] "+c.title, 0)
	parts := []string{heading + "\n" + rule(heading)}
	if c.line != "" {
		parts[0] += "\n" + wrap(c.line, 0)
	}
	for _, note := range c.notes {
		parts = append(parts, wrap("* "+note, 2))
	}
	if c.hasOwn {
		parts = append(parts, plainText(c.own))
	}
	if c.description != "" {
		parts = append(parts, wrap(c.description, 0))
	}
	if c.runbook != "" {
		parts = append(parts, section("Runbook", wrap(c.runbook, 0)))
	}
	var links []string
	for _, l := range c.links {
		links = append(links, padded(l.Name+":", len("Open reference: "))+l.URL)
	}
	parts = append(parts, strings.Join(links, "\n"), c.factTable())
	if c.context != "" {
		parts = append(parts, section("Context", c.context))
	}
	parts = append(parts, "-- \nSent by alertrouter.")
	return joined(parts) + "\n"
}

func (c *content) factTable() string {
	const indent = len("Log types  ")
	var lines []string
	for _, f := range c.facts {
		lines = append(lines, wrap(padded(f.Name, indent)+f.Value, indent))
	}
	return strings.Join(lines, "\n")
}

func section(name, text string) string { return name + "\n" + rule(name) + "\n" + text }

// rule underlines a text of one line or more.
func rule(text string) string {
	longest := 0
	for line := range strings.SplitSeq(text, "\n") {
		longest = max(longest, min(width.Of(line), columns))
	}
	return strings.Repeat("-", longest)
}

func padded(text string, n int) string { return text + strings.Repeat(" ", max(n-len(text), 1)) }

// joined puts a blank line between the parts that are there.
func joined(parts []string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, "\n\n")
}

// width is how many columns a character takes, near enough: those of East Asia and most emoji take two.
var width render.Size = func(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xd7ff, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xffe6, r >= 0x1f300:
		return 2
	}
	return 1
}

// wrap breaks the lines of a text between words. What follows a break is indented. A word that is too long stays
// whole: it may be a URL.
func wrap(text string, indent int) string {
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteString("\n" + strings.Repeat(" ", indent))
		}
		used := 0
		for j, word := range strings.Split(line, " ") {
			w := width.Of(word)
			switch {
			case j > 0 && used+1+w > columns && w <= columns-indent:
				out.WriteString("\n" + strings.Repeat(" ", indent))
				used = indent
			case j > 0:
				out.WriteByte(' ')
				used++
			}
			out.WriteString(word)
			used += w
		}
	}
	return out.String()
}

var (
	unseen  = regexp.MustCompile(`(?is)<(style|script|head|title)\b.*?</(style|script|head|title)>|<!--.*?-->`)
	breaks  = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|tr|table|li|ul|ol|h[1-6]|pre|blockquote)>`)
	cells   = regexp.MustCompile(`(?i)</t[dh]>`)
	anyTag  = regexp.MustCompile(`(?s)<[a-zA-Z/!][^>]*>`)
	emptied = regexp.MustCompile(`\n[ \t]*(\n[ \t]*)+`)
)

// plainText is what is left of the HTML of a user's template for those who read the text part.
func plainText(markup string) string {
	text := unseen.ReplaceAllString(markup, "")
	text = breaks.ReplaceAllString(text, "\n")
	text = cells.ReplaceAllString(text, "  ")
	text = anyTag.ReplaceAllString(text, "")
	text = emptied.ReplaceAllString(render.Text(html.UnescapeString(text)), "\n\n")
	return wrap(text, 0)
}
