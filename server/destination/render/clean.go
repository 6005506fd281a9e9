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
// bidi overrides and invalid UTF-8 become U+FFFD, so that it shows that something was there; invisible marks go.
func Text(text string) string { return strings.TrimSpace(clean(text)) }

// clean is Text with the space around it.
func clean(text string) string {
	if plain(text) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
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
		return r // strings.Map has made invalid UTF-8 U+FFFD
	}, text)
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
	return !strings.ContainsFunc(Text(text), func(r rune) bool {
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
// spaces, soft hyphens, tags. The joiners that scripts and emoji need stay.
func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u061c', '\u180e', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return (r >= '\u206a' && r <= '\u206f') || (r >= '\ufff9' && r <= '\ufffb') || (r >= 0xe0000 && r <= 0xe007f)
}

// overridesBidi names the embeddings, overrides and isolates of https://www.unicode.org/reports/tr9/, which can make
// "exe.fdp" read "pdf.exe".
func overridesBidi(r rune) bool {
	return (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}
