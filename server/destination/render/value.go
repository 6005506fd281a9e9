// SPDX-License-Identifier: MPL-2.0

package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/cut"
)

// AppendValue appends a JSON value to dst so that it fits the limit and stays JSON: as it stands if it does, and else
// its members and entries in their order as long as they fit, the first that does not being cut itself: of a text as
// much as fits with an ellipsis after it, of an object or a list its beginning. What is appended begins with
// raw[:kept], byte for byte; a text is cut neither inside an escape nor inside what a reader sees as one character.
// Nothing is appended where not even the brackets fit. size counts the JSON as it is written, escapes and all.
func (c *Cutter) AppendValue(dst []byte, raw json.RawMessage, limit int, size Size) (out []byte, kept int) {
	v := valueCutter{raw: raw, limit: limit, size: size}
	if v.fits() {
		return append(dst, raw...), len(raw)
	}
	c.cut = true
	dst = append(dst, raw[:v.keep]...)
	if v.inText {
		dst = append(dst, ellipsis+`"`...)
	}
	for i := v.depth - 1; i >= 0; i-- {
		dst = append(dst, v.closers[i])
	}
	return dst, v.keep
}

// valueCutter reads a JSON value from its beginning to where it no longer fits, so work and memory are bounded by the
// limit. The value was accepted as JSON, so it is not checked again.
type valueCutter struct {
	raw     []byte
	limit   int
	size    Size
	used    int    // the size of what was read, and of the brackets that close what is open
	closers []byte // these brackets, the innermost last

	// Where the value can be cut so that it fits: its beginning, how many brackets are open there, and whether it is in
	// a text.
	keep, depth int
	inText      bool
}

// fits reads the value and reports whether all of it fits.
func (v *valueCutter) fits() bool {
	for i := 0; i < len(v.raw); {
		c, end, value := v.raw[i], i+1, true // value: it ends here, or begins and could end
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
			v.used += v.size(rune(c))
			value = false
		case '{', '[':
			v.closers = append(v.closers, c+2) // '}' and ']' are two further on
			v.used += v.size(rune(c)) + v.size(rune(c+2))
		case '}', ']':
			if len(v.closers) > 0 { // its size was counted with that of the opening one
				v.closers = v.closers[:len(v.closers)-1]
			}
		case '"':
			var ok bool
			if end, ok = v.text(i); !ok {
				return false
			}
			value = !isName(v.raw, end)
		default: // a number, true, false or null
			for end < len(v.raw) && strings.IndexByte(" \t\r\n,:]}", v.raw[end]) < 0 {
				end++
			}
			for _, c := range v.raw[i:end] {
				v.used += v.size(rune(c))
			}
		}
		if v.used > v.limit {
			return false
		}
		if value {
			v.keep, v.depth = end, len(v.closers)
		}
		i = end
	}
	return true
}

// isName reports whether a text that ends there is the name of a member.
func isName(raw []byte, end int) bool {
	next := skipSpace(raw, end)
	return next < len(raw) && raw[next] == ':'
}

// text reads the text that begins at start and returns its end. Where it does not fit it takes down how much of it does.
func (v *valueCutter) text(start int) (end int, ok bool) {
	room := v.limit - v.used - 2*v.size('"')
	cut := room - v.size('…')
	n, at := 0, start+1
	fit, near, nearer := at, at, at // as much as fits beside the ellipsis; two places before it
	for at < len(v.raw) && v.raw[at] != '"' {
		if n <= cut {
			fit = at
			if at-nearer > enoughBefore {
				near, nearer = nearer, at
			}
		}
		if c := v.raw[at]; c < utf8.RuneSelf && c != '\\' {
			n += v.size(rune(c))
			at++
		} else {
			_, width := unit(v.raw[at:])
			for _, c := range string(v.raw[at : at+width]) {
				n += v.size(c)
			}
			at += width
		}
		if n > room {
			if cut >= 0 && !isName(v.raw, stringEnd(v.raw, start)) {
				v.keep, v.depth, v.inText = wholeCharacters(v.raw, near, fit), len(v.closers), true
			}
			return 0, false
		}
	}
	v.used += n + 2*v.size('"')
	return min(at+1, len(v.raw)), true
}

// enoughBefore is more bytes than boundary looks back, even where each character is two escapes.
const enoughBefore = 2 * cut.LongestCluster * len(`\ud83d\ude00`)

// wholeCharacters returns end, or a place before it where what a reader sees as one character begins; see [boundary].
// The text is read again from near.
func wholeCharacters(raw []byte, near, end int) int {
	var text []byte
	var starts []int // of each character in raw
	for at := near; at < end; {
		r, width := unit(raw[at:])
		text, starts = utf8.AppendRune(text, r), append(starts, at)
		at += width
	}
	next, _ := unit(raw[end:])
	all := string(utf8.AppendRune(text, next))
	return append(starts, end)[utf8.RuneCountInString(all[:cut.Boundary(all, len(text))])]
}

// unit reads one character inside a JSON text: as it is, or an escape, or the two escapes of a surrogate pair.
func unit(raw []byte) (r rune, width int) {
	if raw[0] != '\\' {
		return utf8.DecodeRune(raw)
	}
	if len(raw) < 2 || raw[1] != 'u' {
		return rune(escaped(raw)), min(2, len(raw))
	}
	r, width = hexUnit(raw)
	if utf16.IsSurrogate(r) {
		if low, n := hexUnit(raw[width:]); utf16.DecodeRune(r, low) != utf8.RuneError {
			return utf16.DecodeRune(r, low), width + n
		}
		r = utf8.RuneError
	}
	return r, width
}

// escaped returns the character of an escape of two.
func escaped(raw []byte) byte {
	if len(raw) < 2 {
		return raw[0]
	}
	if i := strings.IndexByte("bfnrt", raw[1]); i >= 0 {
		return "\b\f\n\r\t"[i]
	}
	return raw[1]
}

// hexUnit reads the escape of one UTF-16 unit. Where there is none the character is U+FFFD.
func hexUnit(raw []byte) (r rune, width int) {
	const length = len(`\u0000`)
	if len(raw) < length || !bytes.HasPrefix(raw, []byte(`\u`)) {
		return utf8.RuneError, min(length, len(raw))
	}
	for _, c := range raw[2:length] {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		r = r<<4 | rune(max(digit, 0))
	}
	return r, length
}
