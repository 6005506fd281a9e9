// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Override is what an operator set for one detection, as it is stored.
type Override struct {
	DetectionID  string         `json:"detection_id"`
	Severity     alert.Severity `json:"severity,omitempty"`    // "" is not set
	Destinations []string       `json:"destinations,omitzero"` // nil is not set, empty suppresses
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    time.Time      `json:"updated_at"`
	Revision     int64          `json:"revision"`
	LastWrite    string         `json:"last_write,omitempty"` // what tells a repeat of the last write; never shown
}

// TestOutcome is what a test alert came to.
type TestOutcome struct {
	Delivered   bool                `json:"delivered"`
	Outcome     destination.Outcome `json:"outcome"`
	StatusCode  int                 `json:"status_code"`
	Message     string              `json:"message"`
	Duration    time.Duration       `json:"duration"`
	AttemptedAt time.Time           `json:"attempted_at"`
	ExternalID  string              `json:"external_id,omitempty"`
	ExternalURL string              `json:"external_url,omitempty"`
	Truncated   bool                `json:"truncated,omitempty"`
}

// KeepTests is how long the outcome of a test is kept.
const KeepTests = 30 * 24 * time.Hour

// KeepDeleted is for how long the id of a deleted destination is not used again: a request that makes it may be under
// way for the second time.
const KeepDeleted = 30 * 24 * time.Hour

// Store is what the registry asks of a store. Each method is atomic and durable when it returns nil. What cannot be
// kept, such as a time outside the years 0 to 9999, is an error, and nothing is stored.
type Store interface {
	// Destinations returns all destinations, in no particular order. One that can no longer be read is logged and left
	// out, as in every list here.
	Destinations(ctx context.Context) ([]destination.Destination, error)

	// CreateDestination stores a new one. An id that another has, or a display name, without regard to case, is
	// problem.Conflict, and so is an id that a destination had which was deleted: see DeleteDestination.
	CreateDestination(ctx context.Context, d destination.Destination) error

	// UpdateDestination replaces one by what change makes of it; change may run more than once, must keep the ID, and
	// its error is returned as it is. An unknown id is problem.NotFound, a taken display name problem.Conflict.
	UpdateDestination(ctx context.Context, id string, change func(destination.Destination) (destination.Destination, error)) (destination.Destination, error)

	// DeleteDestination removes one after check agreed; check's error is returned as it is. An unknown id is
	// problem.NotFound. Its open deliveries are not touched: see FailOpen. Its id is remembered for KeepDeleted; ids
	// that were deleted earlier than that before now are forgotten, a few by each call.
	DeleteDestination(ctx context.Context, id string, now time.Time, check func(destination.Destination) error) error

	// FailOpen makes at most limit open deliveries of a destination FAILED with reason DESTINATION_DELETED, and
	// returns how many they were; 0 means that none are left. Claimed ones are included. While the destination exists
	// it does nothing and returns 0.
	FailOpen(ctx context.Context, destinationID string, now time.Time, limit int) (int, error)

	// OrphanedDestinations returns the ids of deleted destinations that still have open deliveries.
	OrphanedDestinations(ctx context.Context) ([]string, error)

	// Overrides returns all overrides, in no particular order.
	Overrides(ctx context.Context) ([]Override, error)

	// PutOverride stores what change makes of the detection's override, which is nil when there is none; change may
	// run more than once, and its error is returned as it is.
	PutOverride(ctx context.Context, detectionID string, change func(*Override) (Override, error)) (Override, error)

	// DeleteOverride removes one after check agreed. An unknown id is problem.NotFound.
	DeleteOverride(ctx context.Context, detectionID string, check func(Override) error) error

	// TestOutcome returns the stored outcome under a key; ok is false when there is none.
	TestOutcome(ctx context.Context, key string) (o TestOutcome, ok bool, err error)

	// SaveTestOutcome stores an outcome under a key, replacing the one before. Others that are older by more than
	// KeepTests are removed, a few by each call.
	SaveTestOutcome(ctx context.Context, key string, o TestOutcome) error
}
