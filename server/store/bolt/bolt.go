// SPDX-License-Identifier: MPL-2.0

// Package bolt is the embedded store: one bbolt file, served by one process.
//
//	bolt.go          opening, closing, the schema
//	log.go           the write-ahead log, which is synced before anybody is answered
//	commit.go        the writer: one goroutine that brings what was logged, and whatever else waits, to the database
//	fresh.go         what was accepted and may be settled before it is written
//	tx.go            a transaction, and the buckets
//	index.go         the keys, and which deliveries are owed or failed
//	trim_linux.go    giving back memory that only mirrors the file
//	claims.go        what this process is at work on, in memory
//	codec.go         how records are kept
//	cbor.go          writing those there are of every alert
//	alerts.go        accepting alerts, adding deliveries to them
//	queue.go         claiming and settling deliveries
//	replay.go        failing and replaying deliveries
//	oldest.go        where the open deliveries begin
//	raised.go        what was raised, and when
//	fallback.go      giving an alert to the destination that stands in for another
//	retention.go     removing old alerts
//	backup.go        a copy of the running store, and what a copy holds
//	check.go         whether all that is kept fits together
//	compact.go       making the file as small as what it holds
//	list.go          lists of alerts and deliveries, newest first
//	page.go          cursors, and how far one page looks
//	settings.go      what the small records have in common; the keyset
//	deleted.go       the ids of deleted destinations
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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

const (
	// schema is the version of the layout that this package reads and writes.
	schema = 2

	// lockTimeout is how long Open waits for the file: long enough for a predecessor that has just let go.
	lockTimeout = 100 * time.Millisecond

	// mapSize is the address space set aside at first. Growing beyond it waits for the readers of the moment. On
	// Windows the file itself would be made that large, so there it grows as it must.
	mapSize = 1 << 35

	// freelistPages is how many free pages the list of them is kept for in the file. With the list, a start after a
	// crash takes a millisecond; without it, bbolt looks at every page (0.5 s for a million alerts of 1 KB that are
	// cached). But a commit writes the list again, and with 100,000 pages, as a removal of many alerts leaves, that
	// takes 3 ms each time.
	freelistPages = 4096
)

// Options are the parts of a store that its user may set. The zero value is ready for use.
type Options struct {
	// OnCommit is called after each sync of the log, and each commit to the database, with the number of operations in
	// it and the time it took, failed commits included. It must be quick, and safe for concurrent use. It is not called
	// before Open returns.
	OnCommit func(operations int, took time.Duration)

	// Log hears of stored records that cannot be read. Nil discards.
	Log *slog.Logger

	// In tests, instead of the usual ones.
	mapSize     int
	segmentSize int64
	openLog     func(path string) (wal.File, error)

	// In tests, called around each commit of the database. An error of the first is a commit that failed; one of the
	// second is the commit's, although it is there.
	beforeCommit, afterCommit func() error
}

// Store keeps everything in one file. It is safe for concurrent use.
type Store struct {
	db       *bbolt.DB
	path     string
	onCommit func(operations int, took time.Duration)
	log      *slog.Logger

	beforeCommit, afterCommit func() error // see Options

	logs       [logCount]*wal.Log
	appender   appender
	writer     writer
	operations sync.Pool
	claims     claims
	fresh      fresh        // the writer's, for the next transaction
	pending    atomic.Int64 // in the database; what is only in the log is in the two below
	retrying   atomic.Int64

	behind         atomic.Int64 // bytes in the log and not in the database
	pendingBehind  atomic.Int64 // open deliveries accepted in them
	retryingBehind atomic.Int64

	recovered []*operation // found at the start, and not in the database yet; the writer's

	settling       sync.Mutex // held by who writes the log of settlements
	settlingClosed bool

	stuck    atomic.Int64  // bytes of the largest commit that failed, until one as large succeeds; 0 is none
	logStuck atomic.Int64  // the same of the log
	probing  chan struct{} // held by the one Check that finds out
	probe    atomic.Bool   // a Check is to come
	scan     int           // how many records one page of a list looks at
	tested   []byte        // key of the test outcome looked at last; the writer's
	deleted  []byte        // the same of the deleted destinations

	closing  sync.Once
	closeErr error

	oldest oldest
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
	s := &Store{
		db: db, path: path, log: o.Log, probing: make(chan struct{}, 1), scan: scanLimit,
		beforeCommit: o.beforeCommit, afterCommit: o.afterCommit,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.prepare(fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), db.Close())
	}
	s.claims.init()
	s.writer.init()
	s.appender.init()
	if err := s.recover(wal.Options{Open: o.openLog, SegmentSize: o.segmentSize}); err != nil {
		s.writer.close()
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.closeLogs(false), db.Close())
	}
	s.trim() // after a walk through all that is due
	s.onCommit = o.OnCommit
	go s.write()
	go s.writeLog()
	return s, nil
}

