// SPDX-License-Identifier: MPL-2.0

package opsgenie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// requestID is the form of the id of a request: it stands in a path.
var requestID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// How long Opsgenie may take to look at a test, and how often it is asked whether it has. It has no longer than half of
// what is left of the attempt, so that there is time to close the alert.
const (
	patience   = 10 * time.Second
	firstPause = 250 * time.Millisecond
	maxPause   = 2 * time.Second
)

// state is what became of a request: https://docs.opsgenie.com/docs/alert-api#get-request-status
type state struct {
	IsSuccess *bool  `json:"isSuccess"` // nil: not looked at yet
	Status    string `json:"status"`
	AlertID   string `json:"alertId"`
	ID        string `json:"id"` // of an alert that was asked for by itself
}

// prove waits until Opsgenie has made an alert of a test, which is when the responders and the integration have proved
// right, and closes the alert, so that it leaves none open.
func (s *sender) prove(ctx context.Context, receipt destination.Receipt, id string) (destination.Receipt, error) {
	made, err := s.await(ctx, id, receipt.ExternalID)
	if err == nil && !*made.IsSuccess {
		return receipt, destination.Permanent(errors.New("the test alert was accepted, but did not become an alert: " + s.plain(made.Status)))
	}
	if closing := s.close(ctx, receipt.ExternalID); closing != nil && err == nil {
		return receipt, fmt.Errorf("the test alert was created, but not closed: %w", closing)
	}
	if err != nil {
		return receipt, fmt.Errorf("the test alert was accepted, but %w", err)
	}
	if made.AlertID != "" {
		receipt.ExternalID = s.plain(made.AlertID)
	}
	return receipt, nil
}

// close closes an alert: https://docs.opsgenie.com/docs/alert-api#close-alert
func (s *sender) close(ctx context.Context, alias string) error {
	body, err := encode(map[string]string{"source": s.config.Source, "note": "The test is over."})
	if err != nil {
		return err
	}
	_, _, err = s.exchange(ctx, http.MethodPost, s.config.alerts()+"/"+url.PathEscape(alias)+"/close?identifierType=alias", body)
	return err
}

// await asks what became of a request until there is an answer: until it is looked at, there is no such request. Last of
// all it asks for the alert.
func (s *sender) await(ctx context.Context, id, alias string) (state, error) {
	asking, cancel := context.WithTimeout(ctx, patienceOf(ctx))
	defer cancel()
	for pause := firstPause; sleep(asking, pause); pause = min(2*pause, maxPause) {
		receipt, answer, err := s.exchange(asking, http.MethodGet, s.config.alerts()+"/requests/"+id, nil)
		switch outcome, _ := destination.OutcomeOf(err); {
		case err == nil && answer.Data.IsSuccess != nil:
			return answer.Data, nil
		case outcome == destination.OutcomePermanent && receipt.StatusCode != http.StatusNotFound:
			return state{}, fmt.Errorf("what came of it cannot be read: %w", err)
		}
	}
	_, answer, err := s.exchange(ctx, http.MethodGet, s.config.alerts()+"/"+url.PathEscape(alias)+"?identifierType=alias", nil)
	if err != nil || answer.Data.ID == "" {
		return state{}, errors.New("nothing came of it in time")
	}
	return state{IsSuccess: new(true), AlertID: answer.Data.ID}, nil
}

func patienceOf(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(patience, time.Until(end)/2)
	}
	return patience
}

// sleep reports whether the pause went by before the context ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// plain is a word of Opsgenie's for an error or a receipt.
func (s *sender) plain(text string) string {
	return render.Said(text, s.config.APIKey)
}
