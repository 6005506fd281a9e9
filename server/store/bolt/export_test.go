// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

// SetScan sets how many records one page of a list looks at.
func (s *Store) SetScan(n int) { s.scan = n }

// SmallMap sets little address space aside, so that the mapping moves as the file grows.
func SmallMap(o Options) Options {
	o.mapSize = 1
	return o
}

// WithLog has the files of the log opened by somebody else.
func WithLog(o Options, open func(path string) (wal.File, error)) Options {
	o.openLog = open
	return o
}

// SmallSegments has the files of the log take turns often.
func SmallSegments(o Options) Options {
	o.segmentSize = 2 << 10
	return o
}

// AroundCommits has before and after called around each commit of the database. An error of before is a commit that
// failed; one of after is the commit's, although it is there.
func AroundCommits(o Options, before, after func() error) Options {
	o.beforeCommit, o.afterCommit = before, after
	return o
}

// Appending returns how many operations wait for the log.
func (s *Store) Appending() int {
	s.appender.mu.Lock()
	defer s.appender.mu.Unlock()
	return len(s.appender.queue)
}

// Queued returns how many operations wait for the writer.
func (s *Store) Queued() int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.queue)
}

// Behind returns how many bytes are in the logs and not in the database.
func (s *Store) Behind() int64 { return s.behind.Load() }

// Stuck returns how large a commit failed, until one as large succeeds.
func (s *Store) Stuck() int64 { return s.stuck.Load() }

// Reading returns how many transactions read the database.
func (s *Store) Reading() int { return s.db.Stats().OpenTxN }

// Recent returns how many alerts are known to be logged and not in the database.
func (s *Store) Recent() int {
	s.appender.recentMu.Lock()
	defer s.appender.recentMu.Unlock()
	return len(s.appender.recent)
}

// Claims returns how many claims are held.
func (s *Store) Claims() int {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	return len(s.claims.held)
}

// DueKey is the key of a delivery in the index of what is due.
func DueKey(d *delivery.Delivery) string { return string(dueKeyOf(d)) }
