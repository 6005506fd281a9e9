// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
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

// Printable reports whether a text is UTF-8 without control characters, line breaks among them.
func Printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// OneLine reports whether a text of a config can reach a vendor as it stands: it has no control characters and no space
// around it.
func OneLine(text string) bool { return Printable(text) && text == strings.TrimSpace(text) }

// OneLineFault is the fault of a text that is not [OneLine].
func OneLineFault(text string) string {
	if !OneLine(text) {
		return "must be one line, without control characters and without space around it"
	}
	return ""
}

// Visible reports whether a text is of visible ASCII characters only, as keys and tokens are, which stand in headers.
func Visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// VisibleFault is the fault of a text that is not [Visible].
func VisibleFault(text string) string {
	if !Visible(text) {
		return "must be visible ASCII characters, without spaces"
	}
	return ""
}

// KeyFault returns the faultOf a key or token that may have so many characters and is [Visible].
func KeyFault(most int) func(key string) string {
	return func(key string) string {
		if len(key) > most || !Visible(key) {
			return fmt.Sprintf("must be at most %d visible ASCII characters, without spaces", most)
		}
		return ""
	}
}

// OneOf returns the faultOf a text that must be one of some.
func OneOf(texts ...string) func(text string) string {
	return func(text string) string {
		if slices.Contains(texts, text) {
			return ""
		}
		last := len(texts) - 1
		return "must be " + strings.Join(texts[:last], ", ") + " or " + texts[last]
	}
}

// Digits reports whether a text is one to so many digits, as many vendors' ids are.
func Digits(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// JSONObject reads a text that is a JSON object whose names are there once; ok is false when it is none.
func JSONObject(text string) (members map[string]jsontext.Value, ok bool) {
	if err := jsonv2.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, false
	}
	return members, true
}

// ParseURL reads a URL that a server can call; it is nil where there is a fault.
func ParseURL(text string) (u *url.URL, fault string) {
	if fault := outbound.CheckURL(text); fault != "" {
		return nil, fault
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, "is not a URL" // CheckURL has parsed it
	}
	return u, ""
}

// BaseURLFault is the fault of a URL that paths are appended to.
func BaseURLFault(text string) string {
	u, fault := ParseURL(text)
	if fault == "" && (u.RawQuery != "" || u.Fragment != "") {
		return "must not have a query or a fragment"
	}
	return fault
}

// Endpoint appends a path to a base URL, but for what the base ends in already.
func Endpoint(base string, path ...string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // Validate has parsed it
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	for n := len(path); n > 0; n-- {
		if strings.HasSuffix(u.Path, "/"+strings.Join(path[:n], "/")) {
			path = path[n:]
			break
		}
	}
	return u.JoinPath(path...).String()
}
