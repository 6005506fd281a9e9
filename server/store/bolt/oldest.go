// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// oldestSteps is how many records one OldestOpen looks at, which takes less than 0.1 s. Entries of the index are ten
// times as quick, so of them it is ten times as many.
const oldestSteps = 50_000

// oldest keeps in mind where the open deliveries begin. Ids begin with the time of acceptance, so the mark mostly
// moves forward, over what was settled; a commit that opens an older delivery moves it back.
type oldest struct {
	looking sync.Mutex // held by the one OldestOpen that moves the mark forward
	steps   int        // instead of the usual number, in tests

	mu        sync.Mutex
	known     bool
	mark      delivery.ID // no open delivery has a lower id
	back      delivery.ID // the lowest id opened since the look under way began; zero is none
	forgotten bool        // since then nobody knows what was opened
}

// OldestOpen returns when the alert was accepted that has waited the longest for one of its open deliveries.
//
// The first call reads the index of all that is open (0.1 s for a million). Later ones begin at the mark and look at
// oldestSteps records. Where that is not enough, because more was settled since the last call, the index is read again
// if it is not too large; else the mark stands for the time, which is too early, until later calls catch up.
func (s *Store) OldestOpen(ctx context.Context) (since time.Time, ok bool, err error) {
	s.oldest.looking.Lock()
	defer s.oldest.looking.Unlock()
	s.oldest.look()
	var mark delivery.ID
	var known bool
	open, steps := s.Backlog().Open(), cmp.Or(s.oldest.steps, oldestSteps)
	err = s.view(ctx, func(t *tx) (err error) {
		sure := false
		if mark, known = s.oldest.begins(); known { // asked here, where all that was opened before can be seen
			mark, ok, sure, err = t.firstOpen(ctx, mark, steps)
		}
		if err == nil && !sure && (!known || open <= 10*int64(steps)) {
			var least delivery.ID
			if least, ok, err = t.leastDue(ctx); ok {
				mark, known = least, true
			}
		}
		return err
	})
	if err != nil {
		return time.Time{}, false, err
	}
	if known {
		s.oldest.found(mark)
	}
	if !ok {
		return time.Time{}, false, nil
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(mark[:8]) >> 16)).UTC(), true, nil
}

// firstOpen returns the first open delivery from an id on. After steps records it returns the one it came to, and is
// not sure; ok is false at the end, where it returns the last.
func (t *tx) firstOpen(ctx context.Context, from delivery.ID, steps int) (id delivery.ID, ok, sure bool, err error) {
	id = from
	c := t.Bucket(bucketDeliveries).Cursor()
	for key, value := c.Seek(from[:]); key != nil; key, value = c.Next() {
		id = delivery.ID(key)
		if steps--; steps < 0 {
			return id, true, false, nil
		}
		if steps%checkEvery == 0 {
			t.trim(t.Tx)
		}
		if steps%checkEvery == 0 && ctx.Err() != nil {
			return id, false, false, ctx.Err()
		}
		var record struct {
			State delivery.State `cbor:"3,keyasint"`
		}
		if err := decoding.Unmarshal(value, &record); err == nil && record.State.Open() { // a damaged one is not owed
			return id, true, true, nil
		}
	}
	return id, false, true, nil
}

// leastDue returns the lowest id in the index of what is open.
func (t *tx) leastDue(ctx context.Context) (id delivery.ID, ok bool, err error) {
	c := t.Bucket(bucketDue).Cursor()
	n := 0
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		if n++; n%checkEvery == 0 {
			if ctx.Err() != nil {
				return delivery.ID{}, false, ctx.Err()
			}
			t.trim(t.Tx) // with each page that is read, the system maps those around it
		}
		if tail := key[max(len(key)-len(id), 0):]; len(tail) == len(id) && (!ok || bytes.Compare(tail, id[:]) < 0) {
			id, ok = delivery.ID(tail), true
		}
	}
	return id, ok, nil
}

// look begins a look, before its transaction.
func (o *oldest) look() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.back, o.forgotten = delivery.ID{}, false
}

// begins returns the mark, if it is known.
func (o *oldest) begins() (mark delivery.ID, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mark, o.known
}

// found ends it; what was opened meanwhile may not have been seen.
func (o *oldest) found(mark delivery.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.back != (delivery.ID{}) && bytes.Compare(o.back[:], mark[:]) < 0 {
		mark = o.back
	}
	o.known, o.mark = !o.forgotten, mark
}

// forget is told that a commit failed and may be there all the same: the next look is the first again.
func (o *oldest) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known, o.forgotten = false, true
}

// opened is told the lowest id that a commit opened; zero is none.
func (o *oldest) opened(id delivery.ID) {
	if id == (delivery.ID{}) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, lowest := range []*delivery.ID{&o.mark, &o.back} {
		if *lowest == (delivery.ID{}) || bytes.Compare(id[:], lowest[:]) < 0 {
			*lowest = id
		}
	}
}

// opens keeps in mind the lowest id that the transaction opens.
func (t *tx) opens(id delivery.ID) {
	if t.lowest == (delivery.ID{}) || bytes.Compare(id[:], t.lowest[:]) < 0 {
		t.lowest = id
	}
}
