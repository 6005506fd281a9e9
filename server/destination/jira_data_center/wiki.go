// SPDX-License-Identifier: MPL-2.0

package jiradatacenter

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// escape makes a text harmless in wiki markup: none of it is read as a heading, list, table, macro, link, mention, image,
// emoticon or emphasis. Characters that may mean something become HTML entities, which the renderer keeps; it makes the
// same of what stands behind a backslash, but not for every character and not before it has looked for macros and
// links: https://docs.atlassian.com/atlassian-renderer/5.0/apidocs/com/atlassian/renderer/v2/components/BackslashEscapeRendererComponent.html
// The notation: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
func escape(text string) string {
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		escapeLine(&out, line)
	}
	return out.String()
}

// block is the beginning of a line that makes it a heading or a quotation; its dot is the last character.
var block = regexp.MustCompile(`^\s*(h[0-9]|bq)\.`)

func escapeLine(out *strings.Builder, line string) {
	dot := len(block.FindString(line)) - 1
	for i, r := range line {
		if i == dot || meansSomething(line, i, r) {
			out.WriteString(entity(r))
		} else {
			out.WriteRune(r)
		}
	}
}

// entity spells a character, so that it is none of the markup.
func entity(r rune) string {
	if r == '&' {
		return "&amp;"
	}
	return "&#" + strconv.Itoa(int(r)) + ";"
}

// meansSomething reports whether the character at line[i] can be markup there.
func meansSomething(line string, i int, r rune) bool {
	switch r {
	case '{', '}', '[', ']', '|', '\\', '!', '(', ')':
		return true
	case '*', '_', '-', '+', '^', '~', '?', '%', '@', '#': // not inside a word
		return i == 0 || i+1 == len(line) || !alphanumeric(line[i-1]) || !alphanumeric(line[i+1])
	case '&': // an entity
		return i+1 < len(line) && (line[i+1] == '#' || alphanumeric(line[i+1]))
	case ':': // a URL, which would become a link, or an emoticon
		rest, before := line[i+1:], strings.ToLower(line[max(0, i-len("mailto")):i])
		return strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "D") || strings.HasPrefix(rest, "P") || strings.HasPrefix(rest, "p") ||
			strings.HasSuffix(before, "mailto") || strings.HasSuffix(before, "file")
	}
	return false
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// escaped counts a character as it may stand in the description: escaped, and in UTF-16.
var escaped render.Size = func(r rune) int {
	switch r {
	case '{', '}', '[', ']', '|', '\\', '!', '(', ')', '*', '_', '-', '+', '^', '~', '?', '%', '@', '#', '&', ':', '.':
		return len(entity(r))
	}
	return jira.Units(r)
}

// fence makes JSON stay in its {code} block, which only a tag in braces could end: of the braces those in strings are
// written as JSON's escapes. The others are before a line's end or a closing brace, which is no tag.
func fence(json string) string {
	var out strings.Builder
	for i := range len(json) {
		if json[i] == '{' && i+1 < len(json) && json[i+1] != '\n' && json[i+1] != '}' {
			out.WriteString(`\u007b`)
		} else {
			out.WriteByte(json[i])
		}
	}
	return out.String()
}

// fenced counts a character as it may stand in the code block.
var fenced render.Size = func(r rune) int {
	if r == '{' {
		return len(`\u007b`)
	}
	return jira.Units(r)
}

// linkURL returns a text as the target of a link, and "" for one that is none or is too long; the characters that mean something there are percent-encoded, as they
// may be in a URL.
func linkURL(text string, limit int) string {
	url := render.URL(text)
	if strings.Contains(url, "[") { // an IPv6 address, which cannot be encoded
		return ""
	}
	url = strings.NewReplacer("]", "%5D", "{", "%7B", "}", "%7D", "^", "%5E", "!", "%21").Replace(url)
	if jira.Units.Of(url) > limit {
		return ""
	}
	return url
}
