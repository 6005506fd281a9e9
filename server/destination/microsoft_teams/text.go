// SPDX-License-Identifier: MPL-2.0

package teams

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// size counts a character as it stands in the request, in bytes: those of UTF-8 or of UTF-16, whichever are more. Teams
// measures messages in UTF-16 (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages),
// a gateway would measure the request.
var size render.Size = func(r rune) int {
	switch {
	case r == '<', r == '{':
		return len("‹") // see plain
	case r < utf8.RuneSelf:
		return 2 * render.JSON(r)
	}
	return utf8.RuneLen(r)
}

// What means something also where Markdown does not: a mention, and the functions that show a time in the reader's zone
// (https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features).
var (
	mention  = regexp.MustCompile(`(?i)<(/?\s*at\b)`)
	function = regexp.MustCompile(`\{(\{\s*(?:DATE|TIME)\()`)
)

// plain makes a text from an alert harmless as text of a TextRun, in which Markdown means nothing:
// https://adaptivecards.io/explorer/TextRun.html
func plain(text string) string {
	return function.ReplaceAllString(mention.ReplaceAllString(text, "‹$1"), "❴$1")
}

// Markdown that Teams reads in a TextBlock: bold, italic, lists and links. The others are what a CommonMark reader has
// beyond that.
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#format-cards-with-markdown
var (
	markdown = regexp.MustCompile("[\\\\*_\\[\\]<>&`~|!]")
	bullet   = regexp.MustCompile(`(?m)^(\x{a0}*)([-+#=])`)
	number   = regexp.MustCompile(`(?m)^(\x{a0}*\d+)([.)](?:[ \t]|$))`)
	address  = regexp.MustCompile(`:(/|$)`) // also one that goes on in the next value
)

// escape makes a text from an alert harmless in a TextBlock. A line break needs two there. A line that begins with spaces is
// not code, and an address is no link: who makes one of it would take the backslash behind it for a part of it, and what that
// is there to escape would be markup.
func escape(text string) string {
	text = markdown.ReplaceAllString(plain(indented(text)), `\$0`)
	text = address.ReplaceAllString(text, `\:$1`)
	text = bullet.ReplaceAllString(text, `$1\$2`)
	text = number.ReplaceAllString(text, `$1\$2`)
	return strings.ReplaceAll(text, "\n", "\n\n")
}

// indented returns text whose lines keep their indentation where a client shows many spaces as one, or as code.
func indented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		rest := strings.TrimLeft(line, " \t")
		lines[i] = strings.Repeat("\u00a0", len(line)-len(rest)) + rest
	}
	return strings.Join(lines, "\n")
}
