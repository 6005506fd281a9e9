// SPDX-License-Identifier: MPL-2.0

package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns text as one line: line breaks and tabs become spaces, and see [Text].
func Line(text string) string {
	text = Text(text)
	if !strings.ContainsAny(text, "\n\t") && !strings.Contains(text, "  ") {
		return text
	}
	line := make([]byte, 0, len(text)) // a text may have megabytes of words
	for i := range len(text) {
		switch c := text[i]; {
		case c != ' ' && c != '\n' && c != '\t':
			line = append(line, c)
		case line[len(line)-1] != ' ': // there is one: Text has left no space at the beginning
			line = append(line, ' ')
		}
	}
	return string(line)
}

// Text returns text as it may reach a screen, without space around it. Line breaks become \n. Control characters,
// bidi overrides and invalid UTF-8 become U+FFFD, so that it shows that something was there; invisible marks go, and so do
// those of a stack of accents that would cover the lines around it.
func Text(text string) string { return strings.TrimSpace(Clean(text)) }

// Clean is [Text] with the space around it.
func Clean(text string) string {
	if plain(text) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var stack stack
	return strings.Map(func(r rune) rune {
		if stack.covers(r) {
			return -1
		}
		return cleanRune(r)
	}, text)
}

// maxStack is how many accents a character may have. Writing has fewer, whatever the language.
const maxStack = 8

// stack counts the accents of the character before.
type stack int

// covers reports whether r is an accent too many.
func (s *stack) covers(r rune) bool {
	switch {
	case r < '\u0300' || !unicode.In(r, unicode.Mn, unicode.Me):
		if !invisible(r) {
			*s = 0
		}
	case *s < maxStack:
		*s++
	default:
		return true
	}
	return false
}

// cleanRune returns what becomes of a character, and -1 for one that goes. Invalid UTF-8 has become U+FFFD before.
func cleanRune(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
		return '\n'
	case invisible(r):
		return -1
	case unicode.IsControl(r), overridesBidi(r):
		return utf8.RuneError
	}
	return r
}

// FirstLine returns the first text of which a reader sees something, as one line, and "" when there is none.
func FirstLine(texts ...string) string {
	for _, text := range texts {
		if line := Line(text); !Blank(line) {
			return line
		}
	}
	return ""
}

// Blank reports whether a reader of the text, cleaned, sees nothing: a vendor may take it for empty.
func Blank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		r = cleanRune(r)
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != '\u2800' &&
			!unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Default_Ignorable_Code_Point)
	})
}

// plain reports whether there is nothing to do: printable ASCII and line breaks, as in nearly every alert.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < ' ' && c != '\n' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}

// invisible names characters that change nothing a reader sees, or hide text from him: direction marks, zero-width
// spaces, soft hyphens, invisible operators, tags, the many selectors of variants. The joiners that scripts and emoji need stay.
func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u034f', '\u061c', '\u180e', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return (r >= '\u2061' && r <= '\u2064') || (r >= '\u206a' && r <= '\u206f') || (r >= '\ufff9' && r <= '\ufffb') || (r >= 0xe0000 && r <= 0xe0fff)
}

// overridesBidi names the embeddings, overrides and isolates of https://www.unicode.org/reports/tr9/, which can make
// "exe.fdp" read "pdf.exe".
func overridesBidi(r rune) bool {
	return (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}
