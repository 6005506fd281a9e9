// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"
)

// raisedPrefix begins the keys of bucketMeta under which it is kept when something was raised, in nanoseconds. There is
// about one for each destination that failed within the hour.
const raisedPrefix = "raised/"

// Raise reports whether what key names is due, and records that it was raised when it is. What is not due is only
// read: callers may ask often.
func (s *Store) Raise(ctx context.Context, key string, now time.Time, every time.Duration) (due bool, err error) {
	full := []byte(raisedPrefix + key)
	if err := checkKey("key", string(full)); err != nil {
		return false, err
	}
	err = s.view(ctx, func(t *tx) error {
		due = raiseDue(t.get(bucketMeta, full), now, every)
		return nil
	})
	if err != nil || !due {
		return false, err
	}
	err = s.update(ctx, 1<<10, func(t *tx) error {
		if due = raiseDue(t.get(bucketMeta, full), now, every); !due {
			return nil // somebody was quicker
		}
		if err := t.pruneRaised(now, every); err != nil {
			return err
		}
		return t.put(bucketMeta, full, binary.BigEndian.AppendUint64(nil, uint64(nanos(now))))
	})
	return due && err == nil, err
}

// raiseDue reads a record; one that is damaged counts for none.
func raiseDue(value []byte, now time.Time, every time.Duration) bool {
	if len(value) != 8 {
		return true
	}
	age := now.Sub(fromNanos(int64(binary.BigEndian.Uint64(value))))
	return age >= every || age < -every
}

func (t *tx) pruneRaised(now time.Time, every time.Duration) error {
	var old [][]byte
	c := t.Bucket(bucketMeta).Cursor()
	prefix := []byte(raisedPrefix)
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if raiseDue(value, now, every) {
			old = append(old, bytes.Clone(key))
		}
	}
	for _, key := range old {
		if err := t.delete(bucketMeta, key); err != nil {
			return err
		}
	}
	return nil
}
