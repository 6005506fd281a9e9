// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// Queue is what the dispatcher asks of a store. Each method is atomic and durable when it returns nil. Methods are
// safe for concurrent use.
//
// A claim says that some process is at work on a delivery: a claimed delivery is given to nobody else until it is
// settled or released. Claims do not outlive the process that holds them.
type Queue interface {
	// Claim claims and returns at most limit open, unclaimed deliveries of a destination whose NextAttemptAt is not
	// after now, the longest due first, each with its alert. It stops before the Sizes of the jobs would exceed bytes
	// in all, but returns at least one when one is due. None due is an empty result, not an error. A due delivery
	// whose alert can no longer be read is made FAILED with reason PERMANENT and an attempt that says so, and others
	// are claimed in its place.
	Claim(ctx context.Context, destinationID string, now time.Time, limit, bytes int) ([]Job, error)

	// Release gives claims up without an attempt. Claims that are not held are ignored.
	Release(ctx context.Context, ids ...ID) error

	// NextDue returns the earliest NextAttemptAt of a destination's open, unclaimed deliveries; ok is false when it
	// has none.
	NextDue(ctx context.Context, destinationID string) (at time.Time, ok bool, err error)

	// Settle records an attempt and what follows from it, and releases the claim. When the delivery is no longer
	// open, because its destination was deleted meanwhile, the attempt is still recorded, and a DELIVERED settlement
	// still makes it DELIVERED; any other leaves the state as it is. A delivery that is gone is ignored. SettledAt is
	// when the attempt ended. Of many attempts, those between the first KeptFirst and the last KeptLast are dropped and
	// counted. On an error the claim stays.
	//
	// A FAILED settlement with a Fallback also gives the alert to that destination, as [Queue.FallBack] does.
	//
	// Alone among the methods here, Settle returns when the outcome survives the death of this process, and before it
	// is synced: that follows within a moment. A loss of power may make the attempts of that moment happen again.
	Settle(ctx context.Context, s Settlement) error

	// DueFallbacks returns at most limit open deliveries whose FallbackAt is not after now, the earliest first.
	DueFallbacks(ctx context.Context, now time.Time, limit int) ([]Delivery, error)

	// FallBack gives the alert of an open delivery to another destination, and clears the delivery's FallbackAt; it is
	// tried on as before. What is made is PENDING and due at now, with the alert's next number, Cause FALLBACK and the
	// first delivery's destination in FallbackOf, and with a FallbackAt after its own destination's wait where that is
	// not 0. Nothing is made, and made is false, when the alert has a delivery to that destination already or is
	// about it (see alert.Subject), when the destination is gone or to is "", and when the delivery is not open any
	// more.
	FallBack(ctx context.Context, id ID, to Fallback, now time.Time) (made bool, err error)
}

// Fallback is the destination that gets an alert when another does not take it. The zero value is none.
type Fallback struct {
	DestinationID string
	After         time.Duration // how long that one in turn may take until its own fallback gets the alert; 0 is until it fails
}

// Job is a claimed delivery with what is to be brought.
type Job struct {
	Delivery   Delivery
	Alert      *alert.Alert
	Severity   alert.Severity // the effective one, as routed
	AcceptedAt time.Time
	Size       int // of the alert as JSON, in bytes: what holding the job in memory costs
}

// Settlement is one attempt and what follows from it. Where At of the attempt is zero none was made: the delivery is
// given up for its age.
type Settlement struct {
	ID            ID
	Attempt       Attempt
	State         State     // RETRYING, DELIVERED or FAILED
	Reason        Reason    // when FAILED
	NextAttemptAt time.Time // when RETRYING
	SettledAt     time.Time // when no attempt was made
	Fallback      Fallback  // who gets the alert instead, when FAILED
}

// Filter picks deliveries. Empty members pick all. Since is inclusive and Until exclusive, both of CreatedAt.
type Filter struct {
	DestinationID string
	AlertID       string
	States        []State
	Reasons       []Reason
	Since, Until  time.Time
}

// Matches reports whether the filter picks d.
func (f Filter) Matches(d *Delivery) bool {
	return (f.DestinationID == "" || f.DestinationID == d.DestinationID) &&
		(f.AlertID == "" || f.AlertID == d.AlertID) &&
		(len(f.States) == 0 || slices.Contains(f.States, d.State)) &&
		(len(f.Reasons) == 0 || slices.Contains(f.Reasons, d.Reason)) &&
		(f.Since.IsZero() || !d.CreatedAt.Before(f.Since)) &&
		(f.Until.IsZero() || d.CreatedAt.Before(f.Until))
}

// Backlog counts what is owed.
type Backlog struct {
	Pending  int64
	Retrying int64
}

// Open is how many deliveries are owed in all.
func (b Backlog) Open() int64 { return b.Pending + b.Retrying }
