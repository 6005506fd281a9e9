// SPDX-License-Identifier: MPL-2.0

// Package retention removes alerts that are older than they need be kept.
//
//	retention.go  what the worker asks of a store, and what it is told
//	worker.go     when it removes, how much at a time, and when it does not trust the clock
package retention

import (
	"context"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// Store is what the worker asks of a store.
type Store interface {
	// RemoveAlerts removes alerts that were accepted before a time, each with all its deliveries, in one transaction: at
	// most limit of them, the oldest first, beginning after a key, of which the zero one is before all. An alert with an
	// open delivery stays; a walk that comes past many may end early. So does one over large records, about 8 MiB, but
	// not before the first. What can no longer be read is removed when its key is old enough. The id of a removed alert
	// is free again.
	RemoveAlerts(ctx context.Context, before time.Time, after delivery.Key, limit int) (Step, error)

	// NewestAlert returns when the alert with the largest key was accepted, by that key; the zero time when there is none.
	NewestAlert(ctx context.Context) (time.Time, error)
}

// Step is what one call removed.
type Step struct {
	Removed int          // alerts
	Next    delivery.Key // where to go on; good while More
	More    bool         // there may be more after Next
}
