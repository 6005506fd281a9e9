// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Claim claims and returns at most limit open, unclaimed deliveries of a destination that are due, the longest due
// first, each with its alert, and at most room bytes of them unless the first alone is larger. Nothing is written,
// unless a record turns out to be damaged: such a delivery can never be made, so it is failed, and others are claimed
// in its place.
func (s *Store) Claim(ctx context.Context, destinationID string, now time.Time, limit, room int) ([]delivery.Job, error) {
	if _, err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	l := load{limit: limit, room: room}
	for more := true; more && len(l.jobs) < limit; {
		bad, err := s.claim(ctx, destinationID, now, &l)
		if err == nil && len(bad) > 0 {
			err = s.condemn(ctx, now, bad)
		}
		if err != nil {
			for i := range l.jobs {
				s.claims.release(l.jobs[i].Delivery.ID)
			}
			return nil, err
		}
		more = len(bad) > 0 && !l.full
	}
	return l.jobs, nil
}

// load is what a Claim has claimed so far.
type load struct {
	jobs        []delivery.Job
	limit, room int // of jobs, and of bytes that are left
	full        bool
}

// fits reports whether a job of a size may be added. Once one does not fit, the load is full.
func (l *load) fits(size int) bool {
	l.full = l.full || len(l.jobs) > 0 && size > l.room
	return !l.full
}

// broken is a due delivery that cannot be made.
type broken struct {
	dueEntry
	why error
}

// claim is one round of Claim. What is broken or too much is not left claimed. It is released after the transaction,
// in which nobody may wait for the claims.
func (s *Store) claim(ctx context.Context, destinationID string, now time.Time, l *load) (bad []broken, err error) {
	t, due, err := s.claimDue(ctx, destinationID, nanos(now), l.limit-len(l.jobs))
	if err != nil {
		return nil, err
	}
	var spare []delivery.ID
	for _, e := range due {
		added, err := t.addJob(l, e.id)
		if err != nil {
			bad = append(bad, broken{e, err})
		}
		if !added {
			spare = append(spare, e.id)
		}
	}
	t.end()
	s.claims.release(spare...)
	return bad, nil
}

// claimDue claims deliveries, and returns the transaction that still sees them as due.
func (s *Store) claimDue(ctx context.Context, destinationID string, until int64, limit int) (*tx, []dueEntry, error) {
	s.claims.mu.Lock() // before the transaction begins: see claims
	defer s.claims.mu.Unlock()
	t, err := s.beginView(ctx)
	if err != nil {
		return nil, nil, err
	}
	var due []dueEntry
	err = t.due(destinationID, func(e dueEntry) (bool, error) {
		if e.at > until {
			return false, nil
		}
		if _, held := s.claims.held[e.id]; !held {
			due = append(due, e)
		}
		return len(due) < limit, nil
	})
	if err != nil {
		t.end()
		return nil, nil, err
	}
	for _, e := range due {
		s.claims.held[e.id] = struct{}{}
	}
	return t, due, nil
}

// addJob puts together what is to be delivered, and adds it if it fits. Its error says what is damaged.
func (t *tx) addJob(l *load, id delivery.ID) (added bool, err error) {
	if l.full {
		return false, nil
	}
	d, err := t.delivery(id)
	if err != nil {
		return false, err
	}
	if d == nil {
		return false, fmt.Errorf("delivery %s is missing", id)
	}
	record, err := t.alert(id.Alert())
	if err != nil {
		return false, err
	}
	size := len(record.Body)
	if !l.fits(size) {
		return false, nil
	}
	a, err := parse(&record)
	if err != nil {
		return false, fmt.Errorf("the stored alert cannot be read: %w", err)
	}
	l.room -= size
	l.jobs = append(l.jobs, delivery.Job{
		Delivery: *d, Alert: a, Severity: record.Route.Severity, AcceptedAt: record.AcceptedAt, Size: size,
	})
	return true, nil
}

