// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// streamed marks the context of a call whose answer has no limits of size and time.
type streamed struct{}

// Backup writes a copy of the control plane's store to w and returns how many bytes that were. An error, an [*Error]
// where the control plane answered, means that what was written, if anything, is not the whole copy. No limit but the
// context's holds for how long it takes.
//
// It stands in for the generated GetBackupWithResponse, which takes the copy into memory.
func (c *ClientWithResponses) Backup(ctx context.Context, w io.Writer) (int64, error) {
	response, err := c.GetBackup(context.WithValue(ctx, streamed{}, true))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/octet-stream" {
		response.Body = &body{ReadCloser: response.Body, left: maxBody, cancel: func() {}}
		parsed, err := ParseGetBackupResponse(response)
		if err != nil {
			return 0, &Error{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
		}
		return 0, Failure(parsed)
	}
	n, err := io.Copy(w, response.Body)
	if err != nil {
		return n, fmt.Errorf("the backup broke off after %d bytes: %w", n, err)
	}
	return n, nil
}
