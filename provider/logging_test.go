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

// A secret may be a word that programs go by.
func TestHidden_LeavesAProblemWhatItIs(t *testing.T) {
	t.Parallel()
	var h hidden
	for _, secret := range []string{"alertrouter", "problem", "detail", "webhook"} {
		h.add(secret)
	}
	document := []byte(`{"type":"urn:alertrouter:problem:invalid","detail":"no webhook","status":422,"errors":[{"field":"/config/webhook/url","message":"is alertrouter"}]}`)
	const want = `{"detail":"no [secret]","errors":[{"field":"/config/webhook/url","message":"is [secret]"}],"status":422,"type":"urn:alertrouter:problem:invalid"}`
	if !h.maskProblem(&document) || string(document) != want {
		t.Errorf("got %s, want %s", document, want)
	}
	if document = []byte("<html>"); h.maskProblem(&document) {
		t.Error("a page was taken for a problem document")
	}
}
