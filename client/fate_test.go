// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

func TestFate_IsOpenWhenATryMayHaveArrived(t *testing.T) {
	t.Parallel()
	refused := transport(func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	lost := transport(func(_ int, req *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(req.Context()).WroteHeaderField("Host", nil)
		return nil, errors.New("connection reset")
	})
	page := func(status int) transport {
		return func(int, *http.Request) (*http.Response, error) { return response(status, "text/html", "<html>"), nil }
	}
	problem := func(status int) transport {
		return func(int, *http.Request) (*http.Response, error) {
			return response(status, "application/problem+json", `{"type":"x","title":"x","status":0}`), nil
		}
	}
	for name, c := range map[string]struct {
		tries []transport // the last is the answer to all later ones
		open  bool
	}{
		"connection refused":                    {[]transport{refused}, false},
		"answer lost":                           {[]transport{lost}, true},
		"answer lost, then refused connections": {[]transport{lost, refused}, true},
		"answer lost, then a clear answer":      {[]transport{lost, problem(403)}, true},
		"validation":                            {[]transport{problem(422)}, false},
		"conflict":                              {[]transport{problem(409)}, false},
		"asked to wait, in vain":                {[]transport{problem(429)}, false},
		"store down":                            {[]transport{problem(503)}, false},
		"503 of something before it":            {[]transport{page(503)}, true},
		"502, then the store is down":           {[]transport{page(502), problem(503)}, true},
		"504":                                   {[]transport{page(504)}, true},
		"500":                                   {[]transport{problem(500)}, true},
		"a page in place of the answer":         {[]transport{page(200)}, true},
		"a page that says 404":                  {[]transport{page(404)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api, _ := newClient(t, func(n int, req *http.Request) (*http.Response, error) {
					return c.tries[min(n, len(c.tries)-1)](n, req)
				})
				ctx, fate := client.WithFate(t.Context())
				_, err := client.Created(api.CreateDestinationWithResponse(ctx, &client.CreateDestinationParams{IdempotencyKey: new("key")}, client.DestinationInput{}))
				if err == nil {
					t.Fatal("got no error")
				}
				if fate.Open() != c.open {
					t.Errorf("got %v (%v), want %v", fate.Open(), err, c.open)
				}
			})
		})
	}
}
