// SPDX-License-Identifier: MPL-2.0

package discord

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Discord's limits, in characters: https://docs.discord.com/developers/resources/message#embed-object-embed-limits and, of a
// thread's name, https://docs.discord.com/developers/resources/channel
const (
	maxTitle       = 256
	maxDescription = 4096
	maxFieldValue  = 1024
	maxEmbeds      = 6000 // the texts of all embeds together
	maxThreadName  = 100
)

// How a message is shared out, among the title, notes, facts and links first; description, runbook and context take what
// they leave, in this order.
const (
	maxHead       = maxTitle - 15 // beside the severity
	maxWholeTitle = 400           // a title that is too long for one
	maxText       = 1600          // the description
	maxRunbook    = 1300
	maxFact       = 250
	maxNote       = 120
	maxURL        = 300 // longer ones get no link
	fences        = 20  // what a code block takes beside its text
)

type message struct {
	Content    string   `json:"content,omitzero"`
	Username   string   `json:"username,omitzero"`
	AvatarURL  string   `json:"avatar_url,omitzero"`
	ThreadName string   `json:"thread_name,omitzero"`
	Embeds     []embed  `json:"embeds"`
	Mentions   mentions `json:"allowed_mentions"`
}

type embed struct {
	Title       string  `json:"title,omitzero"`
	URL         string  `json:"url,omitzero"`
	Description string  `json:"description,omitzero"`
	Color       int     `json:"color"`
	Fields      []field `json:"fields,omitempty"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitzero"`
}

// mentions says who may be mentioned; what it does not say, nobody is, whatever a text looks like:
// https://docs.discord.com/developers/resources/message#allowed-mentions-object
type mentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

// Render writes the message for an alert and reports whether something was cut. Beside the severity's colour stand what
// happened, the texts, facts and links, and in an embed of its own the context. thread is the name of the post to make in a
// forum, or "".
func Render(c Config, texts render.Texts, thread string, m *destination.Message) (body []byte, cut bool) {
	var cutter, short render.Cutter // what short cuts stands elsewhere in full
	look := render.LookOf(m.Severity)
	main := embed{
		Title:       look.Emoji + " " + string(m.Severity) + ": " + title(short.Fit(texts.Title, maxHead, size)),
		URL:         linkURL(m.Link),
		Description: notes(&cutter, texts, m),
		Color:       look.Color,
		Fields:      links(m),
	}
	if size.Of(texts.Title) > maxHead {
		main.Description = paragraphs(escape(cutter.Fit(texts.Title, maxWholeTitle, size)), main.Description)
	}
	msg := message{
		Content: c.Mention, Username: c.Username, AvatarURL: c.AvatarURL, Mentions: c.mentions(),
		ThreadName: short.Fit(thread, maxThreadName, units),
	}
	if texts.HasBody {
		main.Description = paragraphs(main.Description, texts.FitBody(&cutter, room(main), units))
		msg.Embeds = []embed{main}
		return encode(msg), cutter.Cut()
	}
	main.Fields = append(facts(&cutter, m), main.Fields...)
	main.Description = paragraphs(main.Description, prose(&cutter, m, room(main)))
	msg.Embeds = []embed{main}
	left := min(maxDescription, maxEmbeds-lengthOf(main)) - fences
	if json := cutter.Context(m.Alert.Context, left, units); json != "" {
		msg.Embeds = append(msg.Embeds, embed{Description: block(json), Color: look.Color})
	}
	return encode(msg), cutter.Cut()
}

// title escapes a title, but for the mark of a test, whose brackets are ours.
func title(text string) string {
	if rest, isTest := strings.CutPrefix(text, render.TestMark+" "); isTest {
		return render.TestMark + " " + escape(rest)
	}
	return escape(text)
}

// lengthOf counts what Discord counts of an embed.
func lengthOf(e embed) int {
	n := units.Of(e.Title) + units.Of(e.Description)
	for _, f := range e.Fields {
		n += units.Of(f.Name) + units.Of(f.Value)
	}
	return n
}

// room is how much more the description of an embed may have, a blank line before it included.
func room(e embed) int {
	const blank = len("\n\n")
	return min(maxDescription-units.Of(e.Description), maxEmbeds-lengthOf(e)) - blank
}

func notes(cutter *render.Cutter, texts render.Texts, m *destination.Message) string {
	var lines []string
	for _, note := range texts.NotesAt("Discord", m) {
		lines = append(lines, "*"+escape(cutter.Fit(note, maxNote, size))+"*")
	}
	return strings.Join(lines, "\n")
}

// prose is the description and, where it is no link, the runbook.
func prose(cutter *render.Cutter, m *destination.Message, room int) string {
	const heading, first = "**Runbook**\n", 1 // the beginning of a text may get a backslash too
	var text string
	description, runbook := render.Prose(m, linkURL)
	if description != "" {
		text = escape(cutter.Fit(description, min(maxText, room)-first, size))
		room -= units.Of(text) + len("\n\n")
	}
	if runbook == "" {
		return text
	}
	if runbook = cutter.Fit(runbook, min(maxRunbook, room)-len(heading)-first, size); runbook == "" {
		return text // there was no room
	}
	return paragraphs(text, heading+escape(runbook))
}

func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "\n\n")
}

// facts are fields; short ones share a line.
func facts(cutter *render.Cutter, m *destination.Message) []field {
	const short = 28
	var fields []field
	for _, f := range render.FactsBeside(m, linkURL) {
		if f.Name == "Severity" {
			continue // stands above
		}
		value := cutter.Fit(f.Value, maxFact, units)
		fields = append(fields, field{Name: f.Name, Value: code(value), Inline: units.Of(value) <= short})
	}
	return fields
}

// links is a field of links, which stand for the buttons that webhooks have not, or none.
func links(m *destination.Message) []field {
	var links []string
	for _, l := range render.Links(m, linkURL) {
		links = append(links, masked(l.Name, l.URL))
	}
	if len(links) == 0 {
		return nil
	}
	return []field{{Name: "Links", Value: strings.Join(links, " · ")}}
}

// linkURL returns text if it may be a link, and "" otherwise.
func linkURL(text string) string {
	if url := render.URL(text); len(url)+2*strings.Count(url, "(")+2*strings.Count(url, ")") <= maxURL {
		return url
	}
	return ""
}

// mentions allows what the config's mention says.
func (c Config) mentions() mentions {
	allowed := mentions{Parse: []string{}}
	parts := mention.FindStringSubmatch(c.Mention)
	switch {
	case parts == nil:
	case parts[3] == "":
		allowed.Parse = []string{"everyone"} // also means @here
	case parts[2] == "&":
		allowed.Roles = []string{parts[3]}
	default:
		allowed.Users = []string{parts[3]}
	}
	return allowed
}

func encode(m message) []byte {
	body, _ := json.Marshal(m, jsontext.AllowInvalidUTF8(true)) // strings and lists of them can always be encoded
	return body
}
