// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// maxBatch is how many alerts one batch may have.
const maxBatch = 1000

// acceptance is the contract's Acceptance over the route as it is; on this path nothing is converted.
type acceptance struct {
	Status    int         `json:"status,omitempty"` // only in a line of a batch
	AlertID   string      `json:"alert_id"`
	Duplicate bool        `json:"duplicate"`
	Route     route.Route `json:"route"`
}

func acceptanceOf(r intake.Result) acceptance {
	a := acceptance{Status: http.StatusAccepted, AlertID: r.AlertID, Duplicate: r.Duplicate, Route: r.Route}
	if r.Duplicate {
		a.Status = http.StatusOK
	}
	return a
}

// VisitAcceptAlertResponse writes the answer with its own status.
func (a acceptance) VisitAcceptAlertResponse(w http.ResponseWriter) error {
	status := a.Status
	a.Status = 0
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(raw)
	return err
}

// AcceptAlert implements POST /v1/alerts.
func (a *API) AcceptAlert(ctx context.Context, r AcceptAlertRequestObject) (AcceptAlertResponseObject, error) {
	results, err := a.Intake.Accept(ctx, []intake.Item{{Alert: r.Body.Alert, Body: r.Body.Raw}})
	if err != nil {
		return nil, err
	}
	if results[0].Err != nil {
		return nil, results[0].Err
	}
	return acceptanceOf(results[0]), nil
}

// AcceptAlerts implements POST /v1/alerts/batch.
func (a *API) AcceptAlerts(ctx context.Context, r AcceptAlertsRequestObject) (AcceptAlertsResponseObject, error) {
	lines, err := splitLines(r.Body)
	if err != nil {
		return nil, err
	}
	op := a.contract.operations["acceptAlert"]
	answers := make([]any, len(lines))
	items, at := make([]intake.Item, 0, len(lines)), make([]int, 0, len(lines))
	for i, line := range lines {
		parsed, err := parseAlert(op, line)
		if err != nil {
			answers[i] = document(a.asProblem(err, ""), "")
			continue
		}
		items, at = append(items, intake.Item{Alert: parsed, Body: line}), append(at, i)
	}
	if len(items) > 0 {
		results, err := a.Intake.Accept(ctx, items)
		if err != nil {
			return nil, err
		}
		for i, result := range results {
			if result.Err != nil {
				answers[at[i]] = document(a.asProblem(result.Err, ""), "")
				continue
			}
			answers[at[i]] = acceptanceOf(result)
		}
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, answer := range answers {
		if err := encoder.Encode(answer); err != nil {
			return nil, fmt.Errorf("encode a batch's answer: %w", err)
		}
	}
	return AcceptAlerts200ApplicationXNdjsonResponse{Body: &body, ContentLength: int64(body.Len())}, nil
}

// splitLines returns the lines that are not blank.
func splitLines(body io.Reader) ([][]byte, error) {
	raw, err := readAll(body, 0)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for line := range bytes.Lines(raw) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, problem.New(problem.Malformed, "the body is empty; it must have one alert a line")
	}
	if len(lines) > maxBatch {
		return nil, problem.New(problem.TooLarge, "the batch has %d alerts; the most is %d", len(lines), maxBatch)
	}
	return lines, nil
}
