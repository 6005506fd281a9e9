// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// idempotencyKey is the header that makes the same request, sent again, do nothing again.
const idempotencyKey = "Idempotency-Key"

// A Fate is what is known of a call that failed. A call has several tries, and what the last of them failed with may not
// be all: an earlier one may have arrived although its answer did not.
type Fate struct{ open atomic.Bool }

type fateKey struct{}

// WithFate returns a context for one call, and the call's fate.
func WithFate(ctx context.Context) (context.Context, *Fate) {
	f := &Fate{}
	return context.WithValue(ctx, fateKey{}, f), f
}

// Open reports whether, if the call failed, the server may have done what it was asked nevertheless.
func (f *Fate) Open() bool { return f.open.Load() }

// note takes down what became of one try.
func note(ctx context.Context, resp *http.Response, sent bool) {
	if f, ok := ctx.Value(fateKey{}).(*Fate); ok && mayHaveActed(resp, sent) {
		f.open.Store(true)
	}
}

// mayHaveActed reports whether the server may have done what a try asked. A control plane that says 503 did nothing;
// what stands before it says so too when an answer was lost.
func mayHaveActed(resp *http.Response, sent bool) bool {
	if resp == nil {
		return sent
	}
	own := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json")
	return resp.StatusCode < http.StatusMultipleChoices ||
		resp.StatusCode >= http.StatusInternalServerError && (!own || resp.StatusCode != http.StatusServiceUnavailable)
}

// whole reads the answer to a request that may be sent again, so that one that is cut off counts as lost.
func whole(req *http.Request, resp *http.Response) (*http.Response, error) {
	if req.Header.Get(idempotencyKey) == "" {
		return resp, nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}
