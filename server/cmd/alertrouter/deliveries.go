// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

type deliveryCommands struct {
	List  listDeliveriesCommand  `cmd:"" help:"List deliveries, newest first."`
	Retry retryDeliveriesCommand `cmd:"" help:"Replay failed deliveries: one by its id, or all that the flags pick."`
}

type listDeliveriesCommand struct {
	remote
	State         []string `help:"Only in this state: PENDING, RETRYING, DELIVERED or FAILED; may be repeated."`
	DestinationID *string  `name:"destination-id" help:"Only to this destination."`
	AlertID       *string  `name:"alert-id" help:"Only of this alert."`
	Limit         int      `default:"50" help:"The most to list, 1 to 1000."`
}

// Run lists deliveries.
func (c *listDeliveriesCommand) Run(ctx context.Context, s streams) error {
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	params := &client.ListDeliveriesParams{DestinationID: c.DestinationID, AlertID: c.AlertID, Limit: &c.Limit}
	for _, state := range c.State {
		params.State = append(params.State, client.DeliveryState(state))
	}
	list, err := client.OK(api.ListDeliveriesWithResponse(ctx, params))
	if err != nil {
		return err
	}
	return c.print(s, list, func(t *table) {
		t.row("ID", "ALERT", "DESTINATION", "STATE", "ATTEMPTS", "CREATED", "LAST")
		for _, d := range list.Items {
			t.row(d.ID, d.AlertID, d.DestinationID, stateOf(d), len(d.Attempts), d.CreatedAt.Format(time.RFC3339), last(d))
		}
	})
}

func stateOf(d client.Delivery) string {
	if d.Reason != nil {
		return string(d.State) + " (" + string(*d.Reason) + ")"
	}
	return string(d.State)
}

func last(d client.Delivery) string {
	if len(d.Attempts) == 0 || d.Attempts[len(d.Attempts)-1].Message == nil {
		return ""
	}
	message := []rune(*d.Attempts[len(d.Attempts)-1].Message)
	if len(message) > 80 {
		return string(message[:80]) + "…"
	}
	return string(message)
}

type retryDeliveriesCommand struct {
	remote
	ID            string     `arg:"" optional:"" help:"One delivery's id."`
	DestinationID *string    `name:"destination-id" help:"All failed ones to this destination."`
	AlertID       *string    `name:"alert-id" help:"All failed ones of this alert."`
	Since         *time.Time `help:"All failed ones promised at or after this time (RFC 3339)."`
	Until         *time.Time `help:"All failed ones promised before this time (RFC 3339)."`
}

// Run replays deliveries.
func (c *retryDeliveriesCommand) Run(ctx context.Context, s streams) error {
	filtered := c.DestinationID != nil || c.AlertID != nil || c.Since != nil || c.Until != nil
	if (c.ID != "") == filtered {
		return usageError{errors.New("name one delivery, or pick deliveries with --destination-id, --alert-id, --since or --until")}
	}
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	if c.ID != "" {
		d, err := client.Accepted(api.RetryDeliveryWithResponse(ctx, c.ID))
		if err != nil {
			return err
		}
		return c.print(s, d, func(t *table) { t.row(d.ID, d.State) })
	}
	r, err := client.Accepted(api.RetryDeliveriesWithResponse(ctx, client.ReplayInput{
		DestinationID: c.DestinationID, AlertID: c.AlertID, Since: c.Since, Until: c.Until,
	}))
	if err != nil {
		return err
	}
	return c.print(s, r, func(t *table) { t.row(fmt.Sprintf("%d deliveries are on their way again", r.Replayed)) })
}
