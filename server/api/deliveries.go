// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// ListDeliveries implements GET /v1/deliveries.
func (a *API) ListDeliveries(ctx context.Context, r ListDeliveriesRequestObject) (ListDeliveriesResponseObject, error) {
	p := r.Params
	limit, err := pageSize(p.Limit)
	if err != nil {
		return nil, err
	}
	if err := problem.InvalidFields(checkEnum(nil, "state", p.State)); err != nil {
		return nil, err
	}
	leave, err := a.lists.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	deliveries, next, err := a.Store.Deliveries(ctx, delivery.Filter{
		DestinationID: deref(p.DestinationID), AlertID: deref(p.AlertID), States: convert[delivery.State](p.State),
		Since: deref(p.Since), Until: deref(p.Until),
	}, deref(p.Cursor), limit)
	if err != nil {
		return nil, err
	}
	return ListDeliveries200JSONResponse{Items: deliveriesOf(deliveries), NextCursor: orNil(next)}, nil
}

// RetryDelivery implements POST /v1/deliveries/{id}/retry.
func (a *API) RetryDelivery(ctx context.Context, r RetryDeliveryRequestObject) (RetryDeliveryResponseObject, error) {
	id, err := delivery.ParseID(r.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound, "there is no delivery with the id %.100q", r.ID)
	}
	d, err := a.Store.ReplayOne(ctx, id, a.Now())
	if err != nil {
		return nil, err
	}
	a.Dispatcher.Wake(d.DestinationID)
	return RetryDelivery202JSONResponse(deliveryOf(d)), nil
}

// replayBatch keeps the transactions small.
const replayBatch = 500

// RetryDeliveries implements POST /v1/deliveries/retry. Each round's deliveries are on their way before the next is
// looked for; one that fails again meanwhile is not replayed twice, since its age counts from now.
func (a *API) RetryDeliveries(ctx context.Context, r RetryDeliveriesRequestObject) (RetryDeliveriesResponseObject, error) {
	f := delivery.Filter{
		DestinationID: deref(r.Body.DestinationID), AlertID: deref(r.Body.AlertID), Reasons: convert[delivery.Reason](r.Body.Reasons),
		Since: deref(r.Body.Since), Until: deref(r.Body.Until),
	}
	replayed, now := 0, a.Now()
	for more := true; more; {
		var batch []delivery.Delivery
		var err error
		batch, more, err = a.Store.Replay(ctx, f, now, replayBatch)
		if err != nil {
			return nil, err
		}
		replayed += len(batch)
		woken := map[string]bool{}
		for _, d := range batch {
			if !woken[d.DestinationID] {
				woken[d.DestinationID] = true
				a.Dispatcher.Wake(d.DestinationID)
			}
		}
	}
	return RetryDeliveries202JSONResponse{Replayed: replayed}, nil
}

func deliveriesOf(deliveries []delivery.Delivery) []Delivery {
	out := make([]Delivery, len(deliveries))
	for i, d := range deliveries {
		out[i] = deliveryOf(d)
	}
	return out
}

func deliveryOf(d delivery.Delivery) Delivery {
	out := Delivery{
		ID: d.ID.String(), AlertID: d.AlertID, DestinationID: d.DestinationID, State: DeliveryState(d.State),
		Reason: orNil(DeliveryReason(d.Reason)), Cause: DeliveryCause(d.Cause), FallbackOf: orNil(d.FallbackOf),
		CreatedAt: d.CreatedAt.UTC(), SettledAt: timeOrNil(d.SettledAt), Attempts: make([]Attempt, len(d.Attempts)),
		AttemptsDropped: orNil(d.AttemptsDropped),
	}
	if d.State.Open() {
		out.NextAttemptAt = timeOrNil(d.NextAttemptAt)
	}
	for i, t := range d.Attempts {
		out.Attempts[i] = Attempt{
			At: t.At.UTC(), DurationMs: milliseconds(t.Duration), Outcome: AttemptOutcome(t.Outcome), StatusCode: orNil(t.StatusCode),
			Message: orNil(t.Message), ExternalID: orNil(t.ExternalID), ExternalURL: orNil(t.ExternalURL), Truncated: orNil(t.Truncated),
		}
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
