// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// A dueKey is destination id ‖ 0 ‖ NextAttemptAt in nanoseconds ‖ delivery.ID; a destination's entries are together,
// the longest due first. The value is the state in one byte, so that counting needs no records.
const (
	dueTail = 8 + len(delivery.ID{})

	// maxDestinationID is how long a destination's id may be.
	maxDestinationID = bbolt.MaxKeySize - 1 - dueTail

	duePending  = 'P'
	dueRetrying = 'R'
)

var dueStates = map[byte]delivery.State{duePending: delivery.Pending, dueRetrying: delivery.Retrying}

// duePrefix is what a destination's entries begin with.
func duePrefix(destinationID string) []byte {
	prefix := make([]byte, 0, len(destinationID)+1+dueTail)
	return append(append(prefix, destinationID...), 0)
}

func dueKey(destinationID string, at int64, id delivery.ID) []byte {
	key := binary.BigEndian.AppendUint64(duePrefix(destinationID), uint64(at))
	return append(key, id[:]...)
}

func dueKeyOf(d *delivery.Delivery) []byte {
	return dueKey(d.DestinationID, nanos(d.NextAttemptAt), d.ID)
}

func dueValue(s delivery.State) []byte {
	if s == delivery.Retrying {
		return []byte{dueRetrying}
	}
	return []byte{duePending}
}

// dueEntry is what one entry says about a delivery.
type dueEntry struct {
	destinationID string
	at            int64
	id            delivery.ID
	state         byte
}

func (e *dueEntry) key() []byte { return dueKey(e.destinationID, e.at, e.id) }

func readDue(key, value []byte) (destination []byte, e dueEntry, err error) {
	end := len(key) - dueTail - 1
	if end < 0 || key[end] != 0 || len(value) != 1 {
		return nil, dueEntry{}, fmt.Errorf("the due index is damaged at %x", key)
	}
	tail := key[end+1:]
	at := int64(binary.BigEndian.Uint64(tail))
	return key[:end], dueEntry{at: at, id: delivery.ID(tail[8:]), state: value[0]}, nil
}

// due calls visit with a destination's entries, the longest due first, until it wants no more.
func (t *tx) due(destinationID string, visit func(e dueEntry) (more bool, err error)) error {
	prefix := duePrefix(destinationID)
	c := t.Bucket(bucketDue).Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		_, e, err := readDue(key, value)
		if err != nil {
			return err
		}
		e.destinationID = destinationID
		if more, err := visit(e); err != nil || !more {
			return err
		}
	}
	return nil
}

// owed returns the delivery an entry stands for. When there is none, because its record is damaged, the entry is
// removed, so that it stands in nobody's way, and nil returned.
func (t *tx) owed(e dueEntry) (*delivery.Delivery, error) {
	d, err := t.delivery(e.id)
	if err == nil && d != nil && d.State.Open() && bytes.Equal(dueKeyOf(d), e.key()) {
		return d, nil
	}
	t.count(dueStates[e.state], -1)
	return nil, t.delete(bucketDue, e.key())
}

// enter keeps a delivery, encoded as record, and its index entries; before is what was stored of it, or nil.
func (t *tx) enter(before, after *delivery.Delivery, record []byte) error {
	if before != nil {
		if err := t.leave(before); err != nil {
			return err
		}
	}
	var err error
	switch {
	case after.State.Open():
		t.count(after.State, 1)
		if before == nil || !before.State.Open() {
			t.opens(after.ID)
		}
		err = t.put(bucketDue, dueKeyOf(after), dueValue(after.State))
		if err == nil && !after.FallbackAt.IsZero() {
			err = t.put(bucketFallbacks, fallbackKey(after), nil)
		}
	case after.State == delivery.Failed:
		err = t.put(bucketFailed, after.ID[:], []byte(after.DestinationID))
	}
	if err != nil {
		return err
	}
	return t.put(bucketDeliveries, after.ID[:], record)
}

// leave removes a delivery's index entries.
func (t *tx) leave(d *delivery.Delivery) error {
	switch {
	case d.State.Open():
		t.count(d.State, -1)
		if !d.FallbackAt.IsZero() {
			if err := t.delete(bucketFallbacks, fallbackKey(d)); err != nil {
				return err
			}
		}
		return t.delete(bucketDue, dueKeyOf(d))
	case d.State == delivery.Failed:
		return t.delete(bucketFailed, d.ID[:])
	}
	return nil
}

func (t *tx) count(s delivery.State, by int64) { count(&t.backlog, s, by) }

// count counts an open delivery.
func count(b *delivery.Backlog, s delivery.State, by int64) {
	if s == delivery.Retrying {
		b.Retrying += by
	} else {
		b.Pending += by
	}
}

// recount sets the backlog to what the index says.
func (s *Store) recount() error {
	var pending, retrying int64
	err := s.read(context.Background(), func(t *tx) error {
		c := t.Bucket(bucketDue).Cursor()
		for key, value := c.First(); key != nil; key, value = c.Next() {
			switch {
			case len(value) != 1:
				return errors.New("a value of the due index is damaged")
			case value[0] == dueRetrying:
				retrying++
			default:
				pending++
			}
			if (pending+retrying)%checkEvery == 0 {
				s.trimIn(t.Tx) // with each page that is read, the system maps those around it
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the open deliveries: %w", err)
	}
	s.pending.Store(pending)
	s.retrying.Store(retrying)
	s.oldest.forget()
	return nil
}

// OrphanedDestinations returns the ids of deleted destinations that still have open deliveries. It looks at one entry
// of each destination.
func (s *Store) OrphanedDestinations(ctx context.Context) ([]string, error) {
	var orphans []string
	err := s.view(ctx, func(t *tx) error {
		c := t.Bucket(bucketDue).Cursor()
		key, value := c.First()
		for key != nil {
			id, _, err := readDue(key, value)
			if err != nil {
				return err
			}
			if t.get(bucketDestinations, id) == nil {
				orphans = append(orphans, string(id))
			}
			key, value = c.Seek(append(bytes.Clone(id), 1)) // 1 follows the 0 after an id
		}
		return nil
	})
	return orphans, err
}

// nanos is a time as it is kept: nanoseconds since 1970, and 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.UnixNano(), 1)
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
