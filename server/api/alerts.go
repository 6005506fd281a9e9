// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// ListAlerts implements GET /v1/alerts.
func (a *API) ListAlerts(ctx context.Context, r ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	p := r.Params
	limit, err := pageSize(p.Limit)
	if err != nil {
		return nil, err
	}
	fields := checkEnum(nil, "severity", p.Severity)
	fields = checkEnum(fields, "type", p.Type)
	fields = checkEnum(fields, "scenario", p.Scenario)
	if err := problem.InvalidFields(checkEnum(fields, "state", p.State)); err != nil {
		return nil, err
	}
	leave, err := a.lists.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	listed, next, err := a.Store.Alerts(ctx, intake.Filter{
		Since: deref(p.Since), Until: deref(p.Until), DetectionID: deref(p.DetectionID), DestinationID: deref(p.DestinationID),
		Severities: convert[alert.Severity](p.Severity), Types: convert[alert.Type](p.Type),
		Scenarios: convert[route.Scenario](p.Scenario), States: convert[delivery.State](p.State),
	}, deref(p.Cursor), limit)
	if err != nil {
		return nil, err
	}
	list := AlertList{Items: make([]AlertSummary, len(listed)), NextCursor: orNil(next)}
	for i, l := range listed {
		list.Items[i] = summaryOf(l)
	}
	return ListAlerts200JSONResponse(list), nil
}

func summaryOf(l intake.Listed) AlertSummary {
	s := AlertSummary{
		AlertID: l.Record.AlertID, Type: AlertType(l.Alert.Type), Severity: Severity(l.Record.Route.Severity),
		Title: l.Alert.Title(), DetectionID: l.Alert.Detection.ID, CreatedAt: timeOrNil(l.Alert.CreatedAt.Time),
		AcceptedAt: l.Record.AcceptedAt.UTC(), Scenario: Scenario(l.Record.Route.Scenario),
		Deliveries: make([]DeliverySummary, len(l.Deliveries)),
	}
	for i, d := range l.Deliveries {
		s.Deliveries[i] = DeliverySummary{ID: d.ID.String(), DestinationID: d.DestinationID, State: DeliveryState(d.State)}
	}
	return s
}

// GetAlert implements GET /v1/alerts/{alert_id}.
func (a *API) GetAlert(ctx context.Context, r GetAlertRequestObject) (GetAlertResponseObject, error) {
	record, deliveries, err := a.Store.Alert(ctx, r.AlertID)
	if err != nil {
		return nil, err
	}
	parsed, err := wire.Parse(record.Body)
	if err != nil {
		return nil, fmt.Errorf("read stored alert %s: %w", record.AlertID, err)
	}
	parsed.ID = record.AlertID
	if parsed.CreatedAt.IsZero() {
		parsed.CreatedAt = alert.Time{Time: record.AcceptedAt}
	}
	return alertDetail{alert: *parsed, record: record, deliveries: deliveriesOf(deliveries)}, nil
}

// alertDetail is the contract's AlertDetail. It is written by hand because encoding/json would reformat the context,
// which is kept byte for byte.
type alertDetail struct {
	alert      alert.Alert
	record     intake.Record
	deliveries []Delivery
}

// VisitGetAlertResponse writes the alert's own members, then what became of it, then the context.
func (d alertDetail) VisitGetAlertResponse(w http.ResponseWriter) error {
	raw := d.alert.Context
	d.alert.Context = nil
	head, err := json.Marshal(d.alert)
	if err != nil {
		return err
	}
	tail, err := json.Marshal(struct {
		AcceptedAt time.Time   `json:"accepted_at"`
		Route      route.Route `json:"route"`
		Deliveries []Delivery  `json:"deliveries"`
	}{d.record.AcceptedAt.UTC(), d.record.Route, d.deliveries})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	body.Write(head[:len(head)-1]) // both are objects that are not empty
	body.WriteByte(',')
	body.Write(tail[1 : len(tail)-1])
	if raw != nil {
		body.WriteString(`,"context":`)
		body.Write(raw)
	}
	body.WriteByte('}')
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err = body.WriteTo(w)
	return err
}

// DispatchAlert implements POST /v1/alerts/{alert_id}/dispatch.
func (a *API) DispatchAlert(ctx context.Context, r DispatchAlertRequestObject) (DispatchAlertResponseObject, error) {
	chosen, deliveries, err := a.Intake.Dispatch(ctx, r.AlertID, r.Body.Destinations)
	if err != nil {
		return nil, err
	}
	return DispatchAlert202JSONResponse{AlertID: r.AlertID, Route: routeOf(chosen), Deliveries: deliveriesOf(deliveries)}, nil
}

// PreviewRoute implements POST /v1/route/preview.
func (a *API) PreviewRoute(_ context.Context, r PreviewRouteRequestObject) (PreviewRouteResponseObject, error) {
	explained := a.Intake.Preview(r.Body.Alert)
	short := routeOf(explained)
	preview := RoutePreview{
		Scenario: short.Scenario, Severity: short.Severity, Destinations: short.Destinations, Warnings: short.Warnings,
		Rejected: make([]RouteRejection, len(explained.Rejected)),
	}
	for i, x := range explained.Rejected {
		preview.Rejected[i] = RouteRejection{
			ID: x.ID, DisplayName: x.DisplayName, Type: x.Type, Filter: RouteRejectionFilter(x.Filter),
			Wants: x.Wants, Got: x.Got, Message: x.Message,
		}
	}
	return PreviewRoute200JSONResponse(preview), nil
}

func routeOf(r route.Route) Route {
	out := Route{
		Scenario: Scenario(r.Scenario), Severity: Severity(r.Severity),
		Destinations: make([]ChosenDestination, len(r.Destinations)), Warnings: warningsOf(r.Warnings),
	}
	for i, d := range r.Destinations {
		out.Destinations[i] = ChosenDestination{ID: d.ID, DisplayName: d.DisplayName, Type: d.Type}
	}
	return out
}

func warningsOf(warnings []route.Warning) []RouteWarning {
	out := make([]RouteWarning, len(warnings))
	for i, w := range warnings {
		out[i] = RouteWarning{Code: RouteWarningCode(w.Code), Message: w.Message}
	}
	return out
}

// convert turns one type of word into another.
func convert[To, From ~string](words []From) []To {
	if words == nil {
		return nil
	}
	out := make([]To, len(words))
	for i, w := range words {
		out[i] = To(w)
	}
	return out
}
