// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// maxExcerpt is how much of an answer is shown, in bytes: as much as an attempt keeps.
const maxExcerpt = 2 << 10

// Excerpt returns the beginning of the body as text of at most 2 KiB in which the secrets are masked. Of a secret
// that is a URL the parts are masked as well, since servers like to quote the path they were asked for.
func (r *Response) Excerpt(secrets ...secret.String) string {
	text := secret.Redact(strings.ToValidUTF8(string(r.Body), "�"), withParts(secrets)...)
	if len(text) <= maxExcerpt {
		return text
	}
	end := maxExcerpt
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// withParts adds, to each secret that is a URL, its path, its long path segments and its query values, in the
// escaped and the plain spelling. Longer ones come first, so that a part does not break up the whole.
func withParts(secrets []secret.String) []secret.String {
	const long = 8 // shorter segments are words such as "hooks"
	var texts []string
	for _, s := range secrets {
		text := s.Reveal()
		texts = append(texts, text)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue
		}
		texts = append(texts, u.RequestURI(), u.EscapedPath(), u.Path)
		parts := strings.Split(u.Path, "/")
		parts = append(parts, strings.Split(u.EscapedPath(), "/")...)
		for _, values := range u.Query() {
			for _, v := range values {
				parts = append(parts, v, url.QueryEscape(v))
			}
		}
		for _, part := range parts {
			if len(part) >= long {
				texts = append(texts, part)
			}
		}
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	masked := make([]secret.String, len(texts))
	for i, text := range texts {
		masked[i] = secret.New(text)
	}
	return masked
}
