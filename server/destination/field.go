// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pointer returns the JSON pointer to a member of a config, as [Config.Validate] reports it.
func Pointer(names ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var pointer strings.Builder
	for _, name := range names {
		pointer.WriteString("/" + escape.Replace(name))
	}
	return pointer.String()
}

// OneLine reports whether a text of a config can reach a vendor as it stands: it has no control characters and no space
// around it.
func OneLine(text string) bool {
	return utf8.ValidString(text) && text == strings.TrimSpace(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// Visible reports whether a text is of visible ASCII characters only, as keys and tokens are, which stand in headers.
func Visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
