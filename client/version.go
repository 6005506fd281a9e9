// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// APIVersion is the version of the API that this client speaks. GET /v1/version tells which ones a server does.
const APIVersion = 1

// Foreign reports whether err is an answer that no control plane of this client's API version gives: there is no such
// operation, it does not know a field or wants another, or what it sent cannot be read. The server may be of another
// version then, or no control plane at all.
func Foreign(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return slices.ContainsFunc(e.Fields, func(f FieldError) bool {
			return f.Message == "is required" || slices.ContainsFunc(unknown, func(words string) bool { return strings.HasPrefix(f.Message, words) })
		})
	case http.StatusNotFound:
		return e.Type != NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return e.Status < 400
}

// unknown is how control planes say that they do not know something.
var unknown = []string{"is not a field of this request", "is not a parameter of this operation", "is no destination type"}

// unreadable makes an [Error] of what decoding the body of an answer failed with; other errors stay as they are.
func unreadable(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, form := errors.AsType[*json.UnmarshalTypeError](err)
	_, date := errors.AsType[*time.ParseError](err)
	if syntax || form || date {
		return &Error{Title: foreignTitle, Detail: err.Error()}
	}
	return err
}
