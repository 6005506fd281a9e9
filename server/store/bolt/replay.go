// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/hex"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// FailOpen makes at most limit open deliveries of a destination FAILED with reason DESTINATION_DELETED, and returns
// how many they were; 0 means that none are left, or that the destination exists. Claimed ones are included, and stay
// claimed until they are settled.
func (s *Store) FailOpen(ctx context.Context, destinationID string, now time.Time, limit int) (int, error) {
	var failed int
	err := s.update(ctx, 512*limit, func(t *tx) error {
		if failed = 0; t.get(bucketDestinations, []byte(destinationID)) != nil {
			return nil
		}
		var due []dueEntry
		err := t.due(destinationID, func(e dueEntry) (bool, error) {
			if len(due) < limit {
				due = append(due, e)
			}
			return len(due) < limit, nil
		})
		if err != nil {
			return err
		}
		failed = len(due)
		for _, e := range due {
			d, err := t.owed(e)
			if err != nil {
				return err
			}
			if d == nil {
				continue
			}
			before := *d
			d.State, d.Reason = delivery.Failed, delivery.DestinationDeleted
			d.NextAttemptAt, d.FallbackAt, d.SettledAt = time.Time{}, time.Time{}, now
			if err := t.replace(&before, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return failed, nil
}

// Replay makes FAILED deliveries PENDING again: at most limit of those the filter picks, oldest first. They are found
// before the writer is asked, and looked at again by it, so that a long search holds up nobody.
func (s *Store) Replay(ctx context.Context, f delivery.Filter, now time.Time, limit int) ([]delivery.Delivery, bool, error) {
	var ids []delivery.ID
	more := false
	err := s.view(ctx, func(t *tx) error {
		return t.failed(ctx, f, now, func(id delivery.ID) bool {
			if len(ids) >= limit {
				more = true
				return false
			}
			ids = append(ids, id)
			return true
		})
	})
	if err != nil || len(ids) == 0 {
		return nil, more, err
	}
	var replayed []delivery.Delivery
	err = s.update(ctx, 512*len(ids), func(t *tx) error {
		replayed = replayed[:0]
		for _, id := range ids {
			d, err := t.delivery(id)
			if err != nil {
				return err
			}
			if d == nil || !f.Matches(d) || !d.Since.Before(now) || t.refuseReplay(d) != nil {
				continue // it changed since it was found
			}
			if err := t.replay(d, now); err != nil {
				return err
			}
			replayed = append(replayed, *d)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return replayed, more, nil
}

// failed calls visit with the FAILED deliveries that a replay of f would take, oldest first, until it returns false.
func (t *tx) failed(ctx context.Context, f delivery.Filter, now time.Time, visit func(id delivery.ID) bool) error {
	exists := make(map[string]bool)
	c := t.Bucket(bucketFailed).Cursor()
	key, value := c.First()
	var within []byte
	if f.AlertID != "" {
		if within = t.get(bucketAlertIDs, []byte(f.AlertID)); within == nil {
			return nil
		}
		key, value = c.Seek(within)
	}
	for n := 0; key != nil && bytes.HasPrefix(key, within); key, value = c.Next() {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if f.DestinationID != "" && f.DestinationID != string(value) {
			continue
		}
		there, known := exists[string(value)]
		if !known {
			there = t.get(bucketDestinations, value) != nil
			exists[string(value)] = there
		}
		if !there {
			continue
		}
		d, err := t.delivery(delivery.ID(key))
		if err != nil {
			t.leaveOut(bucketDeliveries, hex.EncodeToString(key), err)
			continue
		}
		if d != nil && f.Matches(d) && d.Since.Before(now) && !visit(d.ID) {
			return nil
		}
	}
	return nil
}

// ReplayOne makes one FAILED delivery PENDING again.
func (s *Store) ReplayOne(ctx context.Context, id delivery.ID, now time.Time) (delivery.Delivery, error) {
	var replayed delivery.Delivery
	err := s.update(ctx, 512, func(t *tx) error {
		d, err := t.delivery(id)
		if err != nil {
			return err
		}
		if d == nil {
			return noDelivery(id)
		}
		if err := t.refuseReplay(d); err != nil {
			return err
		}
		if err := t.replay(d, now); err != nil {
			return err
		}
		replayed = *d
		return nil
	})
	return replayed, err
}

// refuseReplay says why d cannot be replayed.
func (t *tx) refuseReplay(d *delivery.Delivery) error {
	if d.State != delivery.Failed {
		return problem.New(problem.Conflict, "delivery %s is %s; only a FAILED one can be replayed", d.ID, d.State)
	}
	if t.get(bucketDestinations, []byte(d.DestinationID)) == nil {
		return problem.New(problem.Conflict, "the destination of delivery %s is gone", d.ID)
	}
	return nil
}

func (t *tx) replay(d *delivery.Delivery, now time.Time) error {
	before := *d
	now = now.UTC()
	d.State, d.Reason = delivery.Pending, ""
	d.Since, d.NextAttemptAt, d.SettledAt = now, now, time.Time{}
	return t.replace(&before, d)
}

func noDelivery(id delivery.ID) error {
	return problem.New(problem.NotFound, "there is no delivery %s", id)
}
