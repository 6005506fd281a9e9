// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encoded is a text that is JSON: what the functions json and pretty return. To other functions it is a text.
type encoded string

// kindOf says what a value is.
func (r *run) kindOf(v any) Kind {
	switch v := v.(type) {
	case nil:
		return Nothing
	case bool:
		return Truth
	case string, encoded:
		return Text
	case int, int64, float64, json.Number:
		return Number
	case []any, []string:
		return List
	case map[string]any:
		return Map
	case Raw:
		return v.kind()
	}
	return Nothing
}

// truth reports whether a value counts as true: not empty, and not zero.
func (r *run) truth(v any) bool {
	switch v := r.open(v).(type) {
	case bool:
		return v
	case string:
		return v != ""
	case encoded:
		return v != ""
	case []any:
		return len(v) > 0
	case []string:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case int, int64, float64, json.Number:
		f, _ := r.number(v)
		return f != 0
	}
	return false
}

// parsing is what it costs to read a digit of a number, in bytes that are handled.
const parsing = 8

// number returns a number as a float64, and whether the value is one.
func (r *run) number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		if r.handle(parsing*len(v)) != nil {
			return 0, true // the next step says so
		}
		f, _ := strconv.ParseFloat(string(v), 64) // one beyond its range is infinite
		return f, true
	}
	return 0, false
}

// whole returns a number as an int64, and whether the value is a whole number that fits.
func (r *run) whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		if r.handle(parsing*len(v)) != nil {
			return 0, true // the next step says so
		}
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, true
		}
		f, _ := r.number(v)
		return r.whole(f)
	}
	return 0, false
}

// member returns a map's member, and nil where there is none: also of what is no map.
func (r *run) member(v any, name string) any {
	if m, ok := r.open(v).(map[string]any); ok {
		return m[name]
	}
	return nil
}

// length returns how many entries a list or map has, or characters a text; false for other values.
func (r *run) length(v any) (int, bool) {
	switch v := r.open(v).(type) {
	case nil:
		return 0, true
	case string:
		return utf8.RuneCountInString(v), true
	case encoded:
		return utf8.RuneCountInString(string(v)), true
	case []any:
		return len(v), true
	case []string:
		return len(v), true
	case map[string]any:
		return len(v), true
	}
	return 0, false
}

// at returns an entry of a list; i is one of its indexes.
func at(list any, i int) any {
	switch list := list.(type) {
	case []any:
		return list[i]
	case []string:
		return list[i]
	}
	return nil
}

// keys returns the names of a map's members, sorted.
func keys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// text returns a value as it is printed: a text as it is, a list's entries with commas between, a map as JSON, and
// nothing as nothing. What it makes is counted.
func (r *run) text(v any) (string, error) {
	switch v := r.open(v).(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case encoded:
		return string(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case json.Number:
		return string(v), nil
	case []any, []string:
		return r.join(", ", v)
	}
	return r.encode(v, false)
}

// join returns the entries of a list as texts with a separator between.
func (r *run) join(separator string, list any) (string, error) {
	n, _ := r.length(list)
	var joined []byte
	for i := range n {
		text, err := r.text(at(list, i))
		if err == nil {
			err = r.handle(1 + len(separator) + len(text))
		}
		if err != nil {
			return "", err
		}
		if i > 0 {
			joined = append(joined, separator...)
		}
		joined = append(joined, text...)
	}
	return string(joined), nil
}

// encode returns a value as JSON, on one line or indented.
func (r *run) encode(v any, pretty bool) (string, error) {
	e := encoder{run: r, pretty: pretty}
	if err := e.value(v, 0); err != nil {
		return "", err
	}
	return string(e.out), nil
}

// encoder writes JSON and counts what it writes.
type encoder struct {
	run    *run
	pretty bool
	out    []byte
}

// maxIndent is the deepest level of indentation: deeper ones are not read by people, and would cost much.
const maxIndent = 40

func (e *encoder) line(level int) {
	if !e.pretty {
		return
	}
	e.out = append(e.out, '\n')
	for range min(level, maxIndent) {
		e.out = append(e.out, "  "...)
	}
}

func (e *encoder) value(v any, level int) error {
	before := len(e.out)
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case string:
		if err := e.run.handle(len(v)); err != nil {
			return err
		}
		e.out = appendQuoted(e.out, v)
	case encoded:
		e.out = append(e.out, v...)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case float64:
		e.out = appendFloat(e.out, v)
	case json.Number:
		e.out = append(e.out, v...)
	case []string:
		return e.list(len(v), func(i int) any { return v[i] }, level)
	case []any:
		return e.list(len(v), func(i int) any { return v[i] }, level)
	case map[string]any:
		return e.members(v, level)
	case Raw:
		return e.raw(v, level)
	}
	return e.run.handle(len(e.out) - before)
}

