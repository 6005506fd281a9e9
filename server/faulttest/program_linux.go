// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"os/exec"
	"syscall"
)

// tie makes the kernel kill the program when this process ends in whatever way, a test's time-out included.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
