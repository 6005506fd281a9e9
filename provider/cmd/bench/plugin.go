// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// accountVariable names the file to which each stand-in adds a line.
const accountVariable = "ALERTROUTER_BENCH_ACCOUNT"

// account is what a plugin's process cost.
type account struct {
	Plugin  time.Duration // processor time
	StandIn time.Duration // that of the process in its place, which is no part of what is measured
	Memory  int64         // the most that was resident, in bytes
}

// replaced tells whether this program was started in a plugin's place, and which plugin it is to start: the one of the
// same name in the directory "real" beside it.
func replaced(self string) (plugin string, ok bool) {
	dir, name := filepath.Split(self)
	return filepath.Join(dir, "real", name), strings.HasPrefix(name, "terraform-provider-")
}

// standIn runs a plugin as Terraform would have, notes what it cost, and returns the exit code.
func standIn(plugin string) int {
	signal.Ignore(os.Interrupt)                                              // Terraform gets it too, and stops its plugins
	cmd := exec.CommandContext(context.Background(), plugin, os.Args[1:]...) // it ends when Terraform says so
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	line, err := json.Marshal(account{Plugin: processorTime(cmd.ProcessState), StandIn: time.Duration(own.Utime.Nano() + own.Stime.Nano()), Memory: memory(cmd.ProcessState)})
	if err == nil {
		err = appendLine(os.Getenv(accountVariable), line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func appendLine(path string, line []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// processorTime is that of a process and of all it waited for.
func processorTime(p *os.ProcessState) time.Duration { return p.UserTime() + p.SystemTime() }

// memory is the most a process ever had resident.
func memory(p *os.ProcessState) int64 {
	used, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return used.Maxrss << 10 // Linux counts in KiB
}
