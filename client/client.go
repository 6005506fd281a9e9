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

// WithTransport sets what sends each try: [http.DefaultTransport] if not given.
func WithTransport(base http.RoundTripper) Option {
	return func(t *transport) error {
		t.base = base
		return nil
	}
}

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
	t := &transport{
		base:      http.DefaultTransport,
		token:     token,
		userAgent: "alertrouter-client",
		timeout:   DefaultRequestTimeout,
		slots:     make(chan struct{}, DefaultMaxConcurrency),
		sleep:     sleep,
	}
	for _, option := range options {
		if err := option(t); err != nil {
			return nil, err
		}
	}
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
