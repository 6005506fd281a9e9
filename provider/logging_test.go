// SPDX-License-Identifier: MPL-2.0

package provider

import "testing"

func TestHidden_IsFoundHoweverItIsQuoted(t *testing.T) {
	t.Parallel()
	var h hidden
	h.add(`pass"<word>`)
	h.add("token-1")
	h.add("token-12")
	h.add("the")
	for text, want := range map[string]string{
		`sent pass"<word>!`:                              `sent [secret]!`,
		`{"x":"pass\"<word>"}`:                           `{"x":"[secret]"}`,
		`{"x":"pass\"\u003cword\u003e"}`:                 `{"x":"[secret]"}`,
		`{"y":"{\"x\":\"pass\\\"<word>\"}"}`:             `{"y":"{\"x\":\"[secret]\"}"}`,
		`{"y":"{\"x\":\"pass\\\"\\u003cword\\u003e\"}"}`: `{"y":"{\"x\":\"[secret]\"}"}`,
		"Bearer token-12, token-1":                       "Bearer [secret], [secret]",
		"the other":                                      "the other",
	} {
		if got := h.mask(text); got != want {
			t.Errorf("mask(%s) is %s, want %s", text, got, want)
		}
	}
}
