// SPDX-License-Identifier: MPL-2.0

// Package problem holds the errors a caller may branch on.
//
// Everything else that goes wrong is internal: wrapped with what was being done, logged once at the top and shown
// as "internal error". An [Error] is shown to the caller as it is, as an RFC 9457 problem document.
package problem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what a caller can do about an error.
type Kind string

// The kinds, with the HTTP status the API gives each.
const (
	Invalid      Kind = "invalid"      // 422: the fields named are wrong
	Malformed    Kind = "malformed"    // 400: the request could not be read at all
	Unauthorized Kind = "unauthorized" // 401: no token, or one that is not known
	Forbidden    Kind = "forbidden"    // 403: the token lacks a permission
	NotFound     Kind = "not-found"    // 404
	Conflict     Kind = "conflict"     // 409: the name or id is taken
	Stale        Kind = "stale"        // 412: If-Match names an older revision
	TooLarge     Kind = "too-large"    // 413
	Unavailable  Kind = "unavailable"  // 503: come back after RetryAfter
	Unsupported  Kind = "unsupported"  // 415: the content type is not one the operation reads
	UnknownPath  Kind = "unknown-path" // 404, of a path that is no operation's: not to be taken for a thing that is gone
	NotAllowed   Kind = "not-allowed"  // 405
	TooMany      Kind = "too-many"     // 429
	Internal     Kind = "internal"     // 500: what is not meant for the caller; the log has more
)

// Field is one thing wrong with the input. Name is a JSON pointer into the request body, or the name of a query or
// path parameter.
type Field struct {
	Name    string
	Message string
}

// Error is an error of a known kind. Detail is a sentence for a person and holds no secret.
type Error struct {
	Kind       Kind
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // only for Unavailable and TooMany
}

// New returns an error of a kind with a formatted detail.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// InvalidFields returns an Invalid error naming every wrong field, or nil when there is none. The fields are sorted
// by name, and a name with the same message is kept once.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	fields = slices.Compact(fields)
	detail := "1 field is wrong"
	if len(fields) > 1 {
		detail = fmt.Sprintf("%d fields are wrong", len(fields))
	}
	return &Error{Kind: Invalid, Detail: detail, Fields: fields}
}

// Error gives the detail followed by every wrong field.
func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Detail
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Name + ": " + f.Message
	}
	return e.Detail + ": " + strings.Join(parts, "; ")
}

// KindOf returns the kind of the first [Error] in err's chain, and Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// FieldsOf returns the wrong fields of the first [Error] in err's chain.
func FieldsOf(err error) []Field {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fields
	}
	return nil
}
