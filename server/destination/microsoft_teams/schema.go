// SPDX-License-Identifier: MPL-2.0

package teams

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// message is what the stock flows read:
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#send-adaptive-cards-using-an-incoming-webhook
type message struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string  `json:"contentType"`
	ContentURL  *string `json:"contentUrl"` // null
	Content     card    `json:"content"`
}

// card is an Adaptive Card 1.4, the newest version that Teams shows everywhere: https://adaptivecards.io/explorer/
type card struct {
	Schema   string    `json:"$schema"`
	Type     string    `json:"type"`
	Version  string    `json:"version"`
	Fallback string    `json:"fallbackText"`
	Teams    teams     `json:"msteams,omitzero"`
	Body     []element `json:"body"`
	Actions  []action  `json:"actions,omitempty"`
}

// teams is what cards have in Teams only.
type teams struct {
	Width    string   `json:"width,omitzero"`
	Entities []entity `json:"entities,omitempty"`
}

type entity struct {
	Type      string    `json:"type"`
	Text      string    `json:"text"`
	Mentioned mentioned `json:"mentioned"`
}

type mentioned struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// element is a Container, ColumnSet, Column, TextBlock or RichTextBlock.
type element struct {
	Type    string    `json:"type"`
	ID      string    `json:"id,omitzero"`
	Hidden  *bool     `json:"isVisible,omitzero"`
	Style   string    `json:"style,omitzero"`
	Bleed   bool      `json:"bleed,omitzero"`
	Spacing string    `json:"spacing,omitzero"`
	Width   string    `json:"width,omitzero"`
	Text    string    `json:"text,omitzero"`
	Wrap    bool      `json:"wrap,omitzero"`
	Inlines []run     `json:"inlines,omitempty"`
	Items   []element `json:"items,omitempty"`
	Columns []element `json:"columns,omitempty"`
}

// run is a TextRun.
type run struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Size     string `json:"size,omitzero"`
	Weight   string `json:"weight,omitzero"`
	Color    string `json:"color,omitzero"`
	FontType string `json:"fontType,omitzero"`
	IsSubtle bool   `json:"isSubtle,omitzero"`
	Italic   bool   `json:"italic,omitzero"`
}

// action is an Action.OpenUrl or Action.ToggleVisibility.
type action struct {
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	URL     string   `json:"url,omitzero"`
	Targets []string `json:"targetElements,omitempty"`
}

func encode(m message) string {
	body, _ := json.Marshal(m, jsontext.AllowInvalidUTF8(true)) // strings and lists of them can always be encoded
	return string(body)
}
