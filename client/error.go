// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// NotFound is the type of the problem that what was asked for does not exist. The status 404 alone may also come from
// a wrong endpoint, or from something in between.
const NotFound = "urn:alertrouter:problem:not-found"

// foreignTitle is for answers that look like success and are not in the contract.
const foreignTitle = "This is not the answer of an alertrouter control plane"

// Error is an answer that is not what was asked for: a problem document, or something that is no answer of a control
// plane at all.
type Error struct {
	Status    int    // the HTTP status; 0 when the body of a successful answer cannot be read
	Type      string // the kind of problem, such as [NotFound]; empty when it is no control plane that answers
	Title     string // the kind of problem in words
	Detail    string // what is wrong this time; may be empty
	RequestID string // the request in the server's log; may be empty
	Fields    []FieldError
}

// Error gives title and detail, every wrong field and the request's id.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Title)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	for _, f := range e.Fields {
		b.WriteString("; " + f.Field + " " + f.Message)
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	return b.String()
}

// answer is what every generated response can tell.
type answer interface {
	StatusCode() int
	ContentType() string
	GetBody() []byte
}

// problem is an answer whose operation may fail.
type problem interface {
	GetApplicationProblemJSONDefault() *Problem
}

// OK returns the body of a 200, else what went wrong: err, or an [*Error].
func OK[T any](r interface {
	answer
	GetJSON200() *T
}, err error,
) (*T, error) {
	if err != nil {
		return nil, unreadable(err)
	}
	return bodyOf(r.GetJSON200(), r, http.StatusOK)
}

// Created is [OK] for an operation that answers 201.
func Created[T any](r interface {
	answer
	GetJSON201() *T
}, err error,
) (*T, error) {
	if err != nil {
		return nil, unreadable(err)
	}
	return bodyOf(r.GetJSON201(), r, http.StatusCreated)
}

// Accepted is [OK] for an operation that answers 202.
func Accepted[T any](r interface {
	answer
	GetJSON202() *T
}, err error,
) (*T, error) {
	if err != nil {
		return nil, unreadable(err)
	}
	return bodyOf(r.GetJSON202(), r, http.StatusAccepted)
}

// NoContent returns nil for a 204, else what went wrong.
func NoContent(r answer, err error) error {
	if err != nil {
		return err
	}
	if r.StatusCode() == http.StatusNoContent {
		return nil
	}
	return Failure(r)
}

func bodyOf[T any](body *T, r answer, want int) (*T, error) {
	if r.StatusCode() != want || body == nil {
		return nil, Failure(r)
	}
	if name := absent[T](r.GetBody()); name != "" {
		e := Failure(r)
		e.Title, e.Detail = foreignTitle, fmt.Sprintf("it has no %s: %s", name, beginning(r.GetBody()))
		return nil, e
	}
	return body, nil
}

// absent returns the name of a member that an answer must have and has not; "" if it is whole. Decoding does not tell: it
// leaves out what is not there, and JSON of anybody would be a thing without an id.
func absent[T any](body []byte) string {
	form := reflect.TypeFor[T]()
	if form.Kind() != reflect.Struct {
		return ""
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return "members"
	}
	for i := range form.NumField() {
		name, options, _ := strings.Cut(form.Field(i).Tag.Get("json"), ",")
		if _, ok := members[name]; !ok && name != "" && name != "-" && !strings.Contains(options, "omitempty") {
			return name
		}
	}
	return ""
}

// Failure makes an error of an answer that is not the expected one.
func Failure(r answer) *Error {
	e := &Error{Status: r.StatusCode(), Title: http.StatusText(r.StatusCode())}
	if p, ok := r.(problem); ok && p.GetApplicationProblemJSONDefault() != nil && e.Status >= 400 {
		document := p.GetApplicationProblemJSONDefault()
		if document.Title != "" {
			e.Title = document.Title
		}
		e.Type, e.Detail, e.RequestID, e.Fields = document.Type, text(document.Detail), text(document.RequestID), document.Errors
		return e
	}
	if e.Status < 400 {
		e.Title = foreignTitle
	}
	e.Detail = fmt.Sprintf("the answer is %q: %s", r.ContentType(), beginning(r.GetBody()))
	return e
}

// beginning returns the first line or so of a page that came instead of JSON.
func beginning(body []byte) string {
	const enough = 200
	if len(body) > enough {
		body = append(body[:enough:enough], "…"...)
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " ")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
