// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// maxExcerpt is how much of an answer is shown, in bytes: as much as an attempt keeps.
const maxExcerpt = 2 << 10

// Excerpt returns the beginning of the body as text of at most 2 KiB in which the secrets are masked, also where they
// are escaped as in JSON, URLs or HTML. Of a secret that is a URL the parts are masked as well, since servers like to
// quote the path they were asked for.
func (r *Response) Excerpt(secrets ...secret.String) string {
	text := mask(strings.ToValidUTF8(string(r.Body), "�"), withParts(secrets), maxExcerpt)
	if len(text) <= maxExcerpt {
		return text
	}
	end := maxExcerpt
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// withParts reveals the secrets and adds, to each that is a URL, its path, its query, and of both the long parts.
func withParts(secrets []secret.String) []string {
	const long = 8 // shorter parts are words such as "hooks"
	var texts []string
	for _, s := range secrets {
		text := s.Reveal()
		texts = append(texts, text)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue
		}
		texts = append(texts, u.RequestURI(), u.Path)
		for _, part := range parts(u) {
			if len(part) >= long {
				texts = append(texts, part)
			}
		}
	}
	return texts
}

// parts returns the segments of a URL's path, its query and the query's values, or names without a value, as they
// stand there and without their escapes.
func parts(u *url.URL) []string {
	var parts []string
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		plain, _ := url.PathUnescape(segment)
		parts = append(parts, segment, plain)
	}
	parts = append(parts, u.RawQuery)
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" {
			value = name
		}
		plain, _ := url.QueryUnescape(value)
		parts = append(parts, value, plain)
	}
	return parts
}
