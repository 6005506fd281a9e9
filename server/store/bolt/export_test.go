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

// DueKey is the key of a delivery in the index of what is due.
func DueKey(d *delivery.Delivery) string { return string(dueKeyOf(d)) }
