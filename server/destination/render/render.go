// SPDX-License-Identifier: MPL-2.0

// Package render turns an alert into the texts people read, for every destination type that shows one.
//
// What an alert says was partly written by whoever it is about, so a type takes its texts from here, cuts them to
// the vendor's limits with a [Cutter], and only then escapes them.
//
//	render.go     title, facts, links and notes of a message
//	clean.go      Line and Text: what may reach a screen
//	cut.go        Cutter: what fits
//	context.go    the context as readable JSON
//	value.go      Cutter.AppendValue: JSON for programs, cut so that it stays JSON
//	severity.go   how a severity looks
//	templates.go  titles and texts in the user's own words
package render

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// TestMark stands before the title of a test.
const TestMark = "[TEST]"

// Title returns the alert's title on one line, with [TestMark] before it in a test. It is never blank: vendors refuse
// a message without a title, and the alert would be lost.
func Title(m *destination.Message) string {
	a := m.Alert
	return marked(m, FirstLine(a.Title(), a.Name(), a.Detection.ID, m.AlertID, "Untitled alert"))
}

func marked(m *destination.Message, title string) string {
	if m.Test {
		return TestMark + " " + title
	}
	return title
}

// Notes returns what a reader must know about the message itself, one sentence each; mostly none.
func Notes(m *destination.Message) []string {
	var notes []string
	if m.Test {
		notes = append(notes, "This is a test of the destination. Nothing has happened.")
	}
	if m.FallbackOf != "" {
		notes = append(notes, "Fallback for "+FirstLine(m.FallbackOf, "another destination")+", which did not take this alert.")
	}
	if m.Cut != nil {
		notes = append(notes, fmt.Sprintf("Cut to %s of %s bytes: the destination refused more as too large. The alert has the rest.",
			grouped(m.Cut.Left), grouped(m.Cut.All)))
	}
	return notes
}

// Link is where a reader can go from a message, under a name that fits a button.
type Link struct{ Name, URL string }

// Links returns the links of a message. urlOf returns an address as a type can link it, or "" where it cannot: what is
// not an address among them.
func Links(m *destination.Message, urlOf func(text string) string) []Link {
	var links []Link
	for _, l := range []Link{{"View alert", m.Link}, {"Open runbook", m.Alert.Runbook()}, {"Open reference", m.Alert.Reference()}} {
		if l.URL = urlOf(l.URL); l.URL != "" {
			links = append(links, l)
		}
	}
	return links
}

// maxSaid is how much of a text from an answer is repeated, in characters.
const maxSaid = 500

// Said returns a text from a vendor's answer as errors and receipts repeat it: one line, with the secrets masked, not
// too long.
func Said(text string, secrets ...secret.String) string {
	var cutter Cutter
	return cutter.Fit(secret.Redact(Line(text), secrets...), maxSaid, Runes)
}

// Fact is one short line of what is known about an alert.
type Fact struct{ Name, Value string }

// Facts returns up to ten facts, the most telling first, without those that are not set.
func Facts(m *destination.Message) []Fact {
	a := m.Alert
	all := []Fact{
		{"Severity", string(m.Severity)},
		{"Type", string(a.Type)},
		{"Detection", a.Detection.ID},
		{"Log types", List(a.LogTypes)},
		{"Dedup", a.Dedup},
		{"Tags", List(a.Detection.Tags)},
		{"Created", createdAt(m)},
		{"Alert", m.AlertID},
		{"Version", a.Detection.Version},
		{"Reference", a.Reference()},
	}
	facts := make([]Fact, 0, len(all))
	for _, f := range all {
		if f.Value = Line(f.Value); !Blank(f.Value) {
			facts = append(facts, f)
		}
	}
	return facts
}

// FactsBeside returns the facts of a message that shows its [Links] too: without the reference, where that is a link.
func FactsBeside(m *destination.Message, urlOf func(text string) string) []Fact {
	return slices.DeleteFunc(Facts(m), func(f Fact) bool { return f.Name == "Reference" && urlOf(f.Value) != "" })
}

// Prose returns the description of a message that shows its [Links] too, and its runbook where that is no link; each is ""
// when a reader would see nothing.
func Prose(m *destination.Message, urlOf func(text string) string) (description, runbook string) {
	if text := Text(m.Alert.Description()); !Blank(text) {
		description = text
	}
	if text := Text(m.Alert.Runbook()); !Blank(text) && urlOf(text) == "" {
		runbook = text
	}
	return description, runbook
}

// maxList is where a list ends, in bytes; no type shows as much of one.
const maxList = 4 << 10

// List returns the entries of a list on one line, without blank ones. A list may have as many entries as a request
// has room for, so it ends soon after 4 KiB.
func List(entries []string) string {
	var list strings.Builder
	for _, e := range entries {
		if list.Len() > maxList {
			break
		}
		if e = Line(e); Blank(e) {
			continue
		}
		if list.Len() > 0 {
			list.WriteString(", ")
		}
		list.WriteString(e)
	}
	return list.String()
}

func createdAt(m *destination.Message) string {
	if m.CreatedAt.IsZero() {
		return ""
	}
	return m.CreatedAt.UTC().Format(time.DateTime) + " UTC"
}

// longestURL is more than any type links, in bytes.
const longestURL = 8 << 10

// URL returns text as a link a person may be offered, and "" when it is not one: an absolute http or https URL that
// shows where it leads.
func URL(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > longestURL || text != Line(text) || strings.ContainsFunc(text, notInURL) {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return text
}

// notInURL names what ends a link in some vendor's markup, spaces of every script among them, or is not seen in it.
func notInURL(r rune) bool {
	return r == ' ' || !unicode.IsPrint(r) || strings.ContainsRune("\"<>`|\\", r)
}
