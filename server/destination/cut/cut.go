// SPDX-License-Identifier: MPL-2.0

// Package cut knows where a text may be cut: never inside what a reader sees as one character.
package cut

import (
	"unicode"
	"unicode/utf8"
)

// LongestCluster is how far back Boundary looks, in characters. Real ones are shorter; a longer one is an attack.
const LongestCluster = 16

// Boundary returns end, or the place before it where the character that a reader sees there begins: no accent, emoji
// or flag is cut in two.
func Boundary(text string, end int) int {
	at := end
	for range LongestCluster {
		next, _ := utf8.DecodeRuneInString(text[at:])
		last, width := utf8.DecodeLastRuneInString(text[:at])
		if width == 0 {
			break
		}
		if !extends(next) && last != '\u200d' && !splitsFlag(text[:at], next) {
			return at
		}
		at -= width
	}
	return end
}

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	return r == '\u200d' || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || (r >= 0x1f3fb && r <= 0x1f3ff)
}

// splitsFlag reports whether a cut between before and next would part the two letters of a flag.
func splitsFlag(before string, next rune) bool {
	if !regional(next) {
		return false
	}
	letters := 0
	for before != "" {
		r, width := utf8.DecodeLastRuneInString(before)
		if !regional(r) || letters > LongestCluster {
			break
		}
		letters++
		before = before[:len(before)-width]
	}
	return letters%2 == 1
}

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
