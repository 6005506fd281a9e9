// SPDX-License-Identifier: MPL-2.0

package template

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Raw is a value that is still JSON: an alert's context may have megabytes, of which a template asks for a word. It
// is taken apart one level at a time, as far as a template looks into it. The JSON is valid. Clean makes the texts in
// it fit to be read by people; nil leaves them as they are.
type Raw struct {
	JSON  json.RawMessage
	Clean func(string) string
}

// kind tells from the first character.
func (v Raw) kind() Kind {
	text := bytes.TrimLeft(v.JSON, " \t\r\n")
	if len(text) == 0 {
		return Nothing
	}
	switch text[0] {
	case '{':
		return Map
	case '[':
		return List
	case '"':
		return Text
	case 't', 'f':
		return Truth
	case 'n':
		return Nothing
	}
	return Number
}

// What taking apart costs beside the reading, in bytes that are handled.
const (
	opening = 256
	entry   = 64
)

// open returns a value that can be looked at: of JSON, the map or list whose entries are JSON still, or the text,
// number or truth it is. It is made once.
func (r *run) open(v any) any {
	raw, ok := v.(Raw)
	if !ok {
		return v
	}
	if len(raw.JSON) == 0 {
		return nil
	}
	switch raw.kind() {
	case Nothing:
		return nil
	case Truth:
		return bytes.Contains(raw.JSON, []byte("true"))
	}
	at := &raw.JSON[0]
	if opened, ok := r.opened[at]; ok {
		return opened
	}
	if r.handle(opening+2*len(raw.JSON)) != nil { // it is read twice
		return nil // the next step says so
	}
	if r.opened == nil {
		r.opened = map[*byte]any{}
	}
	switch raw.kind() {
	case Number:
		r.opened[at] = json.Number(bytes.TrimSpace(raw.JSON))
	case Text:
		r.opened[at] = raw.text()
	default:
		opened := raw.entries()
		r.opened[at] = opened
		n, _ := r.length(opened)
		_ = r.handle(n * entry) // the next step says so
	}
	return r.opened[at]
}

func (v Raw) text() string {
	var text string
	if json.Unmarshal(v.JSON, &text) != nil {
		return ""
	}
	if v.Clean != nil {
		return v.Clean(text)
	}
	return text
}

// entries takes one level apart. What is not JSON has none.
func (v Raw) entries() any {
	if v.kind() == List {
		var list []json.RawMessage
		if json.Unmarshal(v.JSON, &list) != nil {
			return nil
		}
		entries := make([]any, len(list))
		for i, e := range list {
			entries[i] = Raw{JSON: e, Clean: v.Clean}
		}
		return entries
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(v.JSON, &members) != nil {
		return nil
	}
	m := make(map[string]any, len(members))
	for name, value := range members {
		if v.Clean != nil {
			name = v.Clean(name)
		}
		m[name] = Raw{JSON: value, Clean: v.Clean}
	}
	return m
}

// compact appends the JSON on one line. What programs read stays as it came, byte for byte.
func (v Raw) compact(out []byte) []byte {
	if v.Clean == nil {
		return append(out, v.JSON...)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, v.JSON) != nil {
		return append(out, "null"...)
	}
	return append(out, v.Clean(compact.String())...)
}

// indent appends the JSON on lines, two spaces a level, and deeply nested JSON on one.
func (v Raw) indent(out []byte, level int) []byte {
	if depth(v.JSON) > maxIndent {
		return v.compact(out)
	}
	var indented bytes.Buffer
	if json.Indent(&indented, v.JSON, strings.Repeat("  ", min(level, maxIndent)), "  ") != nil {
		return append(out, "null"...)
	}
	if v.Clean == nil {
		return append(out, indented.Bytes()...)
	}
	return append(out, v.Clean(indented.String())...)
}

// depth returns how deep JSON is nested.
func depth(text []byte) int {
	deepest, level := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}
