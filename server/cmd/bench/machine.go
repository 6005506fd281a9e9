// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
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
		{"processor", machine.Processor()},
		{"memory", machine.Memory()},
		{"kernel", machine.Kernel()},
		{"file system", fmt.Sprintf("%s; 4 KB appended and synced in %s (median)", machine.FileSystem(o.dir), milliseconds(sync))},
		{"load average before", made.loadBefore + " (with nothing else running it is near 0)"},
		{"Go", machine.Go()},
		{"commit", machine.Commit(ctx, made.root)},
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
