// SPDX-License-Identifier: MPL-2.0

// Package store is the storage contract: what every store does, in sentences of the domain. The parts are declared by
// the packages that use them. Each method is atomic, and durable (synced) when it returns nil; each comment there is
// what the implementations and their shared suite, storetest, read.
//
// An error that is not a problem.Error means the store itself failed; [ErrUnavailable] marks those that may pass (disk
// full, connection lost), which callers hear as 503.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/retention"
	"github.com/alertrouter/terraform-provider-alertrouter/server/watch"
)

// ErrUnavailable marks an error of a store that cannot be written to now.
var ErrUnavailable = errors.New("the store is unavailable")

// Store keeps everything the server must not forget.
type Store interface {
	intake.Log
	delivery.Queue
	registry.Store
	auth.Store
	retention.Store
	watch.Log

	// Delivery returns one delivery, or problem.NotFound.
	Delivery(ctx context.Context, id delivery.ID) (delivery.Delivery, error)

	// Deliveries returns deliveries, newest first, at most limit, starting after cursor ("" is the beginning), and the
	// cursor to go on from, "" when there is no more. Newest is by ID, and pages are as those of Alerts.
	Deliveries(ctx context.Context, f delivery.Filter, cursor string, limit int) ([]delivery.Delivery, string, error)

	// Replay makes FAILED deliveries PENDING again, due now and with their age counted from now: at most limit of
	// those the filter picks, oldest first. It returns the replayed ones, and whether more may be left. Deliveries in
	// any other state, those whose destination is gone, and those whose Since is not before now are left alone: rounds
	// with the same now come to an end, even where what they replayed fails again meanwhile.
	Replay(ctx context.Context, f delivery.Filter, now time.Time, limit int) (replayed []delivery.Delivery, more bool, err error)

	// ReplayOne does the same for one delivery; problem.NotFound when there is none, problem.Conflict when it is not
	// FAILED or its destination is gone.
	ReplayOne(ctx context.Context, id delivery.ID, now time.Time) (delivery.Delivery, error)

	// Backlog counts the open deliveries. It is cheap: it does not read them.
	Backlog() delivery.Backlog

	// OldestOpen returns when the alert was accepted that has waited the longest for one of its open deliveries: one
	// that was replayed, or added later, counts from then as well. ok is false when none is open. It is cheap however
	// many are open or settled, for which it is right only nearly: with very many of both, since may be earlier for
	// some calls, but not later. Times are those of the ids, to the millisecond.
	OldestOpen(ctx context.Context) (since time.Time, ok bool, err error)

	// Keyset returns the sealed keyset, after storing candidate as the keyset if there was none. Without a candidate it
	// stores nothing, and returns nil where there is none.
	Keyset(ctx context.Context, candidate []byte) ([]byte, error)

	// Close releases the store after the transactions under way; it may be called twice.
	Close() error
}
