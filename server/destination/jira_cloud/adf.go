// SPDX-License-Identifier: MPL-2.0

package jiracloud

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// node is a node of the Atlassian Document Format: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
type node struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitzero"` // of the document itself
	Attrs   *attrs `json:"attrs,omitzero"`
	Content []node `json:"content,omitempty"`
	Text    string `json:"text,omitzero"` // never empty in a text node
	Marks   []mark `json:"marks,omitempty"`
}

type attrs struct {
	PanelType string `json:"panelType,omitzero"`
	Language  string `json:"language,omitzero"`
	Level     int    `json:"level,omitzero"`
	Href      string `json:"href,omitzero"`
}

type mark struct {
	Type  string `json:"type"`
	Attrs *attrs `json:"attrs,omitzero"`
}

var strong = mark{Type: "strong"}

func text(content string, marks ...mark) node {
	return node{Type: "text", Text: content, Marks: marks}
}

func link(content, url string) node {
	return text(content, mark{Type: "link", Attrs: &attrs{Href: url}})
}

func paragraph(content ...node) node { return node{Type: "paragraph", Content: content} }

func heading(content string) node {
	return node{Type: "heading", Attrs: &attrs{Level: 3}, Content: []node{text(content)}}
}

func code(language, content string) node {
	return node{Type: "codeBlock", Attrs: &attrs{Language: language}, Content: []node{text(content)}}
}

// row is a row of a table: a name and its value.
func row(name, value string) node {
	return node{Type: "tableRow", Content: []node{
		{Type: "tableHeader", Content: []node{paragraph(text(name))}},
		{Type: "tableCell", Content: []node{paragraph(text(value))}},
	}}
}

// paragraphs returns a text as paragraphs, divided where it has a blank line, with its other line breaks in them.
func paragraphs(content string) []node {
	var all []node
	for part := range strings.SplitSeq(content, "\n\n") {
		var lines []node
		for line := range strings.SplitSeq(part, "\n") {
			if strings.TrimSpace(line) == "" {
				continue
			}
			if len(lines) > 0 {
				lines = append(lines, node{Type: "hardBreak"})
			}
			lines = append(lines, text(line))
		}
		if len(lines) > 0 {
			all = append(all, paragraph(lines...))
		}
	}
	return all
}

// prose counts a character of a text that becomes paragraphs, as it stands in the document's JSON: a line break is a
// node there, and two of them are more than what divides paragraphs.
var prose render.Size = func(r rune) int {
	if r == '\n' {
		return len(`"},{"type":"hardBreak"},{"type":"text","text":"`)
	}
	return render.JSON(r)
}

// encode returns a node's JSON.
func encode(n node) jsontext.Value {
	body, _ := json.Marshal(n, jsontext.AllowInvalidUTF8(true)) // texts and lists of them can always be encoded
	return body
}
