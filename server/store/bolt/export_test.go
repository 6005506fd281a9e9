// SPDX-License-Identifier: MPL-2.0

package bolt

// SetScan sets how many records one page of a list looks at.
func (s *Store) SetScan(n int) { s.scan = n }

// SmallMap sets little address space aside, so that the mapping moves as the file grows.
func SmallMap(o Options) Options {
	o.mapSize = 1
	return o
}

// Queued returns how many operations wait for the writer.
func (s *Store) Queued() int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.queue)
}
