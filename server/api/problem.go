// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// kinds gives each kind of problem its status and title.
var kinds = map[problem.Kind]struct {
	status int
	title  string
}{
	problem.Invalid:      {http.StatusUnprocessableEntity, "The request is not valid"},
	problem.Malformed:    {http.StatusBadRequest, "The request could not be read"},
	problem.Unauthorized: {http.StatusUnauthorized, "The request needs a valid token"},
	problem.Forbidden:    {http.StatusForbidden, "The token may not do this"},
	problem.NotFound:     {http.StatusNotFound, "There is no such thing"},
	problem.UnknownPath:  {http.StatusNotFound, "There is no such operation"},
	problem.NotAllowed:   {http.StatusMethodNotAllowed, "There is no such operation here"},
	problem.Conflict:     {http.StatusConflict, "It conflicts with what is there"},
	problem.Stale:        {http.StatusPreconditionFailed, "It was changed meanwhile"},
	problem.TooLarge:     {http.StatusRequestEntityTooLarge, "The request is too large"},
	problem.Unsupported:  {http.StatusUnsupportedMediaType, "The content type is not supported"},
	problem.TooMany:      {http.StatusTooManyRequests, "Too many requests"},
	problem.Unavailable:  {http.StatusServiceUnavailable, "Try again later"},
	problem.Internal:     {http.StatusInternalServerError, "Internal error"},
}

// retryAfterStoreError is what callers are told to wait while the store is down.
const retryAfterStoreError = 5 * time.Second

// asProblem turns any error into one that may be shown. What is not meant for the caller is logged here, once.
func (a *API) asProblem(err error, requestID string) *problem.Error {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	var coder echo.HTTPStatusCoder
	if errors.As(err, &coder) {
		return ofStatus(coder.StatusCode(), err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return problem.New(problem.Unavailable, "the request was given up before it was answered")
	}
	a.Log.Error("request failed", "request_id", requestID, "error", err)
	if errors.Is(err, store.ErrUnavailable) {
		return &problem.Error{Kind: problem.Unavailable, Detail: "the store cannot be written to now; nothing was changed", RetryAfter: retryAfterStoreError}
	}
	return problem.New(problem.Internal, "internal error; the server's log has more under the request id")
}

// ofStatus is for errors that Echo and the generated code raise: unknown paths, parameters of the wrong form.
func ofStatus(status int, err error) *problem.Error {
	switch status {
	case http.StatusNotFound:
		return problem.New(problem.UnknownPath, "there is nothing at this path; operations are below /v1, see /openapi.yaml")
	case http.StatusMethodNotAllowed:
		return problem.New(problem.NotAllowed, "this path does not answer to this method")
	case http.StatusBadRequest:
		p := problem.New(problem.Malformed, "a parameter has the wrong form")
		if name := parameterName.FindStringSubmatch(err.Error()); name != nil {
			p.Fields = []problem.Field{{Name: name[1], Message: "has the wrong form"}}
		}
		return p
	}
	return problem.New(problem.Internal, "internal error")
}

// parameterName finds the parameter in the errors of the generated code.
var parameterName = regexp.MustCompile(`parameter ([\w-]+)`)

// maxFields is how many wrong fields an answer names: a body can have a million.
const maxFields = 100

// document is a problem as the contract shows it, and its status.
func document(p *problem.Error, requestID string) Problem {
	k := kinds[p.Kind]
	d := Problem{
		Type: "urn:alertrouter:problem:" + string(p.Kind), Title: k.title, Status: k.status,
		Detail: orNil(p.Detail), RequestID: orNil(requestID),
	}
	fields := p.Fields
	if len(fields) > maxFields {
		fields = fields[:maxFields]
		d.Detail = orNil(fmt.Sprintf("%s; the first %d are named", p.Detail, maxFields))
	}
	for _, f := range fields {
		d.Errors = append(d.Errors, FieldError{Field: f.Name, Message: f.Message})
	}
	return d
}

// writeProblem is Echo's error handler.
func (a *API) writeProblem(c *echo.Context, err error) {
	w := c.Response()
	if r, _ := echo.UnwrapResponse(w); r != nil && r.Committed {
		return // the answer has begun; its end tells the caller
	}
	id := w.Header().Get(requestIDHeader)
	p := a.asProblem(err, id)
	d := document(p, id)
	w.Header().Set("Content-Type", "application/problem+json")
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(d.Status)
	if c.Request().Method != http.MethodHead {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(d) // a caller that hung up needs no answer
	}
}
