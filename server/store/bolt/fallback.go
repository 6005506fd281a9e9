// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// fallbackKey is FallbackAt in nanoseconds ‖ delivery.ID.
func fallbackKey(d *delivery.Delivery) []byte {
	key := make([]byte, 0, 8+len(d.ID))
	return append(binary.BigEndian.AppendUint64(key, uint64(nanos(d.FallbackAt))), d.ID[:]...)
}

// DueFallbacks returns at most limit open deliveries whose FallbackAt is not after now, the earliest first.
func (s *Store) DueFallbacks(ctx context.Context, now time.Time, limit int) ([]delivery.Delivery, error) {
	var due []delivery.Delivery
	err := s.view(ctx, func(t *tx) error {
		until := uint64(nanos(now))
		c := t.Bucket(bucketFallbacks).Cursor()
		for key, _ := c.First(); key != nil && len(due) < limit; key, _ = c.Next() {
			if len(key) != 8+len(delivery.ID{}) {
				return fmt.Errorf("the index of fallbacks is damaged at %x", key)
			}
			if binary.BigEndian.Uint64(key) > until {
				return nil
			}
			id := delivery.ID(key[8:])
			d, err := t.delivery(id)
			if err != nil || d == nil {
				t.leaveOut(bucketDeliveries, id.String(), err)
				continue
			}
			due = append(due, *d)
		}
		return nil
	})
	return due, err
}

// FallBack gives the alert of an open delivery to another destination, and clears the delivery's FallbackAt.
func (s *Store) FallBack(ctx context.Context, id delivery.ID, to delivery.Fallback, now time.Time) (made bool, err error) {
	err = s.update(ctx, 1<<10, func(t *tx) error {
		made = false
		d, err := t.delivery(id)
		if err != nil || d == nil || !d.State.Open() {
			return err
		}
		before := *d
		d.FallbackAt = time.Time{}
		if err := t.replace(&before, d); err != nil {
			return err
		}
		made, err = t.fallBack(d, to, now)
		return err
	})
	return made && err == nil, err
}

// fallBack promises the alert of d to another destination, unless it was promised there before, or is about it. What
// cannot be read of the alert stands in nobody's way.
func (t *tx) fallBack(d *delivery.Delivery, to delivery.Fallback, now time.Time) (made bool, err error) {
	if to.DestinationID == "" || t.get(bucketDestinations, []byte(to.DestinationID)) == nil || t.hasDelivery(d.ID.Alert(), to.DestinationID) {
		return false, nil
	}
	next, full := t.nextNumber(d.ID.Alert())
	if full || t.subject(d.ID.Alert()) == to.DestinationID {
		return false, nil
	}
	now = now.UTC()
	promised := delivery.Delivery{
		ID: delivery.NewID(d.ID.Alert(), next), AlertID: d.AlertID, DestinationID: to.DestinationID, State: delivery.Pending,
		Cause: delivery.ByFallback, FallbackOf: d.DestinationID, CreatedAt: now, Since: now, NextAttemptAt: now,
	}
	if to.After > 0 {
		promised.FallbackAt = now.Add(to.After)
	}
	return true, t.replace(nil, &promised)
}

// hasDelivery reports whether an alert has a delivery to a destination.
func (t *tx) hasDelivery(key delivery.Key, destinationID string) bool {
	c := t.Bucket(bucketDeliveries).Cursor()
	for id, value := c.Seek(key[:]); bytes.HasPrefix(id, key[:]); id, value = c.Next() {
		if d, err := t.decode(delivery.ID(id), value); err == nil && d.DestinationID == destinationID {
			return true
		}
	}
	return false
}

// subject returns the destination that an alert of the router is about.
func (t *tx) subject(key delivery.Key) string {
	record, err := t.alert(key)
	if err != nil {
		return ""
	}
	a, err := parse(&record)
	if err != nil {
		return ""
	}
	return a.Subject()
}
