// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// RenderDestination implements POST /v1/destinations/{id}/render.
func (a *API) RenderDestination(ctx context.Context, r RenderDestinationRequestObject) (RenderDestinationResponseObject, error) {
	input := deref(r.Body)
	m, err := a.messageToRender(ctx, input.Alert, input.AlertID)
	if err != nil {
		return nil, err
	}
	p, err := a.Registry.Preview(r.ID, m)
	if err != nil {
		return nil, err
	}
	return preview{p, m.Severity}, nil
}

// RenderUnsavedDestination implements POST /v1/destinations/render.
func (a *API) RenderUnsavedDestination(ctx context.Context, r RenderUnsavedDestinationRequestObject) (RenderUnsavedDestinationResponseObject, error) {
	b := *r.Body
	m, err := a.messageToRender(ctx, b.Alert, b.AlertID)
	if err != nil {
		return nil, err
	}
	p, err := a.Registry.PreviewDraft(deref(r.Params.ID), draftOf(DestinationInput{
		DisplayName: b.DisplayName, Enabled: b.Enabled, Severities: b.Severities, AlertTypes: b.AlertTypes, LogTypes: b.LogTypes,
		AllowManualDispatch: b.AllowManualDispatch, Fallback: b.Fallback, FallbackAfterSeconds: b.FallbackAfterSeconds, MaxAgeSeconds: b.MaxAgeSeconds, MaxConcurrency: b.MaxConcurrency,
		RateLimitPerSecond: b.RateLimitPerSecond, Config: b.Config,
	}), m)
	if err != nil {
		return nil, err
	}
	return preview{p, m.Severity}, nil
}

// messageToRender returns the message that the dispatcher would make of the alert that is given, of an accepted one, or
// of the sample.
func (a *API) messageToRender(ctx context.Context, given *AlertBody, acceptedID *string) (*destination.Message, error) {
	switch {
	case given != nil && acceptedID != nil:
		return nil, problem.InvalidFields([]problem.Field{{Name: "/alert_id", Message: "must not be set beside alert"}})
	case acceptedID != nil:
		return a.acceptedMessage(ctx, *acceptedID)
	case given == nil:
		given = &AlertBody{Alert: sampleAlert()}
	}
	id := given.Alert.ID
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	now := a.Now().UTC()
	return a.Dispatcher.Message(&delivery.Job{
		Delivery: delivery.Delivery{AlertID: id, CreatedAt: now}, Alert: given.Alert,
		Severity: a.Intake.Preview(given.Alert).Severity, AcceptedAt: now,
	}), nil
}

func (a *API) acceptedMessage(ctx context.Context, id string) (*destination.Message, error) {
	if t := bearer(ctx); !t.Has(auth.AlertsRead) {
		return nil, problem.New(problem.Forbidden, "alert_id needs the permission %s, which the token %q does not have", auth.AlertsRead, t.Name)
	}
	record, _, err := a.Store.Alert(ctx, id)
	if err != nil {
		return nil, err
	}
	parsed, err := wire.Parse(record.Body)
	if err != nil {
		return nil, fmt.Errorf("read stored alert %s: %w", record.AlertID, err)
	}
	return a.Dispatcher.Message(&delivery.Job{
		Delivery: delivery.Delivery{AlertID: record.AlertID, CreatedAt: a.Now()}, Alert: parsed,
		Severity: record.Route.Severity, AcceptedAt: record.AcceptedAt,
	}), nil
}

// sampleAlert is what is rendered for those who bring no alert of their own.
func sampleAlert() *alert.Alert {
	return &alert.Alert{
		ID: "sample", Type: alert.Rule, Link: "https://siem.example.com/alerts/sample", LogTypes: []string{"AWS.CloudTrail"},
		Dedup: "arn:aws:iam::123456789012:root",
		Detection: alert.Detection{
			ID: "AWS.Console.RootLogin", Name: "Root console login", Version: "3", Severity: string(alert.High),
			Description: "The root account was used to sign in.\nIt should not be used for everyday work.",
			Runbook:     "https://runbooks.example.com/aws/root-login",
			Reference:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html",
			Tags:        []string{"AWS", "Identity & Access Management"},
		},
		Generated: alert.Generated{Title: new("Root login to 123456789012 from 198.51.100.7 without MFA")},
		Context:   json.RawMessage(`{"sourceIPAddress":"198.51.100.7","mfa":false,"user":{"type":"Root","arn":"arn:aws:iam::123456789012:root"},"count":3}`),
	}
}

// preview is the contract's RenderResult. It is written by hand because encoding/json would reformat the body.
type preview struct {
	registry.Preview
	severity alert.Severity
}

// VisitRenderDestinationResponse writes the answer.
func (p preview) VisitRenderDestinationResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitRenderUnsavedDestinationResponse writes the answer.
func (p preview) VisitRenderUnsavedDestinationResponse(w http.ResponseWriter) error {
	return p.write(w)
}

func (p preview) write(w http.ResponseWriter) error {
	notes, err := json.Marshal(append([]string{}, p.Notes...))
	if err != nil {
		return err
	}
	answer := make([]byte, 0, len(p.Body)+len(notes)+256)
	answer = appendText(answer, `{"type":`, p.Type)
	answer = appendText(answer, `,"severity":`, string(p.severity))
	answer = strconv.AppendInt(append(answer, `,"bytes":`...), int64(len(p.Body)), 10)
	answer = strconv.AppendBool(append(answer, `,"truncated":`...), p.Truncated)
	answer = append(append(answer, `,"notes":`...), notes...)
	answer = append(append(append(answer, `,"body":`...), p.Body...), '}')
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err = w.Write(answer)
	return err
}
