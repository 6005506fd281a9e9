// SPDX-License-Identifier: MPL-2.0

package discord

import (
	"regexp"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// units counts UTF-16. Discord counts characters (https://github.com/discord/discord-api-docs/issues/1315), of which there
// are never more.
var units render.Size = render.UTF16

// size counts a character as escape leaves it: it may add one to each of these, and to the beginning of each line.
var size render.Size = func(r rune) int {
	if strings.ContainsRune(special+":\n", r) {
		return 2
	}
	return units(r)
}

// special are the characters that mean something to Discord wherever they stand: formatting, links, mentions, times,
// emoji, and the backslash that takes the meaning away.
// https://docs.discord.com/developers/reference#message-formatting
const special = "\\*_~`|<>[]@"

var (
	anywhere = regexp.MustCompile("[\\\\*_~`|<>\\[\\]@]")
	bullet   = regexp.MustCompile(`(?m)^([ \t]*)([-+#])`)
	number   = regexp.MustCompile(`(?m)^([ \t]*\d+)([.)](?:[ \t]|$))`)
	link     = regexp.MustCompile(`(?i)(https?|discord|steam):/`)
)

// escape makes a text from an alert harmless in Discord's Markdown. An address in it is no link, not even in the middle of
// a word, where Discord makes one too: where links lead is nobody's choice but the router's.
func escape(text string) string {
	text = anywhere.ReplaceAllString(text, `\$0`)
	text = bullet.ReplaceAllString(text, `$1\$2`)
	text = number.ReplaceAllString(text, `$1\$2`)
	return link.ReplaceAllString(text, `$1:\/`)
}

// code is text in which nothing means anything.
func code(text string) string { return "`" + strings.ReplaceAll(text, "`", "'") + "`" }

// block is code of several lines, which nothing in it ends.
func block(text string) string { return "```json\n" + strings.ReplaceAll(text, "```", "'''") + "\n```" }

// masked is a link that says where it leads only in words, so the URL must have been checked.
func masked(name, url string) string {
	return "[" + name + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(url) + ")"
}
