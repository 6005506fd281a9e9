// SPDX-License-Identifier: MPL-2.0

package watch

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

// about is the context of an alert about a destination.
type about struct {
	DestinationID   string `json:"destination_id"`
	DestinationName string `json:"destination_name"`
	DestinationType string `json:"destination_type"`
}

func aboutLane(lane delivery.LaneConfig) about {
	return about{lane.DestinationID, lane.DisplayName, lane.Type}
}

type failedContext struct {
	about
	DeliveryID string          `json:"delivery_id"`
	AlertID    string          `json:"alert_id"`
	Reason     delivery.Reason `json:"reason"`
	Error      string          `json:"error"`
	StatusCode int             `json:"status_code"`
	Attempts   int             `json:"attempts"`
	MoreFailed int             `json:"more_failed"` // since the last such alert
}

// failed says what became of a delivery; before is how it stood before its last attempt.
func failed(lane delivery.LaneConfig, before *delivery.Delivery, s *delivery.Settlement) failedContext {
	last, attempts := s.Attempt, len(before.Attempts)+before.AttemptsDropped
	switch {
	case !last.At.IsZero():
		attempts++
	case len(before.Attempts) > 0: // given up for its age, without another attempt
		last = before.Attempts[len(before.Attempts)-1]
	}
	return failedContext{
		about: aboutLane(lane), DeliveryID: before.ID.String(), AlertID: before.AlertID, Reason: s.Reason,
		Error: last.Message, StatusCode: last.StatusCode, Attempts: attempts,
	}
}

type unhealthyContext struct {
	about
	Failures    int       `json:"failures"` // since the last success
	Error       string    `json:"error"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	ProbeAt     time.Time `json:"probe_at,omitzero"` // before it nothing is tried
}

func unhealthy(lane delivery.LaneConfig, h delivery.Health) unhealthyContext {
	return unhealthyContext{
		about: aboutLane(lane), Failures: h.Failures, Error: h.LastError,
		LastSuccess: h.LastSuccess.UTC(), LastFailure: h.LastFailure.UTC(), ProbeAt: h.ProbeAt.UTC(),
	}
}

type degradedContext struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Error string    `json:"error"`
}

// compose writes the alert of a kind about an event, and of more like it.
func compose(k key, ev *event, more int) (*intake.Item, error) {
	var name, title, description, runbook string
	what := ev.what
	switch c := what.(type) {
	case failedContext:
		c.MoreFailed = more
		what = c
		name, runbook = "Delivery failed", "Mend what the error names, prove it with a test alert, and replay the failed deliveries."
		title = fmt.Sprintf("An alert could not be delivered to %q", c.DestinationName)
		if more > 0 {
			title = fmt.Sprintf("%d deliveries to %q failed", more+1, c.DestinationName)
		}
		description = fmt.Sprintf("The delivery of alert %s was given up (%s) after %d attempts: %s", c.AlertID, c.Reason, c.Attempts, c.Error)
	case unhealthyContext:
		name, runbook = "Destination unhealthy", "Mend what the error names. What waits is delivered once the destination takes alerts again."
		title = fmt.Sprintf("The destination %q does not take alerts", c.DestinationName)
		description = fmt.Sprintf("%d attempts have failed since the last success: %s", c.Failures, c.Error)
	case degradedContext:
		name, runbook = "Store degraded", "Look at the disk below the data directory: its free space, and its health."
		title = fmt.Sprintf("The store took no writes from %s to %s", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339))
		description = "Alerts sent meanwhile were refused with 503: " + c.Error
	}
	return item(&alert.Alert{
		ID: "alertrouter-" + uuid.NewString(), Type: alert.SystemError, CreatedAt: alert.Time{Time: ev.at.UTC()}, Dedup: k.destinationID,
		Detection: alert.Detection{ID: k.kind, Name: name, Severity: string(alert.Critical), Runbook: runbook},
		Generated: alert.Generated{Title: &title, Description: &description},
	}, what)
}

// item writes an alert as an engine would send it.
func item(a *alert.Alert, context any) (*intake.Item, error) {
	raw, err := json.Marshal(context, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("write the context of %s: %w", a.Detection.ID, err)
	}
	a.Context = raw
	body, err := json.Marshal(a, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", a.Detection.ID, err)
	}
	parsed, err := wire.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read %s back: %w", a.Detection.ID, err)
	}
	return &intake.Item{Alert: parsed, Body: body, FromRouter: true}, nil
}
