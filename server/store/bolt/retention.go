// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/retention"
)

// removeBytes is after how many bytes of records a step ends. Removing a record writes little, but what lies beside it
// in the file is written again.
const removeBytes = 8 << 20

// An expired alert is one that is to be removed.
type expired struct {
	key        delivery.Key
	alertID    string // "" when it cannot be read
	deliveries []delivery.ID
	size       int     // of its records
	damaged    error   // why some of it cannot be read
	strays     []stray // when damaged: the index entries that a readable record would have told
}

// A stray is an entry of an index, found by looking at all of them.
type stray struct{ bucket, key []byte }

// NewestAlert returns when the alert with the largest key was accepted, by that key.
func (s *Store) NewestAlert(ctx context.Context) (at time.Time, err error) {
	err = s.view(ctx, func(t *tx) error {
		if key, _ := t.Bucket(bucketAlerts).Cursor().Last(); len(key) >= 8 {
			at = time.UnixMilli(int64(binary.BigEndian.Uint64(key) >> 16)).UTC()
		}
		return nil
	})
	return at, err
}

// RemoveAlerts removes alerts that were accepted before a time, each with all its deliveries. They are found before the
// writer is asked, and looked at again by it: a look can take long, when there is much that stays.
func (s *Store) RemoveAlerts(ctx context.Context, before time.Time, after delivery.Key, limit int) (retention.Step, error) {
	var found []expired
	var step retention.Step
	err := s.view(ctx, func(t *tx) (err error) {
		found, step, err = t.expired(ctx, before, after, limit, s.scan)
		if err == nil {
			err = t.findStrays(ctx, found)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		return step, err
	}
	err = s.update(ctx, 1<<10*len(found), func(t *tx) error {
		step.Removed = 0
		for i := range found {
			removed, err := t.removeAlert(&found[i], before)
			if err != nil {
				return err
			}
			if removed {
				step.Removed++
			}
		}
		return nil
	})
	if err != nil {
		return retention.Step{}, err
	}
	return step, nil
}

// expired walks alerts and deliveries together, so that it comes past a delivery without an alert as well. look is how
// many keys it looks at.
func (t *tx) expired(ctx context.Context, before time.Time, after delivery.Key, limit, look int) (found []expired, step retention.Step, err error) {
	bound := keyAt(before.Add(clockSlack))
	if bound == nil {
		return nil, step, nil
	}
	alerts, deliveries := t.Bucket(bucketAlerts).Cursor(), t.Bucket(bucketDeliveries).Cursor()
	size := 0
	for key, ok := nextKey(alerts, deliveries, after); ok && bytes.Compare(key[:], bound) < 0; key, ok = nextKey(alerts, deliveries, key) {
		if err := ctx.Err(); err != nil {
			return nil, step, err
		}
		if look == 0 || len(found) >= limit || size >= removeBytes {
			step.More = true
			break
		}
		look--
		if e, old := t.examine(key, before); old {
			found, size = append(found, e), size+e.size
		}
		step.Next = key
	}
	return found, step, nil
}

// nextKey returns the first key after another that an alert or a delivery has.
func nextKey(alerts, deliveries *bbolt.Cursor, after delivery.Key) (key delivery.Key, ok bool) {
	last := delivery.NewID(after, delivery.MaxPerAlert-1)
	for _, found := range [][]byte{seekPast(alerts, after[:]), seekPast(deliveries, last[:])} {
		if len(found) >= len(key) && (!ok || bytes.Compare(found, key[:]) < 0) {
			key, ok = delivery.Key(found[:len(key)]), true
		}
	}
	return key, ok
}

// seekPast moves c to the first key after another.
func seekPast(c *bbolt.Cursor, after []byte) []byte {
	key, _ := c.Seek(after)
	if bytes.Equal(key, after) {
		key, _ = c.Next()
	}
	return key
}

// examine reads what there is under a key. old says that the alert was accepted before a time and that nothing of it
// is owed; when an alert that cannot be read was accepted, its key tells.
func (t *tx) examine(key delivery.Key, before time.Time) (e expired, old bool) {
	value := t.get(bucketAlerts, key[:])
	record, err := decodeAlert(key, value)
	e = expired{key: key, alertID: record.AlertID, size: len(value), damaged: err}
	if err == nil {
		old = record.AcceptedAt.Before(before)
	} else {
		old = bytes.Compare(key[:], keyAt(before)) < 0
	}
	c := t.Bucket(bucketDeliveries).Cursor()
	for id, value := c.Seek(key[:]); old && bytes.HasPrefix(id, key[:]) && len(id) == len(delivery.ID{}); id, value = c.Next() {
		d, err := decodeDelivery(delivery.ID(id), value)
		if err == nil && d.State.Open() {
			return expired{}, false
		}
		e.damaged = errors.Join(e.damaged, err)
		e.deliveries, e.size = append(e.deliveries, delivery.ID(id)), e.size+len(value)
	}
	return e, old
}

// removeAlert removes an alert if it still is to be removed.
func (t *tx) removeAlert(found *expired, before time.Time) (removed bool, err error) {
	e, old := t.examine(found.key, before)
	if !old {
		return false, nil
	}
	if e.damaged != nil {
		t.log.Warn("an old alert that cannot be read is removed", "key", hex.EncodeToString(e.key[:]), "error", e.damaged)
		if err := t.removeStrays(found); err != nil {
			return false, err
		}
	}
	if id := []byte(e.alertID); len(id) > 0 && bytes.Equal(t.get(bucketAlertIDs, id), e.key[:]) {
		if err := t.delete(bucketAlertIDs, id); err != nil {
			return false, err
		}
	}
	for _, id := range e.deliveries {
		if err := errors.Join(t.delete(bucketFailed, id[:]), t.delete(bucketDeliveries, id[:])); err != nil {
			return false, err
		}
	}
	return true, t.delete(bucketAlerts, e.key[:])
}

// findStrays looks at every entry of the indexes for those of damaged alerts, when there are such.
func (t *tx) findStrays(ctx context.Context, found []expired) error {
	damaged := make(map[delivery.Key]*expired)
	for i := range found {
		if found[i].damaged != nil {
			damaged[found[i].key] = &found[i]
		}
	}
	if len(damaged) == 0 {
		return nil
	}
	count := 0
	for _, bucket := range [][]byte{bucketAlertIDs, bucketDue, bucketFallbacks} {
		c := t.Bucket(bucket).Cursor()
		for key, value := c.First(); key != nil; key, value = c.Next() {
			if count++; count%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if e := damaged[keyInIndex(bucket, key, value)]; e != nil {
				e.strays = append(e.strays, stray{bucket, bytes.Clone(key)})
			}
		}
	}
	return nil
}

// keyInIndex returns the alert's key that an entry of an index leads to.
func keyInIndex(bucket, key, value []byte) (k delivery.Key) {
	from := value // of alert_ids
	if !bytes.Equal(bucket, bucketAlertIDs) {
		from = key[max(len(key)-len(delivery.ID{}), 0):]
	}
	if len(from) >= len(k) {
		k = delivery.Key(from[:len(k)])
	}
	return k
}

func (t *tx) removeStrays(e *expired) error {
	for _, s := range e.strays {
		value := t.get(s.bucket, s.key)
		if value == nil || keyInIndex(s.bucket, s.key, value) != e.key {
			continue
		}
		if bytes.Equal(s.bucket, bucketDue) && len(value) == 1 {
			t.count(dueStates[value[0]], -1)
		}
		if err := t.delete(s.bucket, s.key); err != nil {
			return err
		}
	}
	return nil
}
