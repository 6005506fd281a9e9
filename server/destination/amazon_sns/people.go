// SPDX-License-Identifier: MPL-2.0

package amazonsns

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// A subject is one line of less than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html. That
// page has come to allow UTF-8. For years it said ASCII, beginning with a letter, a digit or punctuation, and subjects
// of anything else were refused; so they are ASCII here.
const maxSubject = 99

// subject is the severity and as much of the title as fits: the message has it in full.
func subject(m *destination.Message) string {
	var cutter render.Cutter // what it cuts is not cut in the message
	return cutter.FitNoted("["+string(m.Severity)+"] "+readable(m), maxSubject, render.Runes, "...")
}

// readable is the first name of the alert of which ASCII leaves a letter or a digit.
func readable(m *destination.Message) string {
	mark := ""
	if m.Test {
		mark = render.TestMark + " "
	}
	for _, name := range []string{m.Alert.Title(), m.Alert.Name(), m.Alert.Detection.ID} {
		name = ascii(render.Line(name))
		if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			return mark + name
		}
	}
	return mark + "Alert " + ascii(m.AlertID)
}

// ascii spells a line in ASCII: accents go, dashes and quotation marks become plain ones, symbols such as emoji go, and
// a question mark stands for each run of what is left.
func ascii(line string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(line) {
		switch {
		case r >= ' ' && r <= '~':
			out.WriteRune(r)
		case unicode.Is(unicode.Pd, r):
			out.WriteByte('-')
		case r == '\u2018' || r == '\u2019':
			out.WriteByte('\'')
		case unicode.In(r, unicode.Pi, unicode.Pf):
			out.WriteByte('"')
		case unicode.IsSpace(r):
			out.WriteByte(' ')
		case unicode.In(r, unicode.M, unicode.S, unicode.C) && r != '\ufffd':
		case !strings.HasSuffix(out.String(), "?"):
			out.WriteByte('?')
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// email is what e-mail subscribers read, of at most limit bytes as it stands in a JSON string. The description has half
// of them; the facts come last, so that a link is never what is cut.
func email(m *destination.Message, limit int) (text string, cut bool) {
	var b strings.Builder
	var cutter render.Cutter
	b.WriteString(string(m.Severity) + ": " + render.Title(m) + "\n")
	for _, note := range render.Notes(m) {
		b.WriteString(note + "\n")
	}
	if description := render.Text(m.Alert.Description()); !render.Blank(description) {
		b.WriteString("\n" + cutter.Fit(description, limit/2, render.JSON) + "\n")
	}
	runbook, link := render.Text(m.Alert.Runbook()), render.URL(m.Link)
	if !render.Blank(runbook) {
		b.WriteString("\nRunbook: " + runbook + "\n")
	}
	if link != "" {
		b.WriteString("\nOpen the alert: " + link + "\n")
	}
	b.WriteByte('\n')
	for _, fact := range render.Facts(m) {
		b.WriteString(fact.Name + ": " + fact.Value + "\n")
	}
	text = cutter.FitNoted(amazon.Clean(b.String()), limit, render.JSON, "\n... cut here; the alert has the whole text\n")
	return text, cutter.Cut()
}

// A text message is billed by parts of 140 bytes, and all of it is at most 1600 characters.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxSMSTitle = 140
	maxSMS      = 1600
)

// sms is what phones get: a line, and where to read more.
func sms(m *destination.Message) string {
	var cutter render.Cutter // it points to the rest
	text := cutter.Fit(amazon.Clean(string(m.Severity)+": "+render.Title(m)), maxSMSTitle, render.Runes)
	if link := render.URL(m.Link); link != "" && render.Size(render.Runes).Of(text)+1+render.Size(render.Runes).Of(link) <= maxSMS {
		text += "\n" + link
	}
	return text
}
