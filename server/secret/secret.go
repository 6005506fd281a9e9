// SPDX-License-Identifier: MPL-2.0

// Package secret holds the type for values that must not be seen: every way of printing one gives "[secret]".
// Sealing at rest is in the seal package below this one.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Mask is what a secret prints as.
const Mask = "[secret]"

// String is a string that prints as [Mask] under every verb, in JSON, in text and in logs. The zero value is "not
// set". Only destinations and the outbound client call [String.Reveal].
//
// The value is behind a pointer because fmt looks into the unexported members of a struct without asking their
// methods; there it finds an address. Two Strings are therefore not to be compared with ==.
type String struct{ value *string }

// New returns a secret holding value.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{value: &value}
}

// Reveal returns the value itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet reports whether the secret holds a non-empty value.
func (s String) IsSet() bool { return s.value != nil }

// IsZero is IsSet's opposite, so that `omitzero` leaves an unset secret out.
func (s String) IsZero() bool { return s.value == nil }

// String returns [Mask].
func (s String) String() string { return Mask }

// Format writes [Mask] whatever the verb.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue returns [Mask].
func (s String) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText returns [Mask]; a secret cannot be written out by encoding it.
func (s String) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// UnmarshalText takes the value in.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// Redact replaces every occurrence in text of a secret of four characters or more by [Mask]. Shorter ones would
// blank out ordinary words and say nothing about the secret.
func Redact(text string, secrets ...String) string {
	for _, s := range secrets {
		if value := s.Reveal(); len(value) >= 4 {
			text = strings.ReplaceAll(text, value, Mask)
		}
	}
	return text
}
