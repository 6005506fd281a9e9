// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// AcceptBatch sends alerts, one a line (NDJSON, at most 1,000), and returns a result for each line that is not blank,
// in order: some may be accepted and others refused. An error, an [*Error] where the control plane answered, means
// that none was looked at. Give alerts an alert_id, so that a batch sent twice makes no second alerts.
//
// It stands in for the generated AcceptAlertsWithBodyWithResponse, which takes the answer for a problem document.
func (c *ClientWithResponses) AcceptBatch(ctx context.Context, alerts io.Reader) ([]BatchResult, error) {
	response, err := c.AcceptAlertsWithBody(ctx, "application/x-ndjson", alerts)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		parsed, err := ParseAcceptAlertsResponse(response)
		if err != nil {
			return nil, &Error{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
		}
		return nil, Failure(parsed)
	}
	defer response.Body.Close()
	var results []BatchResult
	for decoder := json.NewDecoder(response.Body); decoder.More(); {
		var r BatchResult
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("read the answer to a batch: %w", err)
		}
		results = append(results, r)
	}
	return results, nil
}
