// SPDX-License-Identifier: MPL-2.0

package email

import (
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// What a whole mail and its HTML part stay under, in bytes as they are sent. Servers take far more, the usual limit being
// 10 MB and up; but Gmail clips a mail whose HTML is over about 102 KB, and shows a link in place of the rest
// (https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html).
const (
	MaxMail = 256 << 10
	MaxHTML = 102_000
)

// How a mail is shared out, in what [encoded] counts. Together they stay under MaxHTML with the HTML around them and
// the line breaks of quoted-printable, one of three bytes for each 75.
const (
	maxTitle       = 1_500
	maxNote        = 600
	maxDescription = 20_000
	maxRunbook     = 8_000
	maxFact        = 1_200
	maxURL         = 1_500 // longer ones get no button
	maxContext     = 36_000
	maxOwn         = 64_000 // what a template makes
)

// maxSubject is how long a subject is, in characters. maxField is for other header fields; a line of a header has at
// most 998 (https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1), and all these stay far below.
const (
	maxSubject = 150
	maxField   = 120
)

// encoded counts a character as it stands in the HTML part: escaped, then as quoted-printable
// (https://www.rfc-editor.org/rfc/rfc2045#section-6.7). It takes as much or less in the text part.
var encoded render.Size = func(r rune) int {
	switch {
	case r == '\n':
		return len("<br>\r\n")
	case r == '&', r == '"', r == '\'':
		return len("&amp;")
	case r == '<', r == '>':
		return len("&lt;")
	case r >= ' ' && r < 0x7f && r != '=':
		return 1
	}
	return len("=00") * utf8.RuneLen(r)
}

// quoted counts a character of what is HTML already, as quoted-printable.
var quoted render.Size = func(r rune) int {
	switch {
	case r == '\n':
		return len("\r\n")
	case r >= ' ' && r < 0x7f && r != '=':
		return 1
	}
	return len("=00") * utf8.RuneLen(r)
}
