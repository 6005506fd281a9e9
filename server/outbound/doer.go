// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"bytes"
	"io"
	"net/http"
)

// Doer is a [Client] in the form in which vendors' libraries take an HTTP client. All that Client promises holds: the
// guard, the bounds, no redirects, and errors of which [WasSent] tells whether the request had gone out.
type Doer struct{ client *Client }

// Doer returns the client in the form libraries take.
func (c *Client) Doer() Doer { return Doer{client: c} }

// Do is [Client.Do] with the request's own context. The whole answer, as far as Client reads it, is in memory.
func (d Doer) Do(req *http.Request) (*http.Response, error) {
	req, err := repeatable(req)
	if err != nil {
		return nil, err
	}
	resp, err := d.client.Do(req.Context(), req)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        http.StatusText(resp.StatusCode),
		StatusCode:    resp.StatusCode,
		Header:        resp.Header,
		Body:          io.NopCloser(bytes.NewReader(resp.Body)),
		ContentLength: int64(len(resp.Body)),
		Request:       req,
	}, nil
}

// RoundTrip is Do, for what takes an [http.RoundTripper].
func (d Doer) RoundTrip(req *http.Request) (*http.Response, error) { return d.Do(req) }

// repeatable returns a request whose body can be read again. Libraries send bodies that cannot, and then a kept
// connection that turns out to be dead costs the attempt.
func repeatable(req *http.Request) (*http.Request, error) {
	if !hasBody(req) || req.GetBody != nil {
		return req, nil
	}
	content, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	again := *req
	again.ContentLength = int64(len(content))
	again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	again.Body = io.NopCloser(bytes.NewReader(content))
	return &again, nil
}
