// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// trimEvery is how long the writer lets the mapping grow at least.
const trimEvery = 250 * time.Millisecond

// trim takes the pages of the file that were looked at out of this process's memory. They stay in the system's cache,
// where reading one again costs a microsecond; but they would count as ours until the system is short of memory, and
// after a few minutes under load that is most of the file. It must not be called in a transaction: see trimIn.
func (s *Store) trim() {
	_ = s.db.View(func(t *bbolt.Tx) error {
		s.trimIn(t)
		return nil
	})
}

// trimIn does it in a transaction, in which the mapping does not move.
func (s *Store) trimIn(t *bbolt.Tx) {
	size := t.Size() // never more than what is mapped
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, s.db.Info().Data, uintptr(size), syscall.MADV_DONTNEED)
}
