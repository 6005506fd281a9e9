// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// The wait before try n+1 is a random part, at least half, of firstWait doubled n times, and at most longestWait; a
// Retry-After header replaces it. A wait that would go past the deadline is not begun: the last answer is returned.
const (
	firstWait   = 250 * time.Millisecond
	longestWait = 15 * time.Second

	dialPatience = 5 * time.Second

	maxBody = 64 << 20 // a page of alerts with their contexts is the largest answer
)

// transport authenticates, bounds and retries. What is tried again:
//
//	method            connection error       429, 503   502, 504   others
//	GET, PUT, DELETE  yes                    yes        yes        no
//	POST              if nothing was sent    yes        no         no
//	POST with a key   yes                    yes        yes        no
//
// A key is an Idempotency-Key. An answer that breaks off is a connection error when the request has one.
//
// How long a call without any answer goes on depends on what is in the way:
//
//	TLS does not work, a proxy refuses                    it is not tried again
//	nobody is there: connection refused, no such host     dialPatience
//	others                                                the call's deadline
//
// Once a call has gone on for so long in vain, later calls are tried once until one is answered: a plan of a hundred
// resources should not wait a hundred times.
//
// A PUT without a key that is tried again after its answer was lost can find its own change: with If-Match that is a 412.
type transport struct {
	tls       *tls.Config                           // nil: nothing was set
	proxy     func(*http.Request) (*url.URL, error) // nil: as the environment says
	wrap      func(http.RoundTripper) http.RoundTripper
	base      http.RoundTripper
	token     string
	userAgent string
	timeout   time.Duration
	slots     chan struct{} // one taken by each try under way
	silent    atomic.Bool   // the last call that was given up had no answer, and none came since
	sleep     func(context.Context, time.Duration) bool
}

// RoundTrip sends a request until it succeeds, may not be tried again, or its time is up.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := t.withDeadline(req.Context())
	resp, err := t.tries(ctx, req)
	if err != nil {
		cancel()
		return nil, err
	}
	left := int64(maxBody)
	if req.Context().Value(streamed{}) != nil {
		left = math.MaxInt64
	}
	resp.Body = &body{ReadCloser: resp.Body, left: left, cancel: cancel}
	return resp, nil
}

func (t *transport) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok || ctx.Value(streamed{}) != nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, t.timeout)
}

func (t *transport) tries(ctx context.Context, req *http.Request) (*http.Response, error) {
	began := time.Now()
	var answered string // the last status, in case the next try gets no answer at all
	for n := 0; ; n++ {
		resp, sent, err := t.try(ctx, req)
		again, wait := mayRetry(req, resp, sent), backoff(n)
		deadline, ok := ctx.Deadline()
		if !ok { // the answer is streamed
			deadline = began.Add(t.timeout)
		}
		if resp != nil {
			t.silent.Store(false)
			if d, ok := retryAfter(resp, time.Now()); ok {
				wait = d
			}
		} else if d, ok := patience(err); ok && began.Add(d).Before(deadline) {
			deadline = began.Add(d)
		}
		if again && (t.silent.Load() || ctx.Err() != nil || time.Until(deadline) <= wait) {
			again = false
			if resp == nil && !errors.Is(ctx.Err(), context.Canceled) {
				t.silent.Store(true)
			}
		}
		if !again {
			if err != nil && answered != "" {
				err = fmt.Errorf("%w; the last answer was %s", err, answered)
			}
			return resp, err
		}
		if resp != nil {
			answered = resp.Status
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
			_ = resp.Body.Close()
		}
		t.sleep(ctx, wait)
	}
}

// try sends the request once. It reports whether anything was sent, so that the server may have acted on it.
func (t *transport) try(ctx context.Context, req *http.Request) (resp *http.Response, sent bool, err error) {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }}
	once := req.Clone(httptrace.WithClientTrace(ctx, trace))
	if req.GetBody != nil {
		if once.Body, err = req.GetBody(); err != nil {
			return nil, false, err
		}
	}
	if t.token != "" {
		once.Header.Set("Authorization", "Bearer "+t.token)
	}
	once.Header.Set("User-Agent", t.userAgent)
	if resp, err = t.base.RoundTrip(once); err == nil {
		resp, err = whole(req, resp)
	}
	note(ctx, resp, wrote.Load())
	return resp, wrote.Load(), err
}

func mayRetry(req *http.Request, resp *http.Response, sent bool) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false // the body is used up
	}
	idempotent := req.Method != http.MethodPost || req.Header.Get(idempotencyKey) != ""
	if resp == nil {
		return idempotent || !sent
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return idempotent
	}
	return false
}

// patience is how long a call that failed without an answer is worth trying, if that is not until its deadline.
func patience(err error) (time.Duration, bool) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return 0, true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return 0, true // the server does not speak TLS
	}
	if proxy, ok := errors.AsType[*proxyError](err); ok && proxy.lasting() {
		return 0, true
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case ok && op.Op == "remote error": // a TLS alert, as for a client's certificate that is missing
		return 0, true
	case ok && (op.Op == "dial" || op.Op == "proxyconnect"):
		return dialPatience, true
	}
	return 0, false
}

func backoff(n int) time.Duration {
	d := min(firstWait<<min(n, 16), longestWait)
	return d/2 + rand.N(d/2)
}

// retryAfter reads the header in its two forms: seconds and an HTTP date.
func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// body stops an answer that never ends and releases the call's context when it is closed.
type body struct {
	io.ReadCloser
	left   int64
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is longer than %d MiB", maxBody>>20)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
