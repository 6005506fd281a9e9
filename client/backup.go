// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Backup begins to download a copy of the control plane's store, and returns it with its length in bytes, -1 when that
// is not told. The caller closes it. An error is an [*Error] where the control plane answered. The client must be made
// with [WithLongAnswers].
func (c *ClientWithResponses) Backup(ctx context.Context) (io.ReadCloser, int64, error) {
	plain, ok := c.ClientInterface.(*Client)
	if !ok {
		return nil, 0, fmt.Errorf("a %T cannot download", c.ClientInterface)
	}
	address, err := url.JoinPath(plain.Server, "v1/backup")
	if err != nil {
		return nil, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := plain.Client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, response.ContentLength, nil
	}
	parsed, err := ParseListTokensResponse(response) // its problems are as those of all operations
	if err != nil {
		return nil, 0, &Error{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
	}
	return nil, 0, Failure(parsed)
}
