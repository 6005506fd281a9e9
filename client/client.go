// SPDX-License-Identifier: MPL-2.0

// Package client calls the alertrouter control plane. The operations are generated from the contract; [New] makes a
// client that authenticates and retries, and [OK], [Created], [Accepted] and [NoContent] turn an answer into a value or
// an [Error]:
//
//	d, err := client.OK(api.GetDestinationWithResponse(ctx, id))
package client

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi.yaml ../server/api/openapi.yaml

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of the options.
const (
	DefaultRequestTimeout = time.Minute
	DefaultMaxConcurrency = 10
)

// Option changes how a client made by [New] behaves.
type Option func(*transport) error

// WithUserAgent sets the User-Agent header.
func WithUserAgent(agent string) Option {
	return func(t *transport) error {
		t.userAgent = agent
		return nil
	}
}

// WithRequestTimeout sets how long a call may take with all its tries. A context that has a deadline of its own
// replaces it.
func WithRequestTimeout(d time.Duration) Option {
	return func(t *transport) error {
		if d <= 0 {
			return fmt.Errorf("the request timeout must be positive, not %s", d)
		}
		t.timeout = d
		return nil
	}
}

// WithMaxConcurrency sets how many requests may be under way at once.
func WithMaxConcurrency(n int) Option {
	return func(t *transport) error {
		if n < 1 {
			return fmt.Errorf("the concurrency must be at least 1, not %d", n)
		}
		t.slots = make(chan struct{}, n)
		return nil
	}
}

// WithTransport sets what sends each try. wrap is given what does so otherwise, and may send through it.
func WithTransport(wrap func(base http.RoundTripper) http.RoundTripper) Option {
	return func(t *transport) error {
		t.wrap = wrap
		return nil
	}
}

// ErrToken is why New refuses a token: it cannot stand in a header. Mostly it is the line break at the end of a file.
var ErrToken = errors.New("the token must be visible ASCII characters, without spaces and line breaks")

// New returns a client of the control plane at endpoint, such as "http://127.0.0.1:8080". It retries as [Option] and
// the package's retry rules say, and is safe for concurrent use. An empty token sends none.
func New(endpoint, token string, options ...Option) (*ClientWithResponses, error) {
	base, err := url.Parse(endpoint)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New("the endpoint must be a URL such as https://alertrouter.example.com")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the endpoint must be a plain URL, without user, query or fragment")
	}
	if strings.HasSuffix(strings.TrimRight(base.Path, "/"), "/v1") {
		return nil, errors.New("the endpoint must be the URL of the control plane, without the /v1 that the paths of its API begin with")
	}
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, ErrToken
	}
	t := &transport{
		token:     token,
		userAgent: "alertrouter-client",
		timeout:   DefaultRequestTimeout,
		slots:     make(chan struct{}, DefaultMaxConcurrency),
		wrap:      func(base http.RoundTripper) http.RoundTripper { return base },
		sleep:     sleep,
	}
	for _, option := range options {
		if err := option(t); err != nil {
			return nil, err
		}
	}
	t.base = t.wrap(t.connections())
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return NewClientWithResponses(endpoint, WithHTTPClient(&http.Client{Transport: t, CheckRedirect: noRedirects}))
}

// sleep waits, or less if the context ends; it reports whether it waited to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
