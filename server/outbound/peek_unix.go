// SPDX-License-Identifier: MPL-2.0

//go:build unix

package outbound

import (
	"errors"
	"syscall"
)

const canPeek = true

// silent reports whether a connection is open with nothing to read. It does not wait, as the sockets of package net
// never block.
func silent(fd uintptr) bool {
	var next [1]byte
	_, _, err := syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK)
	return errors.Is(err, syscall.EAGAIN)
}
