// SPDX-License-Identifier: MPL-2.0

package teams

import (
	"maps"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Teams takes about 28 KB for a message, all told (https://learn.microsoft.com/connectors/teams/#known-issues-and-limitations-with-actions);
// a card that is larger is lost after the flow has answered 202, so the request stays well below.
const maxMessage = 24_000

// How a message is shared out, in bytes as size counts them. Together the texts leave room for the context in any
// ordinary alert, and for the message's own JSON in every alert.
const (
	maxFallback    = 400
	maxTitle       = 600
	maxDescription = 3000
	maxRunbook     = 2400
	maxFact        = 500
	maxNote        = 300
	maxURL         = 800 // longer ones get no button
	contextParts   = 900 // what the context's container and button take beside its text
	bodyParts      = 200 // what a template's block takes beside its text
)

// contextID names the part of the card that a button shows and hides.
const contextID = "context"

// Render writes the message for an alert and reports whether something was cut. Above stand what happened and how bad it
// is, in the severity's colours, and who is mentioned; below the texts, facts and buttons, and folded away the context.
func Render(c Config, texts render.Texts, m *destination.Message) (body []byte, cut bool) {
	var cutter, short render.Cutter // what short cuts stands below in full
	look := lookOf(m.Severity)
	card := card{
		Schema:   "http://adaptivecards.io/schemas/adaptive-card.json",
		Type:     "AdaptiveCard",
		Version:  "1.4",
		Fallback: escape(short.Fit(look.word+": "+texts.Title, maxFallback/2, size)),
		Teams:    c.teams(),
		Body:     heading(&cutter, look, texts, m),
		Actions:  buttons(m),
	}
	if len(c.Mentions) > 0 {
		card.Body = append(card.Body, element{Type: "TextBlock", Text: c.mentioned(), Wrap: true})
	}
	if texts.HasBody {
		card.Body = append(card.Body, ownText(&cutter, texts, maxMessage-bodyParts-lengthOf(card))...)
		return []byte(encode(messageOf(card))), cutter.Cut()
	}
	card.Body = append(card.Body, usualTexts(&cutter, m)...)
	if json := cutter.Context(m.Alert.Context, maxMessage-contextParts-lengthOf(card), size); json != "" {
		card.Body = append(card.Body, folded(json))
		card.Actions = append(card.Actions, action{Type: "Action.ToggleVisibility", Title: "Show context", Targets: []string{contextID}})
	}
	return []byte(encode(messageOf(card))), cutter.Cut()
}

func messageOf(c card) message {
	return message{
		Type:        "message",
		Attachments: []attachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: c}},
	}
}

// lengthOf counts the message's JSON, whose characters are escaped already.
func lengthOf(c card) int {
	n := 0
	for _, r := range encode(messageOf(c)) {
		n += max(2, len(string(r)))
	}
	return n
}

// look is how a severity looks: a word, a style of containers, and a colour of text on it.
type look struct{ word, style, color string }

func lookOf(s alert.Severity) look {
	l := look{word: render.LookOf(s).Emoji + " " + string(s)}
	switch s {
	case alert.Critical, alert.High:
		l.style, l.color = "attention", "attention"
	case alert.Medium:
		l.style, l.color = "warning", "warning"
	case alert.Low:
		l.style, l.color = "accent", "accent"
	default:
		l.style, l.color = "emphasis", "default"
	}
	return l
}

func heading(cutter *render.Cutter, look look, texts render.Texts, m *destination.Message) []element {
	title := cutter.Fit(texts.Title, maxTitle, size)
	body := []element{{
		Type: "Container", Style: look.style, Bleed: true, Items: []element{
			rich("", run{Text: look.word, Weight: "bolder", Color: look.color}),
			rich("small", run{Text: plain(title), Size: "large", Weight: "bolder"}),
		},
	}}
	for _, note := range texts.NotesAt("Teams", m) {
		body = append(body, rich("", run{Text: plain(cutter.Fit(note, maxNote, size)), Italic: true}))
	}
	return body
}

// usualTexts are the description, facts and runbook.
func usualTexts(cutter *render.Cutter, m *destination.Message) []element {
	var body []element
	description, runbook := render.Prose(m, buttonURL)
	if description != "" {
		body = append(body, rich("medium", run{Text: plain(cutter.Fit(description, maxDescription, size))}))
	}
	spacing := "medium" // of the first
	for _, f := range render.FactsBeside(m, buttonURL) {
		if f.Name == "Severity" {
			continue // stands above
		}
		body = append(body, fact(spacing, f.Name, cutter.Fit(f.Value, maxFact, size)))
		spacing = "none"
	}
	if runbook != "" {
		body = append(body,
			rich("medium", run{Text: "Runbook", Weight: "bolder"}),
			rich("none", run{Text: plain(cutter.Fit(runbook, maxRunbook, size))}))
	}
	return body
}

// fact is a name and a value beside it. A FactSet would read Markdown in the value, and what escapes it there differs from
// client to client: https://github.com/MicrosoftDocs/msteams-docs/issues/5793
func fact(spacing, name, value string) element {
	return element{Type: "ColumnSet", Spacing: spacing, Columns: []element{
		{Type: "Column", Width: "90px", Items: []element{rich("", run{Text: name, IsSubtle: true})}},
		{Type: "Column", Width: "stretch", Items: []element{rich("", run{Text: plain(value)})}},
	}}
}

// ownText is what a template of the user's made, whose markup is Teams' Markdown.
func ownText(cutter *render.Cutter, texts render.Texts, room int) []element {
	if render.Blank(texts.Body) {
		return nil
	}
	return []element{{Type: "TextBlock", Text: texts.FitBody(cutter, room, size), Wrap: true, Spacing: "medium"}}
}

func folded(context string) element {
	return element{Type: "Container", ID: contextID, Hidden: new(false), Style: "emphasis", Spacing: "medium", Items: []element{
		rich("", run{Text: plain(indented(context)), Size: "small", FontType: "monospace"}),
	}}
}

// rich is text that Teams shows as it is.
func rich(spacing string, r run) element {
	r.Type = "TextRun"
	return element{Type: "RichTextBlock", Spacing: spacing, Inlines: []run{r}}
}

func buttons(m *destination.Message) []action {
	var buttons []action
	for _, l := range render.Links(m, buttonURL) {
		buttons = append(buttons, action{Type: "Action.OpenUrl", Title: l.Name, URL: l.URL})
	}
	return buttons
}

func buttonURL(text string) string {
	if url := render.URL(text); size.Of(url) <= maxURL {
		return url
	}
	return ""
}

// mentioned is the text of the mentions, in which Teams puts people in the place of names.
func (c Config) mentioned() string {
	var texts []string
	for _, e := range c.teams().Entities {
		texts = append(texts, e.Text)
	}
	return strings.Join(texts, ", ")
}

// teams says how wide the card is and whom it mentions.
func (c Config) teams() teams {
	var t teams
	if c.FullWidth {
		t.Width = "Full"
	}
	for _, name := range slices.Sorted(maps.Keys(c.Mentions)) {
		t.Entities = append(t.Entities, entity{
			Type: "mention", Text: "<at>" + name + "</at>", Mentioned: mentioned{ID: c.Mentions[name], Name: name},
		})
	}
	return t
}
