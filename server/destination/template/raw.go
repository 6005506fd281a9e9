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
	text := bytes.TrimLeft(v.JSON, space)
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
	if r.handle(opening+len(raw.JSON)) != nil {
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

// entries takes one level apart; the entries share the memory of the whole. What is not JSON has those that can be
// made out.
func (v Raw) entries() any {
	text := bytes.TrimLeft(v.JSON, space)
	isMap := v.kind() == Map
	list, members := []any{}, map[string]any{}
	for i := skipSpace(text, 1); i < len(text) && text[i] != ']' && text[i] != '}'; {
		name := ""
		if isMap {
			end := valueEnd(text, i)
			name = Raw{JSON: text[i:end], Clean: v.Clean}.text()
			i = skipSpace(text, skipSpace(text, end)+1) // over the colon
		}
		if i >= len(text) {
			break
		}
		end := valueEnd(text, i)
		if value := (Raw{JSON: text[i:end], Clean: v.Clean}); isMap {
			members[name] = value
		} else {
			list = append(list, value)
		}
		if i = skipSpace(text, end); i < len(text) && text[i] == ',' {
			i = skipSpace(text, i+1)
		}
	}
	if isMap {
		return members
	}
	return list
}

const space = " \t\r\n"

func skipSpace(text []byte, i int) int {
	for i < len(text) && strings.IndexByte(space, text[i]) >= 0 {
		i++
	}
	return i
}

// valueEnd returns where the value ends that starts at text[i]; it is always further on.
func valueEnd(text []byte, i int) int {
	level := 0
	for start := i; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			level++
		case '}', ']':
			level--
		case ',', ' ', '\t', '\r', '\n', ':':
			if level == 0 && i > start {
				return i
			}
		}
		if level < 0 && i > start {
			return i
		}
		if level == 0 && strings.IndexByte("\"]}", text[i]) >= 0 {
			return i + 1
		}
	}
	return len(text)
}

// stringEnd returns where the string ends that starts at text[i].
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		quote := bytes.IndexByte(text[i:], '"')
		if quote < 0 {
			break
		}
		before := text[i : i+quote]
		i += quote
		if escapes := len(before) - len(bytes.TrimRight(before, `\`)); escapes%2 == 0 {
			return i + 1
		}
	}
	return len(text)
}

// depth returns how deep JSON is nested.
func depth(text []byte) int {
	deepest, level := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}
