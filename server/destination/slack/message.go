// SPDX-License-Identifier: MPL-2.0

package slack

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Slack's limits, in characters: https://docs.slack.dev/reference/block-kit/blocks. A message is refused somewhere above 10,000
// over all its blocks, though each is within its limit; the figure is not published
// (https://github.com/slackapi/bolt-js/issues/2509).
const (
	maxHeader  = 150
	maxFields  = 10
	maxSection = 3000
	maxMessage = 9000
)

// How a message is shared out. Together the texts leave room for the context in any ordinary alert, and for the
// message's own JSON in every alert.
const (
	maxFallback    = 200 // what a phone shows
	maxTitle       = 300
	maxDescription = 1400
	maxRunbook     = 1100
	maxFact        = 180
	maxNote        = 150
	maxURL         = 400 // longer ones get no button
	maxContext     = maxSection - 10
	contextBlock   = 110 // what the context's block takes beside its text
)

type message struct {
	Text        string       `json:"text"`
	Blocks      []block      `json:"blocks"`
	Attachments []attachment `json:"attachments,omitempty"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

// attachment is what gives blocks a colour.
type attachment struct {
	Color  string  `json:"color"`
	Blocks []block `json:"blocks"`
}

type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text,omitempty"`
	Fields   []text `json:"fields,omitempty"`
	Elements []any  `json:"elements,omitempty"`
}

type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitzero"`    // of plain_text: whether :colons: mean something
	Verbatim bool   `json:"verbatim,omitzero"` // of mrkdwn: no links and mentions but those spelled out
}

type button struct {
	Type string `json:"type"`
	Text text   `json:"text"`
	URL  string `json:"url"`
}

// Render writes the message for an alert and reports whether something was cut. Above stand who is mentioned, what
// happened and how bad it is; below, beside the severity's colour, the facts, texts, buttons and context.
func Render(c Config, texts render.Texts, m *destination.Message) (body []byte, cut bool) {
	var cutter, short render.Cutter // what short cuts stands below in full
	look := render.LookOf(m.Severity)
	title := look.Emoji + " " + string(m.Severity) + ": " + texts.Title
	msg := message{
		Text:   escape(short.Fit(title, maxFallback, size)),
		Blocks: heading(&cutter, c.mention(), title, texts, m),
	}
	blocks := buttons(m)
	if !texts.HasBody {
		blocks = append(usualTexts(&cutter, m), blocks...)
	}
	if len(blocks) > 0 { // an attachment without any is refused
		msg.Attachments = []attachment{{Color: fmt.Sprintf("#%06X", look.Color), Blocks: blocks}}
	}
	if texts.HasBody { // its blocks are documented for messages, not for attachments
		msg.Blocks = append(msg.Blocks, ownText(&cutter, texts, maxMessage-render.Size(render.UTF16).Of(encode(msg)))...)
		return []byte(encode(msg)), cutter.Cut()
	}
	room := maxMessage - 1 - size.Of(encode(msg)) - contextBlock
	if json := cutter.Context(m.Alert.Context, min(room, maxContext), size); json != "" {
		code := "```\n" + escape(strings.ReplaceAll(json, "```", "'''")) + "\n```"
		details := &msg.Attachments[0]
		details.Blocks = append(details.Blocks, block{Type: "section", Text: &text{Type: "mrkdwn", Text: code, Verbatim: true}})
	}
	return []byte(encode(msg)), cutter.Cut()
}

func heading(cutter *render.Cutter, mention, title string, texts render.Texts, m *destination.Message) []block {
	var blocks []block
	if mention != "" {
		blocks = append(blocks, block{Type: "section", Text: &text{Type: "mrkdwn", Text: mention}})
	}
	var short render.Cutter // what it cuts is shown in full below
	blocks = append(blocks, block{Type: "header", Text: plain(short.Fit(title, maxHeader, size))})
	if short.Cut() {
		blocks = append(blocks, section(cutter.Fit(texts.Title, maxTitle, size)))
	}
	for _, note := range texts.NotesAt("Slack", m) {
		blocks = append(blocks, block{Type: "context", Elements: []any{plain(cutter.Fit(note, maxNote, size))}})
	}
	return blocks
}

// ownText is what a template of the user's made, whose markup is Slack's, with so many characters of JSON at the most. Each
// mark in it may become a text of its own, so how long it may be shows only when it is written.
func ownText(cutter *render.Cutter, texts render.Texts, room int) []block {
	if render.Blank(texts.Body) {
		return nil
	}
	for limit := maxSection; limit > 0; limit /= 2 {
		elements := richTexts(texts.FitBody(cutter, limit, written))
		own := []block{{Type: "rich_text", Elements: elements}}
		if len(elements) == 0 {
			break
		}
		if render.Size(render.UTF16).Of(encode(message{Blocks: own})) <= room {
			return own
		}
	}
	return nil
}

func usualTexts(cutter *render.Cutter, m *destination.Message) []block {
	fields := make([]text, 0, maxFields)
	for _, f := range render.FactsBeside(m, buttonURL) {
		value := strings.ReplaceAll(cutter.Fit(f.Value, maxFact, size), "`", "'")
		fields = append(fields, text{Type: "mrkdwn", Text: "*" + f.Name + "*\n`" + escape(value) + "`", Verbatim: true})
	}
	blocks := []block{{Type: "section", Fields: fields[:min(len(fields), maxFields)]}}
	description, runbook := render.Prose(m, buttonURL)
	if description != "" {
		blocks = append(blocks, section(cutter.Fit(description, maxDescription, size)))
	}
	if runbook != "" {
		blocks = append(blocks, section(cutter.Fit("Runbook: "+runbook, maxRunbook, size)))
	}
	return blocks
}

func buttons(m *destination.Message) []block {
	var buttons []any
	for _, l := range render.Links(m, buttonURL) {
		buttons = append(buttons, button{Type: "button", Text: *plain(l.Name), URL: l.URL})
	}
	if len(buttons) == 0 {
		return nil
	}
	return []block{{Type: "actions", Elements: buttons}}
}

func buttonURL(text string) string {
	if url := render.URL(text); size.Of(url) <= maxURL {
		return url
	}
	return ""
}

func section(content string) block { return block{Type: "section", Text: plain(content)} }

// plain is text that Slack shows as it is: asterisks, backticks and mentions mean nothing in it.
func plain(content string) *text {
	return &text{Type: "plain_text", Text: escape(content), Emoji: new(false)}
}

// escape follows https://docs.slack.dev/messaging/formatting-message-text#escaping
func escape(content string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(content)
}

// size counts a character as it stands in the message: escaped for Slack and for JSON, in UTF-16.
var size render.Size = func(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	}
	return written(r)
}

// written counts a character of markup, which is escaped for Slack already.
var written render.Size = func(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\t', r > 0xffff:
		return 2
	}
	return 1
}

func encode(msg message) string {
	body, _ := json.Marshal(msg, jsontext.AllowInvalidUTF8(true)) // strings and lists of them can always be encoded
	return string(body)
}
