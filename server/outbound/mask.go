// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"encoding/hex"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// minSecret is the shortest text that is masked; shorter ones would blank out ordinary words.
const minSecret = 4

// mask returns the beginning of text, at least enough bytes of it, with every secret masked in whatever spelling:
// servers send back what they were asked as JSON, in URLs and in HTML. Secrets that overlap are masked as one.
func mask(text string, secrets []string, enough int) string {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < minSecret })
	var out strings.Builder
	covered := 0 // how far the secrets found so far reach
	for i, r := range text {
		if out.Len() >= enough {
			break
		}
		end := 0
		for _, s := range secrets {
			end = max(end, match(text, i, s))
		}
		switch {
		case i < covered:
		case end > 0:
			out.WriteString(secret.Mask)
		default:
			out.WriteRune(r)
		}
		covered = max(covered, end)
	}
	return out.String()
}

// match returns where the secret ends that text has at start, or 0. A character may be read in more than one way
// (%25 is an escaped % or begins with a plain one), so all of them are followed.
func match(text string, start int, secret string) int {
	if c := text[start]; c != secret[0] && strings.IndexByte(`\%&+`, c) < 0 {
		return 0 // nearly always
	}
	at := []int{start}
	for _, r := range secret {
		var next []int
		for _, i := range at {
			next = append(next, ends(text, i, r)...)
		}
		if len(next) == 0 {
			return 0
		}
		slices.Sort(next)
		at = slices.Compact(next)
	}
	return at[len(at)-1]
}

// ends returns where a spelling of r ends that text has at start: as it is, with backslashes, or as an escape of
// JSON, URLs or HTML.
func ends(text string, start int, r rune) []int {
	if start == len(text) {
		return nil
	}
	var found []int
	if got, width := utf8.DecodeRuneInString(text[start:]); got == r {
		found = append(found, start+width)
	}
	n := 0
	switch text[start] {
	case '\\':
		return append(found, backslashed(text, start, r)...)
	case '%':
		n = percentLength(text[start:], r)
	case '&':
		n = entityLength(text[start:], r)
	case '+':
		if r == ' ' {
			n = 1
		}
	}
	if n > 0 {
		found = append(found, start+n)
	}
	return found
}

// backslashed reads \" and \/ and \u0026, also where JSON stands in a text of JSON: \\\" and \\/ and \\u0026.
func backslashed(text string, start int, r rune) []int {
	var found []int
	for n := 1; n <= 4 && start+n <= len(text) && text[start+n-1] == '\\'; n++ {
		rest := text[start+n:]
		got, width := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\\' && n%2 == 0:
			found = append(found, start+n)
		case got == r && r != '\\' && !unicode.IsLetter(r) && !unicode.IsDigit(r):
			found = append(found, start+n+width)
		}
		if got, width := readUnicode(rest); width > 0 && got == r {
			found = append(found, start+n+width)
		}
	}
	return found
}

// readUnicode reads u0026 or ud83d\ude00.
func readUnicode(text string) (r rune, width int) {
	unit, ok := readUnit(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(unit) {
		return unit, len("u0000")
	}
	rest := strings.TrimLeft(text[len("u0000"):], `\`)
	low, ok := readUnit(rest)
	if !ok {
		return 0, 0
	}
	return utf16.DecodeRune(unit, low), len(text) - len(rest) + len("u0000")
}

func readUnit(text string) (unit rune, ok bool) {
	if len(text) < len("u0000") || text[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[1:len("u0000")], 16, 16)
	return rune(n), err == nil
}

// percentLength returns how much of text spells r as in a URL, or 0.
func percentLength(text string, r rune) int {
	n := 0
	for _, want := range []byte(string(r)) {
		if len(text) < n+3 || text[n] != '%' {
			return 0
		}
		got, err := hex.DecodeString(text[n+1 : n+3])
		if err != nil || got[0] != want {
			return 0
		}
		n += 3
	}
	return n
}

// entityLength returns how much of text spells r as in HTML, or 0.
func entityLength(text string, r rune) int {
	const longest = 12
	end := strings.IndexByte(text[:min(len(text), longest)], ';') + 1
	if end > 0 && html.UnescapeString(text[:end]) == string(r) {
		return end
	}
	return 0
}
