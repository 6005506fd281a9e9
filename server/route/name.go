// SPDX-License-Identifier: MPL-2.0

package route

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameLength is in characters.
const maxNameLength = 100

// NameFault says what is wrong with a display name, which has no space around it; "" is nothing. It reads as what
// follows the name of the field.
func NameFault(name string) string {
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxNameLength:
		return fmt.Sprintf("must have 1 to %d characters, not counting space around it", maxNameLength)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		return "must not contain control characters"
	case strings.EqualFold(name, Skip):
		return "must not be SKIP: in a list of destinations that word suppresses the alert"
	}
	return ""
}
