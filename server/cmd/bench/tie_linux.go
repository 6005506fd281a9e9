// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os/exec"
	"syscall"
)

// tie makes the kernel kill a process when this one ends in whatever way.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
