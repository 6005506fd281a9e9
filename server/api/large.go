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

// An answer with alerts can be large as well, and is in memory until its reader has taken it.
const (
	answersAtOnce  = 16
	answerDeadline = 30 * time.Second
)

// places limits how much of a kind is done at once: large bodies in memory, or pages of lists, which cost so much work
// that a crowd of readers would take the processors from those who send alerts.
type places chan struct{}

// enter waits for a place. It returns how to give it back.
func (p places) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// admit waits for a place if the request's body is large, or of unknown length. It returns how to give the place back.
func (p places) admit(r *http.Request) (leave func(), err error) {
	if r.ContentLength >= 0 && r.ContentLength <= largeBody {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), largePatience)
	defer cancel()
	if leave, err = p.enter(ctx); err != nil {
		return nil, &problem.Error{
			Kind: problem.Unavailable, RetryAfter: retryLargeBody,
			Detail: "too many large bodies are on their way; this one was not looked at",
		}
	}
	return leave, nil
}

// answer waits for a place for an answer with alerts, which then has to be taken in time. It returns how to give the
// place back.
func (p places) answer(w http.ResponseWriter, r *http.Request) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(r.Context(), largePatience)
	defer cancel()
	if leave, err = p.enter(ctx); err != nil {
		return nil, &problem.Error{
			Kind: problem.Unavailable, RetryAfter: retryLargeBody, Detail: "too many clients are reading alerts; ask again in a while",
		}
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerDeadline)) // else the server's own holds
	return leave, nil
}
