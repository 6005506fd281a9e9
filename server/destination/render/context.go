// SPDX-License-Identifier: MPL-2.0

package render

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// contextNote ends a context that was cut.
const contextNote = "\n… cut here; the alert has the whole context"

// Context returns an alert's context as indented JSON that fits the limit, ending with a note where it was cut, and ""
// when there is none. Members keep their order and numbers their digits.
func (c *Cutter) Context(raw json.RawMessage, limit int, size Size) string {
	// Sizes count at least one a character, so nothing after this many bytes could be shown.
	text := Text(indent(raw, utf8.UTFMax*(max(limit, 0)+1)))
	if text == "{}" || text == "null" {
		return ""
	}
	return c.FitNoted(text, limit, size, contextNote)
}

// indent spreads JSON over lines, two spaces a level, and stops once enough bytes are written: a context may have
// megabytes, of which a chat message shows a page. It changes only the space between tokens.
func indent(raw []byte, enough int) string {
	const maxLevel = 40 // deeper ones are not read by people
	var out strings.Builder
	level := 0
	line := func() {
		out.WriteByte('\n')
		for range min(level, maxLevel) {
			out.WriteString("  ")
		}
	}
	for i := 0; i < len(raw) && out.Len() <= enough; i++ {
		switch c := raw[i]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := stringEnd(raw, i)
			out.Write(raw[i:min(end, i+enough+1)])
			i = end - 1
		case '{', '[':
			out.WriteByte(c)
			if next := skipSpace(raw, i+1); next < len(raw) && raw[next] == c+2 { // '}' and ']' are two further on
				out.WriteByte(raw[next])
				i = next
				continue
			}
			level++
			line()
		case '}', ']':
			level--
			line()
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			line()
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// stringEnd returns where the string ends that starts at raw[start].
func stringEnd(raw []byte, start int) int {
	for i := start + 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && strings.IndexByte(" \t\r\n", raw[i]) >= 0 {
		i++
	}
	return i
}
