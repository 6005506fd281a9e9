// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// describe writes what was measured, where and when.
func describe(ctx context.Context, o options, made *outcome, w *strings.Builder) error {
	sync, err := syncTime(o.dir)
	if err != nil {
		return err
	}
	size := 0
	for _, a := range made.alerts {
		size += a.sent()
	}
	length := o.duration.String()
	if o.quick {
		length += "; a quick run, to see that everything works: its figures say little"
	}
	w.WriteString("| | |\n|---|---|\n")
	for _, line := range [][2]string{
		{"processor", fmt.Sprintf("%s, %d cores", after("/proc/cpuinfo", "model name"), runtime.NumCPU())},
		{"memory", totalMemory()},
		{"kernel", runtime.GOOS + " " + firstLine("/proc/sys/kernel/osrelease")},
		{"file system", fmt.Sprintf("%s; 4 KB appended and synced in %s (median)", fileSystem(o.dir), milliseconds(sync))},
		{"load average before", made.loadBefore + " (with nothing else running it is near 0)"},
		{"Go", fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)},
		{"commit", commit(ctx, made.root)},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 MST")},
		{"alerts", fmt.Sprintf("%s: %d, made distinct by their ids, %s bytes on average", made.source, len(made.alerts), count(float64(size)/float64(len(made.alerts))))},
		{"load of a measurement", length},
	} {
		fmt.Fprintf(w, "| %s | %s |\n", line[0], line[1])
	}
	return nil
}

// syncTime measures what every durable acceptance waits for at least.
func syncTime(dir string) (time.Duration, error) {
	file, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var took []time.Duration
	block := make([]byte, 4<<10)
	for range 200 {
		began := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return median(took), nil
}

// unknown stands for what a system does not tell.
const unknown = "unknown"

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

func totalMemory() string {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(after("/proc/meminfo", "MemTotal"), " kB"), 64)
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%.0f GB", kib*1024/1e9)
}

// fileSystem is the type of the one that a directory is on.
func fileSystem(dir string) string {
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

// loadAverage is how many processes wanted a core over the last minute.
func loadAverage() string {
	first, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	return first
}

// commit is what was measured, as far as git knows.
func commit(ctx context.Context, root string) string {
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
