// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memory is what a process occupies, in bytes: files that it has mapped are part of all, not of own.
type memory struct{ all, own int64 }

func (m memory) String() string {
	return fmt.Sprintf("%.0f MB", float64(m.all)/1e6)
}

// memoryOf reads what a process occupies now, and the most it ever did.
func memoryOf(pid int) (now memory, peak int64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return now, 0, err
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // other lines have no number
		switch name {
		case "VmRSS":
			now.all = kib << 10
		case "RssAnon":
			now.own = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	if now.all == 0 {
		return now, 0, errors.New("this system does not tell a process's memory")
	}
	return now, peak, nil
}

// watchMemory looks at a process until the function it returns is called, which returns the most of each.
func watchMemory(pid int) func() (memory, error) {
	stop := make(chan struct{})
	var most memory
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			now, _, err := memoryOf(pid)
			if err == nil {
				most = memory{max(most.all, now.all), max(most.own, now.own)}
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() (memory, error) {
		_, peak, err := memoryOf(pid) // the kernel sees peaks between two looks
		close(stop)
		watching.Wait()
		most.all = max(most.all, peak)
		return most, err
	}
}

// ticksPerSecond is the unit of times in /proc on every architecture that Go supports.
const ticksPerSecond = 100

// processorTime is what a process has used.
func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the program's name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("this system does not tell a process's time")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / ticksPerSecond), err
}

// spent sums up the processor time that processes use between pairs of looks.
type spent struct {
	pids  []int
	begun []time.Duration // nil outside of a pair
	total []time.Duration
}

// look begins or ends a pair.
func (s *spent) look() error {
	times := make([]time.Duration, len(s.pids))
	for i, pid := range s.pids {
		var err error
		if times[i], err = processorTime(pid); err != nil {
			return err
		}
	}
	if s.begun == nil {
		s.begun = times
		return nil
	}
	if s.total == nil {
		s.total = make([]time.Duration, len(s.pids))
	}
	for i := range times {
		s.total[i] += times[i] - s.begun[i]
	}
	s.begun = nil
	return nil
}

// each is what the processes used for one of n alerts, in microseconds.
func (s *spent) each(n int) []float64 {
	out := make([]float64, len(s.total))
	for i, t := range s.total {
		out[i] = float64(t.Microseconds()) / float64(n)
	}
	return out
}
