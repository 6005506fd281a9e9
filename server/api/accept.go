// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// maxBatch is how many alerts one batch may have.
const maxBatch = 1000

// answerSize is room for most answers.
const answerSize = 384

// acceptance is the contract's Acceptance over the route as it is; on this path nothing is converted.
type acceptance struct {
	status    int // in a line of a batch it is a member
	alertID   string
	duplicate bool
	route     *route.Route
}

func acceptanceOf(r *intake.Result) acceptance {
	a := acceptance{status: http.StatusAccepted, alertID: r.AlertID, duplicate: r.Duplicate, route: &r.Route}
	if r.Duplicate {
		a.status = http.StatusOK
	}
	return a
}

// append writes it as JSON. It is written by hand because there is one for every alert.
func (a *acceptance) append(w []byte, withStatus bool) []byte {
	w = append(w, '{')
	if withStatus {
		w = append(strconv.AppendInt(append(w, `"status":`...), int64(a.status), 10), ',')
	}
	w = appendText(w, `"alert_id":`, a.alertID)
	w = strconv.AppendBool(append(w, `,"duplicate":`...), a.duplicate)
	w = appendText(w, `,"route":{"scenario":`, string(a.route.Scenario))
	w = appendText(w, `,"severity":`, string(a.route.Severity))
	w = append(w, `,"destinations":[`...)
	for i := range a.route.Destinations {
		d := &a.route.Destinations[i]
		w = appendText(comma(w, i), `{"id":`, d.ID)
		w = appendText(w, `,"display_name":`, d.DisplayName)
		w = append(appendText(w, `,"type":`, d.Type), '}')
	}
	w = append(w, `],"warnings":[`...)
	for i := range a.route.Warnings {
		x := &a.route.Warnings[i]
		w = appendText(comma(w, i), `{"code":`, string(x.Code))
		w = append(appendText(w, `,"message":`, x.Message), '}')
	}
	return append(w, "]}}"...)
}

func appendText(w []byte, name, text string) []byte {
	w, _ = jsontext.AppendQuote(append(w, name...), text) // its error says that invalid UTF-8 was replaced
	return w
}

// comma goes before all items of a list but the first.
func comma(w []byte, i int) []byte {
	if i == 0 {
		return w
	}
	return append(w, ',')
}

// VisitAcceptAlertResponse writes the answer with its own status.
func (a acceptance) VisitAcceptAlertResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, err := w.Write(a.append(make([]byte, 0, answerSize), false))
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
	return acceptanceOf(&results[0]), nil
}

// AcceptAlerts implements POST /v1/alerts/batch.
func (a *API) AcceptAlerts(ctx context.Context, r AcceptAlertsRequestObject) (AcceptAlertsResponseObject, error) {
	lines, err := splitLines(r.Body)
	if err != nil {
		return nil, err
	}
	op := a.contract.operations["acceptAlert"]
	answers := make([][]byte, len(lines))
	items, at := make([]intake.Item, 0, len(lines)), make([]int, 0, len(lines))
	for i, line := range lines {
		parsed, err := parseAlert(op, line)
		if err != nil {
			answers[i] = a.refusal(err)
			continue
		}
		items, at = append(items, intake.Item{Alert: parsed, Body: line}), append(at, i)
	}
	if len(items) > 0 {
		results, err := a.Intake.Accept(ctx, items)
		if err != nil {
			return nil, err
		}
		for i := range results {
			if err := results[i].Err; err != nil {
				answers[at[i]] = a.refusal(err)
				continue
			}
			accepted := acceptanceOf(&results[i])
			answers[at[i]] = append(accepted.append(make([]byte, 0, answerSize), true), '\n')
		}
	}
	body := bytes.Join(answers, nil)
	return AcceptAlerts200ApplicationXNdjsonResponse{Body: bytes.NewReader(body), ContentLength: int64(len(body))}, nil
}

// refusal is the line of a batch that says why an alert was not accepted.
func (a *API) refusal(err error) []byte {
	raw, _ := json.Marshal(document(a.asProblem(err, ""), "")) // texts and numbers, which can all be written
	return append(raw, '\n')
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
