// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

const (
	// scanLimit is how many records one page looks at. A filter that picks few of many gets short pages, and a cursor
	// to go on from.
	scanLimit = 20_000

	// pageBytes is after how many bytes of records a page ends.
	pageBytes = 8 << 20

	// checkEvery is how many entries of an index are read between two looks at the context.
	checkEvery = 4096
)

// page collects one page of a list, newest first.
type page[T any] struct {
	limit  int
	scan   int // how many more records may be looked at
	seen   []byte
	items  []T
	last   []byte // key of the last item
	cursor string
}

// look is asked before each record is read, and told how many bytes were until now; false ends the page, which goes on
// after the record before.
func (p *page[T]) look(key []byte, read int) bool {
	if p.scan == 0 || read >= pageBytes {
		p.cursor = encodeCursor(p.seen)
		return false
	}
	p.scan--
	p.seen = append(p.seen[:0], key...)
	return true
}

// add takes an item; false ends the page, because it is full and there are more.
func (p *page[T]) add(key []byte, item T) bool {
	if len(p.items) == p.limit {
		p.cursor = encodeCursor(p.last)
		return false
	}
	p.items, p.last = append(p.items, item), append(p.last[:0], key...)
	return true
}

// A cursor is the key to go on after, in hexadecimal.
func encodeCursor(key []byte) string { return hex.EncodeToString(key) }

// decodeCursor reads a cursor for keys of a length; nil is the beginning.
func decodeCursor(text string, length int) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != length {
		return nil, problem.InvalidFields([]problem.Field{{Name: "cursor", Message: "is not one that a list returned"}})
	}
	return key, nil
}

// backwards walks a bucket from the last key below bound (nil: from the last of all) for as long as the keys are not
// below floor.
func (t *tx) backwards(bucket, bound, floor []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := t.Bucket(bucket).Cursor()
		for key, value := last(c, bound); key != nil && bytes.Compare(key, floor) >= 0; key, value = c.Prev() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// last moves c to the last key below bound.
func last(c *bbolt.Cursor, bound []byte) (key, value []byte) {
	if bound == nil {
		return c.Last()
	}
	if key, _ := c.Seek(bound); key == nil {
		return c.Last()
	}
	return c.Prev()
}

// clockSlack is how far a key's time and the times in its records may be apart, though one clock gave them.
const clockSlack = time.Minute

// keyAt is smaller than the keys made at a time and later, and larger than those before; nil for the zero time.
func keyAt(at time.Time) []byte {
	if at.IsZero() {
		return nil
	}
	// A UUIDv7 begins with 48 bits of milliseconds.
	return binary.BigEndian.AppendUint64(nil, uint64(max(at.UnixMilli(), 0))<<16)[:6]
}

// smaller returns the smaller of two bounds, of which nil is none.
func smaller(a, b []byte) []byte {
	if a == nil || (b != nil && bytes.Compare(b, a) < 0) {
		return b
	}
	return a
}

// newest collects the n largest keys, of which it may be given some more than once.
type newest struct {
	n    int
	keys [][]byte // smallest first
}

func (l *newest) add(key []byte) {
	if len(l.keys) == l.n && (l.n == 0 || bytes.Compare(key, l.keys[0]) <= 0) {
		return
	}
	at, found := slices.BinarySearchFunc(l.keys, key, bytes.Compare)
	if found {
		return
	}
	if len(l.keys) == l.n {
		l.keys = slices.Delete(l.keys, 0, 1)
		at--
	}
	l.keys = slices.Insert(l.keys, at, bytes.Clone(key))
}

// open returns the n newest keys below bound of a destination's open deliveries in some states, newest first; length
// cuts them, so that they can be alerts' keys. It reads the destination's part of the due index.
func (t *tx) open(ctx context.Context, destinationID string, states []delivery.State, bound []byte, n, length int) ([][]byte, error) {
	list := newest{n: n}
	count := 0
	err := t.due(destinationID, func(e dueEntry) (bool, error) {
		if count++; count%checkEvery == 0 {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			t.trim(t.Tx)
		}
		key := e.id[:length]
		if slices.Contains(states, dueStates[e.state]) && (bound == nil || bytes.Compare(key, bound) < 0) {
			list.add(key)
		}
		return true, nil
	})
	slices.Reverse(list.keys)
	return list.keys, err
}

// onlyOpen reports whether states are given and all of them open.
func onlyOpen(states []delivery.State) bool {
	return len(states) > 0 && !slices.ContainsFunc(states, func(s delivery.State) bool { return !s.Open() })
}

// onlyFailed does the same for FAILED.
func onlyFailed(states []delivery.State) bool {
	return len(states) > 0 && !slices.ContainsFunc(states, func(s delivery.State) bool { return s != delivery.Failed })
}
