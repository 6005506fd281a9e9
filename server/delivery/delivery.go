// SPDX-License-Identifier: MPL-2.0

// Package delivery keeps the promise to bring an alert to a destination.
//
//	delivery.go    Delivery, Attempt and their states
//	schedule.go    when the next attempt is, and when to stop
//	queue.go       what the dispatcher asks of a store
//	attempt.go     one try, and what it says of the next
//	dispatcher.go  the lanes: who is tried now
//	reserve.go     places in a lane for what is being stored, and waiting for one
//	lane.go        one destination's queue, concurrency and pace
//	breaker.go     when a destination is left alone, and tried out again
//	fallback.go    who gets an alert that a destination does not take
package delivery

import (
	"encoding/hex"
	"errors"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Delivery is the durable promise to bring one alert to one destination.
//
//	state      meaning                                            next
//	PENDING    promised, never tried (or replayed)                an attempt
//	RETRYING   tried, will be tried at NextAttemptAt              an attempt
//	DELIVERED  the destination accepted it                        end
//	FAILED     given up, for a Reason                             end, or PENDING again by replay
type Delivery struct {
	ID            ID
	AlertID       string
	DestinationID string
	State         State
	Reason        Reason // why it FAILED
	Cause         Cause
	FallbackOf    string    // id of the destination this one stands in for, when Cause is FALLBACK
	CreatedAt     time.Time // when it was promised
	Since         time.Time // what its age counts from: CreatedAt, or the last replay
	NextAttemptAt time.Time // of an open delivery
	FallbackAt    time.Time // when its destination's fallback gets the alert too if it is still open; zero is never
	SettledAt     time.Time // when it became DELIVERED or FAILED
	Attempts      []Attempt // oldest first: all, or the first KeptFirst and the last KeptLast

	// AttemptsDropped is how many attempts between those are no longer kept.
	AttemptsDropped int
}

// How many attempts a delivery keeps when it has had more than both together.
const (
	KeptFirst = 100
	KeptLast  = 900
)

// State is where a delivery stands.
type State string

// The states.
const (
	Pending   State = "PENDING"
	Retrying  State = "RETRYING"
	Delivered State = "DELIVERED"
	Failed    State = "FAILED"
)

// Open reports whether the delivery is still owed.
func (s State) Open() bool { return s == Pending || s == Retrying }

// Reason says why a delivery failed.
type Reason string

// The reasons.
const (
	Permanent          Reason = "PERMANENT"           // the destination refused it for good
	Expired            Reason = "EXPIRED"             // the maximum age was reached
	DestinationDeleted Reason = "DESTINATION_DELETED" // there is nowhere to bring it
)

// Cause says what made the promise.
type Cause string

// The causes.
const (
	ByRoute    Cause = "ROUTE"
	ByHand     Cause = "MANUAL"
	ByFallback Cause = "FALLBACK"
)

// Attempt is one try at a delivery.
type Attempt struct {
	At          time.Time
	Duration    time.Duration
	Outcome     destination.Outcome
	StatusCode  int    // the HTTP status, or 0
	Message     string // the first MaxMessage bytes of the answer or the error, redacted
	ExternalID  string
	ExternalURL string
	Truncated   bool // something was cut; see [destination.Receipt]
}

// MaxMessage is how much of an answer an attempt keeps, in bytes.
const MaxMessage = 2 << 10

// Key names an accepted alert inside the server: a UUIDv7, so that keys sort by time of acceptance.
type Key [16]byte

// ID names a delivery: the alert's key, then the delivery's number within the alert, big-endian. Its text form is 36
// hexadecimal digits.
type ID [18]byte

// NewID returns the ID of an alert's n-th delivery.
func NewID(alert Key, n uint16) ID {
	var id ID
	copy(id[:], alert[:])
	id[16], id[17] = byte(n>>8), byte(n)
	return id
}

// Alert returns the key of the alert the delivery belongs to.
func (id ID) Alert() Key { return Key(id[:16]) }

// Number returns the delivery's number within its alert.
func (id ID) Number() uint16 { return uint16(id[16])<<8 | uint16(id[17]) }

// MaxPerAlert is how many deliveries one alert can have.
const MaxPerAlert = 1 << 16

func (id ID) String() string {
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// ParseID reads an ID's text form.
func ParseID(text string) (ID, error) {
	var id ID
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(id) {
		copy(id[:], raw)
		return id, nil
	}
	return ID{}, errors.New("is not a delivery id: 36 hexadecimal digits")
}
