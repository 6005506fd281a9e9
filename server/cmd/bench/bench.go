// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
)

// bench is what the measurements share.
type bench struct {
	options
	root   string // of the project
	work   string // everything written is below it
	binary string // the server
	alerts []template
	echo   *helper
	sink   *sink
}

// measurement makes rows of the table.
type measurement struct {
	name string
	run  func(ctx context.Context) ([]row, error)
}

func (b *bench) measurements() []measurement {
	return []measurement{
		{"accept-1", func(ctx context.Context) ([]row, error) { return b.accept(ctx, 1, 0.35) }},
		{"accept-16", func(ctx context.Context) ([]row, error) { return b.accept(ctx, 16, 0) }},
		{"accept-64", func(ctx context.Context) ([]row, error) { return b.accept(ctx, 64, 0.5) }},
		{"batch", b.acceptBatches},
		{"deliver-1", b.deliverToOne},
		{"deliver-5", b.deliverToFive},
		{"latency-200", func(ctx context.Context) ([]row, error) {
			return b.latency(ctx, 200, 1, 200*time.Microsecond, time.Millisecond)
		}},
		{"latency-1000", func(ctx context.Context) ([]row, error) { return b.latency(ctx, 1000, 5, 0, 5*time.Millisecond) }},
		{"hung", b.besideAHungDestination},
		{"drain", b.drain},
		{"start-empty", b.startEmpty},
		{"start-waiting", func(ctx context.Context) ([]row, error) { return b.startWaiting(ctx, b.waiting, time.Second, 0) }},
		{"start-many", func(ctx context.Context) ([]row, error) { return b.startWaiting(ctx, b.many, 3*time.Second, 300) }},
		{"large", b.largeStore},
	}
}

// outcome is all that a page is made of.
type outcome struct {
	rows       []row
	alerts     []template
	source     string // of alerts
	root       string // of the project
	loadBefore string // of the machine: what else ran
	failed     error  // names each measurement that failed
}

// measure makes every measurement that was asked for.
func measure(ctx context.Context, o options, progress io.Writer) (_ *outcome, err error) {
	b, made := &bench{options: o}, &outcome{loadBefore: machine.LoadAverage()}
	if b.root, err = moduleRoot(ctx); err != nil {
		return nil, err
	}
	if b.alerts, made.source, err = readAlerts(b.root, o.corpus); err != nil {
		return nil, err
	}
	made.alerts, made.root = b.alerts, b.root
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	if b.work, err = os.MkdirTemp(o.dir, "bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.work)
	if b.work, err = filepath.Abs(b.work); err != nil {
		return nil, err
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	if b.echo, err = startHelper(ctx, roleEcho); err != nil {
		return nil, err
	}
	defer b.echo.stop()
	if b.sink, err = startSink(ctx); err != nil {
		return nil, err
	}
	defer b.sink.stop()

	for _, m := range b.measurements() {
		if !o.only.MatchString(m.name) {
			continue
		}
		rows, err := m.make(ctx, progress)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			made.failed = errors.Join(made.failed, err)
		}
		made.rows = append(made.rows, rows...)
	}
	if len(made.rows) == 0 {
		return nil, fmt.Errorf("-only %s is the name of no measurement", o.only)
	}
	return made, nil
}

// make makes the measurement's rows, and tells of each. When it fails, there is one that says so.
func (m measurement) make(ctx context.Context, progress io.Writer) ([]row, error) {
	began := time.Now()
	rows, err := m.run(ctx)
	if err == nil && len(rows) == 0 {
		err = errors.New("it made no row")
	}
	if err != nil {
		err = fmt.Errorf("measure %s: %w", m.name, err)
		rows = []row{{what: m.name, figure: "**failed**"}}
	}
	for _, r := range rows {
		fmt.Fprintf(progress, "%-13s %5.1fs  %s: %s %s %s\n", m.name, time.Since(began).Seconds(), r.what, r.figure, r.ratio, r.verdict())
	}
	return rows, err
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the project; run it inside of it: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// turns is how often a yardstick and what is measured with it take turns, so that both see the same minute.
func (b *bench) turns() int {
	if b.quick {
		return 1
	}
	return 5
}

// turn is how long one of them lasts.
func (b *bench) turn() time.Duration { return b.duration / time.Duration(b.turns()) }

// beside are the medians of turns.
type beside struct{ figure, yardstick, ratio float64 }

// alternate lets a yardstick and what is measured with it take turns. The ratio of each figure is to the yardstick just
// before it.
func alternate(turns int, yardstick, measured func() (float64, error)) (beside, error) {
	var figures, yardsticks, ratios []float64
	for range turns {
		y, err := yardstick()
		if err != nil {
			return beside{}, err
		}
		m, err := measured()
		if err != nil {
			return beside{}, err
		}
		figures, yardsticks, ratios = append(figures, m), append(yardsticks, y), append(ratios, m/y)
	}
	return beside{median(figures), median(yardsticks), median(ratios)}, nil
}

// median returns the middle of values, or the mean of the two in the middle. There must be one.
func median[T ~float64 | ~int64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// percentile returns the least of sorted values such that p percent of them are no more than it; 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