// condemn fails deliveries that cannot be made. One whose own record is damaged only leaves the index.
func (s *Store) condemn(ctx context.Context, now time.Time, bad []broken) error {
	return s.update(ctx, 1<<10*len(bad), func(t *tx) error {
		for _, b := range bad {
			if t.get(bucketDue, b.key()) == nil {
				continue // another Claim was quicker
			}
			d, err := t.owed(b.dueEntry)
			if err != nil {
				return err
			}
			if d == nil {
				continue
			}
			s.log.Error("a delivery whose alert cannot be read is given up", "delivery_id", d.ID.String(), "destination_id", d.DestinationID, "error", b.why)
			before := *d
			follow(d, &delivery.Settlement{
				Attempt: delivery.Attempt{At: now, Outcome: destination.OutcomePermanent, Message: clip(b.why.Error())},
				State:   delivery.Failed, Reason: delivery.Permanent,
			})
			if err := t.replace(&before, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func clip(message string) string {
	if len(message) > delivery.MaxMessage {
		return strings.ToValidUTF8(message[:delivery.MaxMessage], "")
	}
	return message
}

// Release gives claims up without an attempt. Claims that are not held are ignored.
func (s *Store) Release(_ context.Context, ids ...delivery.ID) error {
	s.claims.release(ids...)
	return nil
}

// NextDue returns the earliest NextAttemptAt of a destination's open, unclaimed deliveries; ok is false when it has
// none.
func (s *Store) NextDue(ctx context.Context, destinationID string) (at time.Time, ok bool, err error) {
	caughtUp, err := s.catchUp(ctx)
	if err == nil && !caughtUp {
		err = errStuck // what is only in the log may be due earlier: ask again
	}
	if err != nil {
		return time.Time{}, false, err
	}
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	err = s.read(ctx, func(t *tx) error {
		return t.due(destinationID, func(e dueEntry) (bool, error) {
			if _, held := s.claims.held[e.id]; held {
				return true, nil
			}
			at, ok = fromNanos(e.at), true
			return false, nil
		})
	})
	return at, ok, err
}

// Settle records an attempt and what follows from it, and releases the claim. When it fails, the claim stays.
func (s *Store) Settle(ctx context.Context, settlement delivery.Settlement) error {
	switch settlement.State {
	case delivery.Retrying, delivery.Delivered, delivery.Failed:
	default:
		return fmt.Errorf("settle delivery %s: %q is no state to settle in", settlement.ID, settlement.State)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.settle(&settlement, encodeSettlement(&settlement))
}

// settle records a logged settlement. A delivery whose record is damaged has no attempts to add to.
func (t *tx) settle(s *delivery.Settlement) error {
	t.released = append(t.released, s.ID)
	if d := t.fresh.find(s.ID); d != nil {
		if follow(d, s); d.State != delivery.Failed || s.Fallback.DestinationID == "" {
			return nil
		}
		failed := *d
		if err := t.storeFresh(); err != nil {
			return err
		}
		_, err := t.fallBack(&failed, s.Fallback, failed.SettledAt)
		return err
	}
	d, err := t.delivery(s.ID)
	if err != nil {
		t.leaveOut(bucketDeliveries, s.ID.String(), err)
		return nil
	}
	if d == nil {
		return nil
	}
	before := *d
	follow(d, s)
	if err := t.replace(&before, d); err != nil {
		return err
	}
	if before.State.Open() && d.State == delivery.Failed {
		_, err = t.fallBack(d, s.Fallback, d.SettledAt)
	}
	return err
}

// follow makes of d what an attempt leads to.
func follow(d *delivery.Delivery, s *delivery.Settlement) {
	settled := s.SettledAt
	if !s.Attempt.At.IsZero() {
		d.Attempts = append(d.Attempts, s.Attempt)
		settled = s.Attempt.At.Add(s.Attempt.Duration)
	}
	if more := len(d.Attempts) - delivery.KeptFirst - delivery.KeptLast; more > 0 {
		d.Attempts = slices.Delete(d.Attempts, delivery.KeptFirst, delivery.KeptFirst+more)
		d.AttemptsDropped += more
	}
	if !d.State.Open() && (s.State != delivery.Delivered || d.State == delivery.Delivered) {
		return
	}
	d.State, d.Reason = s.State, ""
	if s.State == delivery.Retrying {
		d.NextAttemptAt = s.NextAttemptAt
		return
	}
	if s.State == delivery.Failed {
		d.Reason = s.Reason
	}
	d.NextAttemptAt, d.FallbackAt, d.SettledAt = time.Time{}, time.Time{}, settled
}

// delivery returns a stored delivery, nil when there is none.
func (t *tx) delivery(id delivery.ID) (*delivery.Delivery, error) {
	value := t.get(bucketDeliveries, id[:])
	if value == nil {
		return nil, nil
	}
	d, err := t.decode(id, value)
	return &d, err
}

func (t *tx) decode(id delivery.ID, value []byte) (delivery.Delivery, error) {
	t.read += len(value)
	return decodeDelivery(id, value)
}

// replace keeps what became of a delivery.
func (t *tx) replace(before, after *delivery.Delivery) error {
	var b bytes.Buffer
	b.Grow(256 + len(after.AlertID)) // of most
	if err := encodeDelivery(&b, after); err != nil {
		return err
	}
	return t.enter(before, after, b.Bytes())
}
