// SPDX-License-Identifier: MPL-2.0

// Package bolt is the embedded store: one bbolt file, served by one process.
//
//	bolt.go          opening, closing, the schema
//	commit.go        the writer: one goroutine, and a commit that takes everybody who waits
//	tx.go            a transaction, and the buckets
//	index.go         the keys, and which deliveries are owed or failed
//	trim_linux.go    giving back memory that only mirrors the file
//	claims.go        what this process is at work on, in memory
//	codec.go         how records are kept
//	alerts.go        accepting alerts, adding deliveries to them
//	queue.go         claiming and settling deliveries
//	replay.go        failing and replaying deliveries
//	fallback.go      giving an alert to the destination that stands in for another
//	list.go          lists of alerts and deliveries, newest first
//	page.go          cursors, and how far one page looks
//	settings.go      what the small records have in common; the keyset
//	destinations.go, overrides.go, tokens.go, tests.go
package bolt

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

const (
	// schema is the version of the layout that this package reads and writes.
	schema = 2

	// lockTimeout is how long Open waits for the file: long enough for a predecessor that has just let go.
	lockTimeout = 100 * time.Millisecond

	// mapSize is the address space set aside at first. Growing beyond it waits for the readers of the moment. On
	// Windows the file itself would be made that large, so there it grows as it must.
	mapSize = 1 << 30

	// freelistPages is how many free pages the list of them is kept for in the file. With the list, a start after a
	// crash takes a millisecond; without it, bbolt looks at every page (0.5 s for a million alerts of 1 KB that are
	// cached). But a commit writes the list again, and with 100,000 pages, as a removal of many alerts leaves, that
	// takes 3 ms each time.
	freelistPages = 4096
)

// Options are the parts of a store that its user may set. The zero value is ready for use.
type Options struct {
	// OnCommit is called after each commit with the number of operations in it and the time it took, failed ones
	// included. It is called from the writer, so it must be quick.
	OnCommit func(operations int, took time.Duration)

	// Log hears of stored records that cannot be read. Nil discards.
	Log *slog.Logger

	mapSize int // instead of the usual one, in tests
}

// Store keeps everything in one file. It is safe for concurrent use.
type Store struct {
	db       *bbolt.DB
	path     string
	onCommit func(operations int, took time.Duration)
	log      *slog.Logger

	writer     writer
	operations sync.Pool
	claims     claims
	pending    atomic.Int64
	retrying   atomic.Int64
	stuck      atomic.Int64  // bytes of the largest commit that failed, until one as large succeeds; 0 is none
	probing    chan struct{} // held by the one Check that finds out
	scan       int           // how many records one page of a list looks at
	tested     []byte        // key of the test outcome looked at last; the writer's

	closing  sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file at path, which it makes if there is none. The file is locked: a second Open, by
// whatever process, fails at once.
func Open(path string, o Options) (*Store, error) {
	_, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	options := &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
	}
	if runtime.GOOS != "windows" && strconv.IntSize == 64 {
		options.InitialMmapSize = cmp.Or(o.mapSize, mapSize)
	}
	db, err := bbolt.Open(path, 0o600, options)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("another process has the store open: %s", path)
	case err != nil:
		return nil, fmt.Errorf("open the store: %w: %w", store.ErrUnavailable, err)
	}
	s := &Store{db: db, path: path, onCommit: o.OnCommit, log: o.Log, probing: make(chan struct{}, 1), scan: scanLimit}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.prepare(fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), db.Close())
	}
	s.trim() // after a walk through all that is due
	s.claims.init()
	s.writer.init()
	go s.write()
	return s, nil
}

// prepare brings the schema up to date and counts what is owed.
func (s *Store) prepare(fresh bool) error {
	if fresh {
		syncDirectory(filepath.Dir(s.path))
	}
	version, empty, err := s.version()
	if err != nil {
		return err
	}
	switch {
	case version > schema:
		return fmt.Errorf("it was written by a newer version of the server (schema %d, this one knows %d)", version, schema)
	case version == 0 && !empty:
		return errors.New("the file is not a store of this server")
	case version < schema:
		if err := s.db.Update(create); err != nil {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
	}
	return s.recount()
}

// version reads the schema's version, 0 when there is none; empty says that the file holds nothing at all.
func (s *Store) version() (version int, empty bool, err error) {
	err = s.db.View(func(t *bbolt.Tx) error {
		first, _ := t.Cursor().First()
		empty = first == nil
		meta := t.Bucket(bucketMeta)
		if meta == nil {
			return nil
		}
		if version, err = strconv.Atoi(string(meta.Get(metaSchema))); err != nil {
			return fmt.Errorf("its schema version cannot be read: %w", err)
		}
		return nil
	})
	return version, empty, err
}

func create(t *bbolt.Tx) error {
	for _, name := range buckets {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return t.Bucket(bucketMeta).Put(metaSchema, strconv.AppendInt(nil, schema, 10))
}

// syncDirectory makes a new file's name survive a loss of power. Not every system can do it, and none needs it to go
// on, so a failure is not an error.
func syncDirectory(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// Close waits for the operations under way, those waiting included, and releases the file. Later calls wait for the
// first and return what it returned.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.writer.close()
		<-s.writer.ended
		s.keepFreelist()
		if err := s.db.Close(); err != nil {
			s.closeErr = fmt.Errorf("close the store: %w", err)
		}
	})
	return s.closeErr
}

// keepFreelist writes the list of free pages if the last commits did not, so that the next start is quick. Without it
// that start takes longer, and nothing else.
func (s *Store) keepFreelist() {
	if s.db.NoFreelistSync {
		s.db.NoFreelistSync = false
		_ = s.db.Update(func(*bbolt.Tx) error { return nil })
	}
}

// Check reports whether the store can be written to. It writes nothing while all is well; after a failed commit it
// finds out with one as large: on a full disk there is often room for a small one.
func (s *Store) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.writer.isClosed() {
		return errClosed
	}
	if s.stuck.Load() == 0 {
		return nil
	}
	select {
	case s.probing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.probing }()
	if size := s.stuck.Load(); size > 0 {
		return s.probe(ctx, size)
	}
	return nil // somebody else found out meanwhile
}

// probe makes a commit of a size, and takes it back.
func (s *Store) probe(ctx context.Context, size int64) error {
	value := make([]byte, size)
	_, _ = rand.Read(value) // some file systems keep zeros in no room at all
	err := s.update(ctx, len(value), func(t *tx) error { return t.put(bucketMeta, metaProbe, value) })
	if err != nil {
		return err
	}
	return s.update(ctx, 0, func(t *tx) error { return t.delete(bucketMeta, metaProbe) })
}

// Backlog counts the open deliveries.
func (s *Store) Backlog() delivery.Backlog {
	return delivery.Backlog{Pending: s.pending.Load(), Retrying: s.retrying.Load()}
}

var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)
