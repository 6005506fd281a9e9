// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Post sends a JSON body and makes the usual receipt and error of the answer; see [Env.Exchange].
func (e Env) Post(ctx context.Context, url string, header http.Header, body []byte, secrets ...secret.String) (Receipt, *outbound.Response, error) {
	return e.Exchange(ctx, http.MethodPost, url, header, body, secrets...)
}

// Exchange makes a request and the usual receipt and error of the answer: what [Check] says, and the beginning of the
// answer with the secrets masked. A vendor whose answers need a closer look finds them in the response, which is nil
// when there was none. A body is JSON unless the headers say otherwise; nil is none. Headers may be nil; otherwise they
// are the request's from now on.
func (e Env) Exchange(ctx context.Context, method, url string, header http.Header, body []byte, secrets ...secret.String) (Receipt, *outbound.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return Receipt{}, nil, Permanent(errors.New("the URL cannot be used")) // err quotes it
	}
	if header != nil {
		req.Header = header
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := e.HTTP.Do(ctx, req)
	if err != nil {
		return Receipt{}, nil, err
	}
	receipt := Receipt{StatusCode: resp.StatusCode, Message: resp.Excerpt(secrets...)}
	return receipt, resp, Check(resp, e.Now())
}