// recover opens the logs, and brings what a crash left there to the database: what was accepted, then what was settled.
func (s *Store) recover(o wal.Options) error {
	var id wal.ID
	var after [logCount]uint64
	err := s.read(context.Background(), func(t *tx) error {
		copy(id[:], t.get(bucketMeta, metaID))
		after = loggedIn(t.Tx)
		return nil
	})
	if err != nil {
		return err
	}
	var found []*operation
	for log, path := range LogPaths(s.path) {
		if s.logs[log], err = wal.Open(path, id, o); err != nil {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		gap, err := s.logs[log].Recover(after[log], func(number uint64, entry []byte) error {
			op, err := recovered(log, number, entry)
			if err != nil {
				s.log.Error("an entry of the log cannot be read and is left out", "log", path, "frame", number, "error", err)
				return nil
			}
			s.behind.Add(int64(op.size))
			found = append(found, &op.operation)
			return nil
		})
		if err != nil {
			return err
		}
		if gap {
			s.reportGap(log, path)
		}
	}
	syncDirectory(filepath.Dir(s.path))
	if len(found) == 0 {
		return nil
	}
	s.log.Info("what the last stop left in the log is brought to the database", "entries", len(found))
	s.recovered, err = s.commit(found)
	if len(s.recovered) > 0 { // it is tried again: reads go on, and nothing new is accepted until then
		s.log.Error("the database cannot be written to", "error", err)
	}
	return nil
}

// reportGap says that a part of a log is damaged, and keeps the log as it is found.
func (s *Store) reportGap(log int, path string) {
	if log == settlements {
		s.log.Warn("a part of the log of attempts is damaged: some may be made again", "log", path)
		return
	}
	for _, file := range wal.Paths(path) {
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file+".damaged", data, 0o600)
		}
		s.log.Error("a part of the log is damaged: alerts that were accepted just before the last stop are lost; a copy is kept",
			"log", file, "copy", file+".damaged", "error", err)
	}
}

// LogPaths returns where the logs of the store at path are; see [wal.Paths].
func LogPaths(path string) [logCount]string {
	base := strings.TrimSuffix(path, filepath.Ext(path)) + ".wal"
	return [...]string{acceptances: base, settlements: base + ".settled"}
}

// closeLogs closes the logs; with remove, they hold nothing that is not in the database.
func (s *Store) closeLogs(remove bool) error {
	var errs []error
	for _, log := range s.logs {
		switch {
		case log == nil:
		case remove:
			errs = append(errs, log.Remove())
		default:
			errs = append(errs, log.Close())
		}
	}
	return errors.Join(errs...)
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
	meta := t.Bucket(bucketMeta)
	if meta.Get(metaID) == nil {
		var id wal.ID
		_, _ = rand.Read(id[:])
		if err := meta.Put(metaID, id[:]); err != nil {
			return err
		}
	}
	return meta.Put(metaSchema, strconv.AppendInt(nil, schema, 10))
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
		s.appender.close()
		<-s.appender.ended
		s.settling.Lock()
		s.settlingClosed = true
		s.settling.Unlock()
		s.writer.close()
		<-s.writer.ended
		s.keepFreelist()
		s.closeErr = s.closeLogs(s.behind.Load() == 0) // what is left the next Open brings to the database
		if err := s.db.Close(); err != nil {
			s.closeErr = errors.Join(s.closeErr, fmt.Errorf("close the store: %w", err))
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
	if s.stuck.Load() == 0 && s.logStuck.Load() == 0 {
		return nil
	}
	select {
	case s.probing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.probing }()
	if s.stuck.Load() > 0 {
		if err := s.probeDatabase(ctx); err != nil {
			return err
		}
	}
	if size := s.logStuck.Load(); size > 0 {
		return s.probeLog(ctx, size)
	}
	return nil
}

// probeDatabase finds out with what waits in the log, if anything does, or else with a commit as large as the one that
// failed, which it takes back.
func (s *Store) probeDatabase(ctx context.Context) error {
	if s.behind.Load() > 0 {
		err := s.update(ctx, 0, func(*tx) error { return nil })
		if err == nil {
			s.stuck.Store(0)
		}
		return err
	}
	value := make([]byte, s.stuck.Load())
	_, _ = rand.Read(value) // some file systems keep zeros in no room at all
	err := s.update(ctx, len(value), func(t *tx) error { return t.put(bucketMeta, metaProbe, value) })
	if err != nil {
		return err
	}
	return s.update(ctx, 0, func(t *tx) error { return t.delete(bucketMeta, metaProbe) })
}

// probeLog writes a frame of a size that says nothing.
func (s *Store) probeLog(ctx context.Context, size int64) error {
	entry := make([]byte, size)
	_, _ = rand.Read(entry)
	entry[0] = entryNothing
	return s.append(ctx, &logged{entry: entry, operation: operation{size: len(entry), done: make(chan error, 1)}})
}

// probeEvery is how often a store that failed finds out by itself whether it can be written to again.
const probeEvery = time.Second

// probeLater has Check find out in a while, unless that is to happen anyhow.
func (s *Store) probeLater() {
	if s.probe.CompareAndSwap(false, true) {
		time.AfterFunc(probeEvery, func() {
			s.probe.Store(false)
			if err := s.Check(context.Background()); err != nil && !s.writer.isClosed() {
				s.probeLater()
			}
		})
	}
}

// Backlog counts the open deliveries. Those settled a moment ago are counted until that is in the database.
func (s *Store) Backlog() delivery.Backlog {
	return delivery.Backlog{
		Pending: s.pending.Load() + s.pendingBehind.Load(), Retrying: s.retrying.Load() + s.retryingBehind.Load(),
	}
}

var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)
