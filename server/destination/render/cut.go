// SPDX-License-Identifier: MPL-2.0

package render

import (
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/cut"
)

// Size says what one character counts towards a limit. A type whose escaping makes texts longer brings its own, so
// that what fits before escaping fits after it.
type Size func(r rune) int

// Runes counts characters.
func Runes(rune) int { return 1 }

// Bytes counts UTF-8.
func Bytes(r rune) int { return utf8.RuneLen(r) }

// UTF16 counts as Java and JavaScript do: an emoji is two. Nothing is longer by [Runes].
func UTF16(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// JSON counts UTF-8 as it stands in a JSON string.
func JSON(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\t', r == '\r', r == '\b', r == '\f':
		return 2
	case r < ' ':
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// Of returns the size of a whole text.
func (size Size) Of(text string) int {
	n := 0
	for _, r := range text {
		n += size(r)
	}
	return n
}

// ellipsis ends a text that was cut.
const ellipsis = "…"

// Cutter cuts texts to limits and remembers whether it did. The zero value is ready.
type Cutter struct{ cut bool }

// Cut reports whether any text was cut.
func (c *Cutter) Cut() bool { return c.cut }

// Fit returns text if it is within limit, and otherwise as much of its beginning as fits with an ellipsis after it.
func (c *Cutter) Fit(text string, limit int, size Size) string {
	return c.FitNoted(text, limit, size, ellipsis)
}

// FitNoted is [Cutter.Fit] with a note in place of the ellipsis. Where not even the note fits nothing is left.
func (c *Cutter) FitNoted(text string, limit int, size Size, note string) string {
	room := limit - size.Of(note)
	end, n := 0, 0 // end: how many bytes fit beside the note
	for i, r := range text {
		if n <= room {
			end = i
		}
		if n += size(r); n > limit {
			c.cut = true
			if room < 0 {
				return ""
			}
			return text[:cut.Boundary(text, end)] + note
		}
	}
	return text
}

// First returns the first n of a list, or all of it.
func (c *Cutter) First(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	c.cut = true
	return list[:n]
}
