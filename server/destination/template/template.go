// SPDX-License-Identifier: MPL-2.0

// Package template is the language of message templates: that of text/template, in which what an alert says is always
// escaped for the place it goes to.
package template

import (
	"strings"
	"text/template"
	"text/template/parse"
)

// Template is a parsed template. It is safe for concurrent use.
type Template struct{ parsed *template.Template }

// Parse reads a template. Every value that an action prints goes through escape; the template's own text stays as it
// is. A nil escape leaves values as they are. The error names the line.
func Parse(source string, escape func(string) string) (*Template, error) {
	if escape == nil {
		escape = func(text string) string { return text }
	}
	parsed, err := template.New("template").Option("missingkey=zero").Funcs(template.FuncMap{
		escaper: func(value any) string { return escape(text(value)) },
	}).Parse(source)
	if err != nil {
		return nil, err
	}
	for _, t := range parsed.Templates() {
		escapeActions(t.Root)
	}
	return &Template{parsed: parsed}, nil
}

// Execute returns what the template makes of the data.
func (t *Template) Execute(data map[string]any) (string, error) {
	var out strings.Builder
	err := t.parsed.Execute(&out, data)
	return out.String(), err
}

// escaper is the function at the end of every action that prints.
const escaper = "_escape"

func escapeActions(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			escapeActions(child)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier(escaper).SetPos(n.Pos)},
			})
		}
	case *parse.IfNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.RangeNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.WithNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	}
}

func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	var out strings.Builder
	_ = template.Must(template.New("").Parse("{{.}}")).Execute(&out, value)
	return out.String()
}
