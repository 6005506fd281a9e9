// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// A body costs several times its size while it is parsed and stored, so only some large ones are taken at once. The
// others wait, unread; what waits too long is told to come back. Small ones pass at all times.
const (
	largeBody      = 1 << 20
	largeAtOnce    = 4
	largePatience  = 20 * time.Second // of the minute a request may take to arrive
	retryLargeBody = 5 * time.Second
)

// places limits how many large bodies are in memory.
type places chan struct{}

// admit waits for a place if the request's body is large, or of unknown length. It returns how to give the place back.
func (p places) admit(r *http.Request) (leave func(), err error) {
	if r.ContentLength >= 0 && r.ContentLength <= largeBody {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), largePatience)
	defer cancel()
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, &problem.Error{
			Kind: problem.Unavailable, RetryAfter: retryLargeBody,
			Detail: "too many large bodies are on their way; this one was not looked at",
		}
	}
}
