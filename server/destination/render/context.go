// SPDX-License-Identifier: MPL-2.0

package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// contextNote ends a context that was cut. Both counts are characters of the context as it would be shown.
func contextNote(shown, of int) string {
	return fmt.Sprintf("\n… cut here: %s of %s characters shown; the alert has the whole context", grouped(shown), grouped(of))
}

// grouped writes a number with a comma after every three digits.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Context returns an alert's context as indented JSON that fits the limit, ending with a note where it was cut, and ""
// when there is none. Members keep their order and numbers their digits.
func (c *Cutter) Context(raw json.RawMessage, limit int, size Size) string {
	// Sizes count at least one a character, so nothing after this many bytes could be shown.
	page := indented{enough: utf8.UTFMax * (max(limit, 0) + 1)}
	page.indent(raw)
	text := page.out.String()
	if text == "{}" || text == "null" {
		return ""
	}
	total := utf8.RuneCountInString(text) + page.more
	widest := contextNote(total, total) // what is shown is known once it is cut, and is less
	shown, cut := strings.CutSuffix(c.FitNoted(text, limit, size, widest), widest)
	if !cut {
		return shown // all of it, or nothing where not even the note fits
	}
	return shown + contextNote(utf8.RuneCountInString(shown), total)
}

// indented is JSON spread over lines, two spaces a level, and cleaned as by [Text]: enough bytes of it, and of the rest how
// many characters it has. A context may have megabytes, of which a chat message shows a page.
type indented struct {
	enough int
	out    strings.Builder
	more   int
	level  int
	stack  stack
}

// indent writes JSON. It changes only the space between tokens.
func (p *indented) indent(raw []byte) {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := stringEnd(raw, i)
			p.write(raw[i:end])
			i = end - 1
		case '{', '[':
			p.mark(c)
			if next := skipSpace(raw, i+1); next < len(raw) && raw[next] == c+2 { // '}' and ']' are two further on
				p.mark(raw[next])
				i = next
				continue
			}
			p.level++
			p.line()
		case '}', ']':
			p.level--
			p.line()
			p.mark(c)
		case ',':
			p.mark(c)
			p.line()
		case ':':
			p.mark(c)
			p.mark(' ')
		default:
			p.mark(c)
		}
	}
}

// lines is a line break and more indentation than any line gets: deeper levels are not read by people.
var lines = []byte("\n" + strings.Repeat("  ", 40))

func (p *indented) line() {
	n := min(1+2*max(p.level, 0), len(lines))
	if p.full() {
		p.more += n
		return
	}
	p.write(lines[:n])
}

// mark writes one character.
func (p *indented) mark(c byte) {
	if p.full() {
		p.more++
		return
	}
	p.out.WriteByte(c)
}

func (p *indented) full() bool { return p.out.Len() >= p.enough }

func (p *indented) write(token []byte) {
	for i := 0; i < len(token); i++ {
		if c := token[i]; c >= ' ' && c <= '~' {
			p.mark(c)
			p.stack = 0
			continue
		}
		r, width := utf8.DecodeRune(token[i:])
		i += width - 1
		if p.stack.covers(r) {
			continue
		}
		switch r = cleanRune(r); {
		case r < 0:
		case p.full():
			p.more++
		default:
			p.out.WriteRune(r)
		}
	}
}

// stringEnd returns where the string ends that starts at raw[start].
func stringEnd(raw []byte, start int) int {
	for i := start + 1; i < len(raw); i++ {
		quote := bytes.IndexByte(raw[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		if backslashes(raw[start+1:i])%2 == 0 {
			return i + 1
		}
	}
	return len(raw)
}

// backslashes returns how many of them end text.
func backslashes(text []byte) int { return len(text) - len(bytes.TrimRight(text, `\`)) }

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && strings.IndexByte(" \t\r\n", raw[i]) >= 0 {
		i++
	}
	return i
}
