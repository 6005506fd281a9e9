// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// MaskJSON returns a JSON value in which the secrets are masked as [Response.Excerpt] masks them, and which is still
// JSON: a text has the mask where the secret was, and of a number that has one in it the whole becomes a text. What holds
// no secret stays byte for byte.
func MaskJSON(value []byte, secrets ...secret.String) []byte {
	texts := maskable(withParts(secrets))
	if len(texts) == 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); {
		end := tokenEnd(value, i)
		out = appendMasked(out, value[i:end], texts)
		i = end
	}
	return out
}

// appendMasked appends a token of JSON.
func appendMasked(out, token []byte, secrets []string) []byte {
	switch c := token[0]; {
	case c == '"':
		text := string(bytes.Trim(token, `"`))
		if bytes.IndexByte(token, '\\') >= 0 {
			plain, _ := jsontext.AppendUnquote(nil, token) // its error says that a lone surrogate was replaced
			text = string(plain)
		}
		if masked := maskAll(text, secrets, math.MaxInt); masked != text {
			out, _ = jsontext.AppendQuote(out, masked)
			return out
		}
	case c == '-', c >= '0' && c <= '9':
		if slices.ContainsFunc(secrets, func(s string) bool { return bytes.Contains(token, []byte(s)) }) {
			return append(append(append(out, '"'), secret.Mask...), '"')
		}
	}
	return append(out, token...)
}

// tokenEnd returns where the token ends that starts at value[start].
func tokenEnd(value []byte, start int) int {
	const punctuation = " \t\r\n{}[]:,"
	at := start + 1
	switch {
	case value[start] == '"':
		for at < len(value) && value[at] != '"' {
			if value[at] == '\\' {
				at++
			}
			at++
		}
		return min(at+1, len(value))
	case strings.IndexByte(punctuation, value[start]) >= 0:
		return at
	}
	for at < len(value) && strings.IndexByte(punctuation, value[at]) < 0 {
		at++
	}
	return at
}
