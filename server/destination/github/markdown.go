// SPDX-License-Identifier: MPL-2.0

package github

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// What an alert says must show as it is and do nothing. GitHub reads it twice.
//
// First as Markdown (https://github.github.com/gfm/). An entity never stands for markup there, wherever it is: in a
// paragraph, a table, the address of a link or between tags. So all that could be markup is written as one.
//
// Then it looks through the text that came of it for @names, references such as #123, GH-123 and owner/name#123, and the
// addresses of issues, each of which tells somebody or leaves a trace in another issue
// (https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls).
// There an entity is what it stands for, so a zero-width space breaks these apart. Text in code is not looked through.

// zeroWidth breaks what GitHub would take for a reference.
const zeroWidth = "\u200b"

// escape writes a text for Markdown outside of code. Line breaks stay; what stands at the beginning of a line makes
// neither a list, a heading nor code of it. Another text may stand before and after it without a space.
func escape(text string) string {
	var out strings.Builder
	for i, line := range strings.Split(render.Text(text), "\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		escapeLine(&out, line)
	}
	return out.String()
}

func escapeLine(out *strings.Builder, line string) {
	rest := strings.TrimLeft(line, " \t")
	for range len(line) - len(rest) {
		out.WriteString("\u00a0") // four spaces would be code
	}
	numbered := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	for i, r := range rest {
		before, after := rest[:i], rest[i+utf8.RuneLen(r):]
		numberFollows := after == "" || startsWithDigit(after)
		switch {
		case r == '@', r == '/' && endsLikeIssues(before), r == '-' && endsWithGH(before) && numberFollows:
			out.WriteString(string(r) + zeroWidth)
		case r == '#' && numberFollows, r == '-' && i == 0 && numberFollows:
			out.WriteString(entity(r) + zeroWidth)
		case i == 0 && strings.ContainsRune("-+=:", r), i == numbered && i > 0 && r == '.':
			out.WriteString(entity(r))
		case marksUp(r, before, after):
			out.WriteString(entity(r))
		default:
			out.WriteRune(r)
		}
	}
}

// marksUp reports whether a character can be markup where it stands, or part of what becomes a link by itself.
func marksUp(r rune, before, after string) bool {
	switch r {
	case '&', '<', '>', '"', '\'', '\\', '`', '*', '[', ']', '(', ')', '|', '~', '$', '#':
		return true
	case '_': // inside a word it is none
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		return !letterOrDigit(last) || !letterOrDigit(next)
	case ':':
		return after == "" || strings.HasPrefix(after, "//")
	case '.':
		return before == "" || hasFoldedSuffix(before, "www")
	}
	return false
}

// entity writes a character so that Markdown sees no markup in it.
func entity(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return "&#" + strconv.Itoa(int(r)) + ";"
}

// size counts a character as long as escape may make it.
var size render.Size = func(r rune) int {
	switch r {
	case ' ', '\t':
		return len("\u00a0")
	case '#', '-':
		return len("&#35;" + zeroWidth)
	case '|', '~':
		return len("&#124;")
	case '@', '/':
		return len("@" + zeroWidth)
	case '&', '<', '>', '"', '\'', '\\', '`', '*', '[', ']', '(', ')', '$', '_', ':', '.', '+', '=':
		return len("&#96;")
	}
	return utf8.RuneLen(r)
}

// code writes one line as code, which GitHub shows letter for letter.
func code(line string) string { return "<code>" + literal(line) + "</code>" }

// literal writes one line so that nothing is added to it and every sign that could be markup or a part of a reference is
// an entity.
func literal(line string) string {
	var out strings.Builder
	for i, r := range line {
		switch {
		case r == '@', r == '_', r == '-' && endsWithGH(line[:i]), marksUp(r, line[:i], line[i+utf8.RuneLen(r):]):
			out.WriteString(entity(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// plainTitle returns a title without what would be a mention or a reference in Markdown. GitHub shows titles as they are,
// but others copy them: into comments, commits and chats.
func plainTitle(title string) string {
	var out strings.Builder
	for i, r := range title {
		out.WriteRune(r)
		before, after := title[:i], title[i+utf8.RuneLen(r):]
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		mention := r == '@' && !asciiWord(last) && asciiWord(next)
		if mention || (r == '#' || r == '-' && endsWithGH(before)) && startsWithDigit(after) {
			out.WriteString(zeroWidth)
		}
	}
	return out.String()
}

// titleSize counts a character in a title: in UTF-16, the longest way of counting characters, and with what plainTitle adds.
var titleSize render.Size = func(r rune) int {
	switch {
	case r == '@', r == '#', r == '-', r > 0xffff:
		return 2
	}
	return 1
}

// maxFence is the longest row of backticks that a context keeps; there is no telling what for.
const maxFence = 30

// fenced returns JSON in a code block whose fence is longer than any row of backticks in it.
func fenced(json string) string {
	longest := longestRow(json)
	if longest > maxFence {
		json, longest = strings.ReplaceAll(json, "`", "'"), 0
	}
	fence := strings.Repeat("`", max(3, longest+1))
	return fence + "json\n" + json + "\n" + fence
}

func longestRow(text string) int {
	longest, n := 0, 0
	for _, r := range text {
		if n++; r != '`' {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}

// issueAddress finds the addresses that leave a trace where they lead: of issues, pull requests, discussions and commits.
var issueAddress = regexp.MustCompile(`(?i)^https?://[^/]+/[^/]+/[^/]+/(issues|pull|pulls|discussions|commit|commits)/`)

// link returns a link that says what it is for, or "" when it is none a person may be offered.
func link(name, address string) string {
	if address = linkURL(address); address == "" {
		return ""
	}
	address = strings.ReplaceAll(references.ReplaceAllString(address, "&amp;$1"), "@", "&#64;")
	return "[" + name + "](<" + address + ">)"
}

// references finds where an address would be read as an entity, as in ?a=1&copy;=2.
var references = regexp.MustCompile(`&(#?[0-9A-Za-z]+;)`)

// linkURL returns an address that may be linked, or "".
func linkURL(text string) string {
	address := render.URL(text)
	if size.Of(address) > maxLink || issueAddress.MatchString(address) {
		return ""
	}
	return address
}

// endsLikeIssues reports whether a number or name after a slash would make the address of an issue.
func endsLikeIssues(before string) bool {
	for _, word := range []string{"/issues", "/pull", "/pulls", "/discussions", "/commit", "/commits"} {
		if hasFoldedSuffix(before, word) {
			return true
		}
	}
	return false
}

func endsWithGH(before string) bool { return hasFoldedSuffix(before, "gh") }

func hasFoldedSuffix(text, suffix string) bool {
	return len(text) >= len(suffix) && strings.EqualFold(text[len(text)-len(suffix):], suffix)
}

func startsWithDigit(after string) bool { return after != "" && '0' <= after[0] && after[0] <= '9' }

func letterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func asciiWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
}
