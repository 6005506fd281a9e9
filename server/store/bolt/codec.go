// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// maxElements is how long a list of a record may be. The longest follows from an alert: a body of 8 MiB has room for
// two million names of one letter, each of which may be worth a warning.
const maxElements = 4 << 20

// Records are CBOR. Alerts and deliveries have numbered members, for size: a number is never used for something else,
// and one that is not known is passed over. The settings use the names of their types' json tags.
var (
	encoding = must(cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.UserBufferEncMode())
	// Texts from elsewhere, such as an answer cut in the middle of a rune, need not be UTF-8.
	decoding = must(cbor.DecOptions{
		UTF8: cbor.UTF8DecodeInvalid, MaxArrayElements: maxElements, MaxMapPairs: maxElements,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// alertHead is all of an intake.Record but its key and its body; the body follows it in the value. What Explain adds
// to a route is not kept.
type alertHead struct {
	AlertID    string         `cbor:"1,keyasint"`
	AcceptedAt int64          `cbor:"2,keyasint"`
	Digest     []byte         `cbor:"3,keyasint"`
	Scenario   route.Scenario `cbor:"4,keyasint"`
	Severity   alert.Severity `cbor:"5,keyasint"`
	Chosen     []chosen       `cbor:"6,keyasint"`
	Warnings   []warning      `cbor:"7,keyasint"`
}

type chosen struct {
	ID          string `cbor:"1,keyasint"`
	DisplayName string `cbor:"2,keyasint"`
	Type        string `cbor:"3,keyasint"`
}

type warning struct {
	Code    route.WarningCode `cbor:"1,keyasint"`
	Message string            `cbor:"2,keyasint"`
}

// encodeAlert appends r's value to b.
func encodeAlert(b *bytes.Buffer, r *intake.Record) error {
	head := alertHead{
		AlertID: r.AlertID, AcceptedAt: nanos(r.AcceptedAt), Digest: r.Digest[:],
		Scenario: r.Route.Scenario, Severity: r.Route.Severity,
		Chosen:   convert(r.Route.Destinations, func(c route.Chosen) chosen { return chosen(c) }),
		Warnings: convert(r.Route.Warnings, func(w route.Warning) warning { return warning(w) }),
	}
	if err := checkLength(max(len(head.Chosen), len(head.Warnings))); err != nil {
		return fmt.Errorf("encode alert %s: %w", r.AlertID, err)
	}
	b.Write(appendAlertHead(b.AvailableBuffer(), &head))
	b.Write(r.Body)
	return nil
}

// decodeAlert reads an alert's value. The body is the value's own memory, good for as long as the transaction.
func decodeAlert(key delivery.Key, value []byte) (intake.Record, error) {
	var head alertHead
	body, err := decoding.UnmarshalFirst(value, &head)
	if err == nil && len(head.Digest) != len(intake.Digest{}) {
		err = fmt.Errorf("its digest has %d bytes", len(head.Digest))
	}
	if err != nil {
		return intake.Record{}, fmt.Errorf("decode alert %x: %w", key, err)
	}
	return intake.Record{
		Key: key, AlertID: head.AlertID, AcceptedAt: fromNanos(head.AcceptedAt),
		Body: body, Digest: intake.Digest(head.Digest),
		Route: route.Route{
			Scenario: head.Scenario, Severity: head.Severity,
			Destinations: convert(head.Chosen, func(c chosen) route.Chosen { return route.Chosen(c) }),
			Warnings:     convert(head.Warnings, func(w warning) route.Warning { return route.Warning(w) }),
		},
	}, nil
}

// deliveryRecord is a delivery.Delivery but its ID, which is the key.
type deliveryRecord struct {
	AlertID       string          `cbor:"1,keyasint"`
	DestinationID string          `cbor:"2,keyasint"`
	State         delivery.State  `cbor:"3,keyasint"`
	Reason        delivery.Reason `cbor:"4,keyasint,omitempty"`
	Cause         delivery.Cause  `cbor:"5,keyasint,omitempty"`
	FallbackOf    string          `cbor:"6,keyasint,omitempty"`
	CreatedAt     int64           `cbor:"7,keyasint,omitempty"`
	Since         int64           `cbor:"8,keyasint,omitempty"`
	NextAttemptAt int64           `cbor:"9,keyasint,omitempty"`
	SettledAt     int64           `cbor:"10,keyasint,omitempty"`
	Attempts      []attemptRecord `cbor:"11,keyasint,omitempty"`
	Dropped       int             `cbor:"12,keyasint,omitempty"`
	FallbackAt    int64           `cbor:"13,keyasint,omitempty"`
}

type attemptRecord struct {
	At          int64               `cbor:"1,keyasint,omitempty"`
	Duration    time.Duration       `cbor:"2,keyasint,omitempty"`
	Outcome     destination.Outcome `cbor:"3,keyasint,omitempty"`
	StatusCode  int                 `cbor:"4,keyasint,omitempty"`
	Message     string              `cbor:"5,keyasint,omitempty"`
	ExternalID  string              `cbor:"6,keyasint,omitempty"`
	ExternalURL string              `cbor:"7,keyasint,omitempty"`
	Truncated   bool                `cbor:"8,keyasint,omitempty"`
}

// settlementRecord is a delivery.Settlement in the log.
type settlementRecord struct {
	ID            []byte          `cbor:"1,keyasint"`
	Attempt       attemptRecord   `cbor:"2,keyasint"`
	State         delivery.State  `cbor:"3,keyasint"`
	Reason        delivery.Reason `cbor:"4,keyasint,omitempty"`
	NextAttemptAt int64           `cbor:"5,keyasint,omitempty"`
	SettledAt     int64           `cbor:"6,keyasint,omitempty"`
	FallbackTo    string          `cbor:"7,keyasint,omitempty"`
	FallbackAfter time.Duration   `cbor:"8,keyasint,omitempty"`
}

// encodeSettlement returns the log's entry of a settlement.
func encodeSettlement(s *delivery.Settlement) []byte {
	record := settlementRecord{
		ID: s.ID[:], Attempt: recordAttempt(s.Attempt), State: s.State, Reason: s.Reason, NextAttemptAt: nanos(s.NextAttemptAt),
		SettledAt: nanos(s.SettledAt), FallbackTo: s.Fallback.DestinationID, FallbackAfter: s.Fallback.After,
	}
	entry := append(make([]byte, 0, 128+len(s.Attempt.Message)), entrySettlement)
	return appendSettlement(entry, &record)
}

func decodeSettlement(value []byte) (*delivery.Settlement, error) {
	var r settlementRecord
	if err := decoding.Unmarshal(value, &r); err != nil {
		return nil, fmt.Errorf("decode a settlement: %w", err)
	}
	if len(r.ID) != len(delivery.ID{}) {
		return nil, fmt.Errorf("decode a settlement: its id has %d bytes", len(r.ID))
	}
	return &delivery.Settlement{
		ID: delivery.ID(r.ID), Attempt: attemptOf(r.Attempt), State: r.State, Reason: r.Reason,
		NextAttemptAt: fromNanos(r.NextAttemptAt), SettledAt: fromNanos(r.SettledAt),
		Fallback: delivery.Fallback{DestinationID: r.FallbackTo, After: r.FallbackAfter},
	}, nil
}

func recordAttempt(a delivery.Attempt) attemptRecord {
	return attemptRecord{
		At: nanos(a.At), Duration: a.Duration, Outcome: a.Outcome, StatusCode: a.StatusCode,
		Message: a.Message, ExternalID: a.ExternalID, ExternalURL: a.ExternalURL, Truncated: a.Truncated,
	}
}

func attemptOf(a attemptRecord) delivery.Attempt {
	return delivery.Attempt{
		At: fromNanos(a.At), Duration: a.Duration, Outcome: a.Outcome, StatusCode: a.StatusCode,
		Message: a.Message, ExternalID: a.ExternalID, ExternalURL: a.ExternalURL, Truncated: a.Truncated,
	}
}

// encodeDelivery appends d's value to b.
func encodeDelivery(b *bytes.Buffer, d *delivery.Delivery) error {
	record := deliveryRecord{
		AlertID: d.AlertID, DestinationID: d.DestinationID,
		State: d.State, Reason: d.Reason, Cause: d.Cause, FallbackOf: d.FallbackOf,
		CreatedAt: nanos(d.CreatedAt), Since: nanos(d.Since),
		NextAttemptAt: nanos(d.NextAttemptAt), SettledAt: nanos(d.SettledAt), Dropped: d.AttemptsDropped,
		FallbackAt: nanos(d.FallbackAt),
		Attempts:   convert(d.Attempts, recordAttempt),
	}
	if err := checkLength(len(d.Attempts)); err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	b.Write(appendDelivery(b.AvailableBuffer(), &record))
	return nil
}

func decodeDelivery(id delivery.ID, value []byte) (delivery.Delivery, error) {
	var r deliveryRecord
	if err := decoding.Unmarshal(value, &r); err != nil {
		return delivery.Delivery{}, fmt.Errorf("decode delivery %s: %w", id, err)
	}
	return delivery.Delivery{
		ID: id, AlertID: r.AlertID, DestinationID: r.DestinationID,
		State: r.State, Reason: r.Reason, Cause: r.Cause, FallbackOf: r.FallbackOf,
		CreatedAt: fromNanos(r.CreatedAt), Since: fromNanos(r.Since),
		NextAttemptAt: fromNanos(r.NextAttemptAt), SettledAt: fromNanos(r.SettledAt), AttemptsDropped: r.Dropped,
		FallbackAt: fromNanos(r.FallbackAt),
		Attempts:   convert(r.Attempts, attemptOf),
	}, nil
}

// convert makes one list of another; nil stays nil, and empty empty.
func convert[A, B any](list []A, one func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = one(a)
	}
	return out
}

// checkLength refuses what could not be read back: a record with a list that is as long as this.
func checkLength(longest int) error {
	if longest > maxElements {
		return fmt.Errorf("a list has %d elements; the most is %d", longest, maxElements)
	}
	return nil
}

// encode is for settings. What could not be read back, such as a time after the year 9999, is refused.
func encode[T any](v *T) ([]byte, error) {
	var b bytes.Buffer
	if err := encoding.MarshalToBuffer(v, &b); err != nil {
		return nil, fmt.Errorf("encode %T: %w", *v, err)
	}
	if _, err := decode[T](b.Bytes()); err != nil {
		return nil, fmt.Errorf("encode %T, which could not be read back: %w", *v, err)
	}
	return b.Bytes(), nil
}

// decode reads what encode wrote, into a value of the same type.
func decode[T any](value []byte) (T, error) {
	var v T
	if err := decoding.Unmarshal(value, &v); err != nil {
		return v, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}