// raw writes JSON with its members in their order and its numbers with all their digits: what people are to read
// cleaned, and laid out.
func (e *encoder) raw(v Raw, level int) error {
	if err := e.run.handle(len(v.JSON)); err != nil {
		return err
	}
	switch {
	case v.Clean != nil && v.kind() == Text:
		return e.value(e.run.open(v), level)
	case v.Clean == nil && !e.pretty && len(v.JSON) > 0: // for programs it stays as it came, byte for byte
		e.out = append(e.out, v.JSON...)
		return e.run.handle(len(v.JSON))
	}
	if !json.Valid(v.JSON) {
		e.out = append(e.out, "null"...)
		return nil
	}
	within := encoder{run: e.run, pretty: e.pretty && depth(v.JSON) <= maxIndent} // deeply nested, it is one line
	if v.Clean == nil {
		within.out = e.out
	}
	err := within.layout(v.JSON, level)
	if v.Clean == nil || err != nil {
		e.out = within.out
		return err
	}
	if err := e.run.handle(len(within.out)); err != nil {
		return err
	}
	e.out = append(e.out, v.Clean(string(within.out))...)
	return nil
}

// layout writes JSON with the space between its parts laid out anew. The parts stay as they came, byte for byte. It
// counts as it goes, since the space may be many times the rest.
func (e *encoder) layout(text []byte, level int) error {
	for i := 0; i < len(text); {
		before, c, end := len(e.out), text[i], i+1
		switch c {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			e.out = append(e.out, c)
			if next := skipSpace(text, end); text[next] == c+2 { // '}' and ']' are two further on
				e.out, end = append(e.out, text[next]), next+1
				break
			}
			level++
			e.line(level)
		case '}', ']':
			level--
			e.line(level)
			e.out = append(e.out, c)
		case ',':
			e.out = append(e.out, c)
			e.line(level)
		case ':':
			e.out = append(e.out, c)
			if e.pretty {
				e.out = append(e.out, ' ')
			}
		case '"':
			end = stringEnd(text, i)
			e.out = append(e.out, text[i:end]...)
		default: // a number, true, false or null
			for end < len(text) && strings.IndexByte(space+",]}", text[end]) < 0 {
				end++
			}
			e.out = append(e.out, text[i:end]...)
		}
		if err := e.run.handle(len(e.out) - before); err != nil {
			return err
		}
		i = end
	}
	return nil
}

func (e *encoder) list(n int, entry func(int) any, level int) error {
	e.out = append(e.out, '[')
	for i := range n {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.line(level + 1)
		if err := e.value(entry(i), level+1); err != nil {
			return err
		}
	}
	if n > 0 {
		e.line(level)
	}
	e.out = append(e.out, ']')
	return e.run.handle(2 + 2*maxIndent)
}

func (e *encoder) members(m map[string]any, level int) error {
	e.out = append(e.out, '{')
	for i, name := range keys(m) {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.line(level + 1)
		e.out = append(appendQuoted(e.out, name), ':')
		if e.pretty {
			e.out = append(e.out, ' ')
		}
		if err := e.run.handle(len(name) + 3); err != nil {
			return err
		}
		if err := e.value(m[name], level+1); err != nil {
			return err
		}
	}
	if len(m) > 0 {
		e.line(level)
	}
	e.out = append(e.out, '}')
	return e.run.handle(2 + 2*maxIndent)
}

// appendFloat writes a number that JSON can hold.
func appendFloat(out []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(out, "null"...)
	}
	return strconv.AppendFloat(out, f, 'g', -1, 64)
}

// appendQuoted writes a text as a JSON string.
func appendQuoted(out []byte, text string) []byte {
	out = append(out, '"')
	out = appendEscaped(out, text)
	return append(out, '"')
}

const hex = "0123456789abcdef"

// appendEscaped writes a text as it stands inside a JSON string.
func appendEscaped(out []byte, text string) []byte {
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			char, width := utf8.DecodeRuneInString(text[i:])
			if char == utf8.RuneError && width == 1 {
				out = append(append(out, text[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += width
			continue
		}
		out = append(out, text[start:i]...)
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(out, text[start:]...)
}
