// SPDX-License-Identifier: MPL-2.0

// Package machine is what the benchmarks share: it tells what they run on and what they measure, the lines at the top of
// their pages, and waits for a control plane to start.
package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// unknown stands for what a system does not tell.
const unknown = "unknown"

// Processor is the processor's name and its number of cores.
func Processor() string {
	return fmt.Sprintf("%s, %d cores", after("/proc/cpuinfo", "model name"), runtime.NumCPU())
}

// Kernel is the system and its release.
func Kernel() string { return runtime.GOOS + " " + firstLine("/proc/sys/kernel/osrelease") }

// Go is the version of Go and what it builds for.
func Go() string { return fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH) }

func firstLine(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return unknown
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

// after returns what stands after a name in a file of names and values.
func after(file, name string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

// Memory is how much there is.
func Memory() string {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(after("/proc/meminfo", "MemTotal"), " kB"), 64)
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%.0f GB", kib*1024/1e9)
}

// FileSystem is the type of the one that a directory is on.
func FileSystem(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return unknown
	}
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return unknown
	}
	kind, longest := unknown, 0
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || len(fields[1]) < longest {
			continue
		}
		if at := strings.TrimSuffix(fields[1], "/"); dir == at || strings.HasPrefix(dir, at+"/") {
			kind, longest = fields[2], len(fields[1])
		}
	}
	if kind == "tmpfs" {
		kind += " (in memory: what syncing to disk costs is not in the figures)"
	}
	return kind
}

// LoadAverage is how many processes wanted a core over the last minute.
func LoadAverage() string {
	first, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	return first
}

// Commit is what was measured, as far as git knows; root is the project.
func Commit(ctx context.Context, root string) string {
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
		if err != nil {
			return unknown
		}
		return strings.TrimSpace(string(out))
	}
	head := git("rev-parse", "--short=12", "HEAD")
	if changed := git("status", "--porcelain", "--", "*.go", "go.mod", "go.sum"); changed != "" && changed != unknown {
		head += ", with changes that are not committed"
	}
	return head
}
