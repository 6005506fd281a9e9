// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// The buckets.
var (
	bucketAlerts       = []byte("alerts")            // delivery.Key -> alert
	bucketAlertIDs     = []byte("alert_ids")         // alert id -> delivery.Key
	bucketDeliveries   = []byte("deliveries")        // delivery.ID -> delivery
	bucketDue          = []byte("due")               // dueKey -> state; the open deliveries
	bucketFailed       = []byte("failed")            // delivery.ID -> destination id; the FAILED deliveries
	bucketFallbacks    = []byte("fallbacks")         // FallbackAt in nanoseconds ‖ delivery.ID -> nothing; of open deliveries
	bucketDestinations = []byte("destinations")      // id -> destination
	bucketNames        = []byte("destination_names") // display name without case -> id
	bucketOverrides    = []byte("overrides")         // detection id -> override
	bucketTokens       = []byte("tokens")            // id -> token
	bucketTests        = []byte("tests")             // key -> outcome
	bucketMeta         = []byte("meta")

	buckets = [][]byte{
		bucketAlerts, bucketAlertIDs, bucketDeliveries, bucketDue, bucketFailed, bucketFallbacks, bucketDestinations, bucketNames,
		bucketOverrides, bucketTokens, bucketTests, bucketMeta,
	}

	metaSchema = []byte("schema")  // decimal
	metaKeyset = []byte("keyset")  // sealed
	metaProbe  = []byte("probe")   // see Check
	metaID     = []byte("id")      // what the log knows this store by, a wal.ID
	metaLogged = [logCount][]byte{ // number of the last frame of each log that is here, 8 bytes big-endian
		acceptances: []byte("accepted"), settlements: []byte("settled"),
	}
)

// How full pages are left when they split. Alerts are appended and never change; deliveries are appended and grow with
// their attempts; what becomes due is mostly appended to its destination's part.
const (
	fillAlerts     = 1.0
	fillDeliveries = 0.65
	fillDue        = 0.9
)

// tx is a transaction, and what follows from it in memory once it is committed.
type tx struct {
	*bbolt.Tx
	claims *claims
	trim   func(t *bbolt.Tx) // see Store.trimIn
	alerts int               // that touched the file
	log    *slog.Logger
	read   int // bytes of records decoded for a list

	fresh   fresh            // accepted in this transaction
	applied [logCount]uint64 // of each log, number of the last frame that is in the database
	logged  [logCount]uint64 // number of the last that this transaction brings there; 0 is none

	written  bool             // something was put or deleted
	backlog  delivery.Backlog // how much it grows
	claimed  []delivery.ID    // claimed on the way; undone when the commit fails
	released []delivery.ID    // claims to give up after the commit
	lowest   delivery.ID      // of what it opens, see oldest; zero is nothing
}

// mark is a tx's state before an operation.
type mark struct {
	backlog           delivery.Backlog
	claimed, released int
}

func (t *tx) mark() mark {
	return mark{t.backlog, len(t.claimed), len(t.released)}
}

// back forgets what an operation that wrote nothing had in mind.
func (t *tx) back(m mark) {
	t.claims.release(t.claimed[m.claimed:]...)
	t.backlog, t.claimed, t.released = m.backlog, t.claimed[:m.claimed], t.released[:m.released]
}

func (t *tx) get(bucket, key []byte) []byte { return t.Bucket(bucket).Get(key) }

// put keeps value, which must not change until the commit.
func (t *tx) put(bucket, key, value []byte) error {
	t.written = true
	return t.Bucket(bucket).Put(key, value)
}

func (t *tx) delete(bucket, key []byte) error {
	t.written = true
	return t.Bucket(bucket).Delete(key)
}

func (t *tx) claim(id delivery.ID) {
	t.claims.add(id)
	t.claimed = append(t.claimed, id)
}

func (s *Store) begin() (*tx, error) {
	t, err := s.db.Begin(true)
	if err != nil {
		return nil, err
	}
	stats := s.db.Stats()
	s.db.NoFreelistSync = stats.FreePageN+stats.PendingPageN > freelistPages
	t.Bucket(bucketAlerts).FillPercent = fillAlerts
	t.Bucket(bucketDeliveries).FillPercent = fillDeliveries
	t.Bucket(bucketDue).FillPercent = fillDue
	return &tx{Tx: t, claims: &s.claims, trim: s.trimIn, log: s.log, fresh: s.fresh.reset(), applied: loggedIn(t)}, nil
}

// loggedIn reads the numbers of the last frames of the logs that are in the database.
func loggedIn(t *bbolt.Tx) (numbers [logCount]uint64) {
	for log, key := range metaLogged {
		if value := t.Bucket(bucketMeta).Get(key); len(value) == 8 {
			numbers[log] = binary.BigEndian.Uint64(value)
		}
	}
	return numbers
}

// view runs read on what is acknowledged.
func (s *Store) view(ctx context.Context, read func(t *tx) error) error {
	caughtUp, err := s.catchUp(ctx)
	if err != nil {
		return err
	}
	if caughtUp {
		return s.read(ctx, read)
	}
	// The database cannot be written to. But a transaction can see what was logged, though it is not committed then.
	var result error
	ran := false
	err = s.submit(ctx, 0, true, func(t *tx) error {
		if !ran { // not when the transaction is begun again, with the same in it
			ran, result = true, read(t)
		}
		return result
	})
	switch {
	case ran:
		return result
	case err == nil:
		return errStuck
	}
	return err
}

// catchUp returns when what is in the logs by now is in the database too, which is true, or the database cannot be
// written to.
func (s *Store) catchUp(ctx context.Context) (bool, error) {
	if s.behind.Load() == 0 {
		return true, nil
	}
	if s.stuck.Load() > 0 {
		return false, nil
	}
	err := s.update(ctx, 0, func(*tx) error { return nil })
	if errors.Is(err, store.ErrUnavailable) && !errors.Is(err, errClosed) {
		return false, nil
	}
	return err == nil, err
}

// read runs read on what is committed.
func (s *Store) read(ctx context.Context, read func(t *tx) error) error {
	t, err := s.beginView(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	return read(t)
}

// beginView begins a transaction that reads what is committed; end ends it.
func (s *Store) beginView(ctx context.Context) (*tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := s.db.Begin(false)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return nil, errClosed
	}
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	return &tx{Tx: t, claims: &s.claims, trim: s.trimIn, log: s.log}, nil
}

func (t *tx) end() { _ = t.Rollback() }

// leaveOut reports a record that a list is returned without, because it cannot be read.
func (t *tx) leaveOut(bucket []byte, key string, err error) {
	t.log.Error("a stored record cannot be read and is left out", "bucket", string(bucket), "key", key, "error", err)
}
