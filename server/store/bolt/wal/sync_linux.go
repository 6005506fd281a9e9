// SPDX-License-Identifier: MPL-2.0

package wal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// syncData brings a file's data to disk, and of what describes it only what reading the data needs.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("fdatasync %s: %w", f.Name(), err)
		}
		return nil
	}
}
