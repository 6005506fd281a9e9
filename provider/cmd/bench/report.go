// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
)

// goal is how much of the no-op provider's time and processor time a plan that changes nothing may take.
const goal = 1.3

// describe tells what is measured, where and when.
func (b *bench) describe(ctx context.Context, load string) [][2]string {
	turns := fmt.Sprintf("%d of a plan that changes nothing (%d with more than %d resources), 1 of the others", b.turns, b.turnsOf(many+1), many)
	if b.quick {
		turns += "; a quick run, to see that everything works: its figures say little"
	}
	return [][2]string{
		{"processor", machine.Processor()},
		{"memory", machine.Memory()},
		{"kernel", machine.Kernel()},
		{"file system", machine.FileSystem(b.dir)},
		{"load average before", load + " (with nothing else running it is near 0)"},
		{"engine", fmt.Sprintf("%s, -parallelism=%d, state in a local file", b.engine.version, b.parallelism)},
		{"Go", machine.Go()},
		{"commit", machine.Commit(ctx, b.root)},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 MST")},
		{"turns", turns},
	}
}

// publish prints the page, and writes it where it is asked for.
func publish(o options, made *outcome, out io.Writer) error {
	var page strings.Builder
	page.WriteString("# Benchmarks of the provider\n\n<!-- Made by `make bench-provider`. DO NOT EDIT. -->\n\n| | |\n|---|---|\n")
	for _, line := range made.about {
		fmt.Fprintf(&page, "| %s | %s |\n", line[0], line[1])
	}
	for _, s := range made.sizes {
		s.writeTo(&page)
	}
	page.WriteString("\n" + howToRead)
	fmt.Fprint(out, page.String())
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(page.String()), 0o644)
}

func (s size) writeTo(w *strings.Builder) {
	fmt.Fprintf(w, "\n## %d resources\n\n| what |", s.n)
	for _, subject := range subjects {
		fmt.Fprintf(w, " %s |", subject.name)
	}
	w.WriteString(" beside the no-op provider | goal | |\n|---|---|---|---|---|---|---|\n")
	for _, step := range s.steps {
		wall, cpu := step.ratio(theirs, wallOf), step.ratio(theirs, cpuOf)
		target, verdict := "–", "–"
		if step.name == noop {
			target, verdict = fmt.Sprintf("≤ %.2f × both", goal), "met"
			if max(wall, cpu) > goal {
				verdict = "**missed**"
			}
		}
		fmt.Fprintf(w, "| %s | %s | %.2f × the time, %.2f × the processor time | %s | %s |\n", step.name, strings.Join(step.cells(), " | "), wall, cpu, target, verdict)
	}
	plan := s.steps[slices.IndexFunc(s.steps, func(s step) bool { return s.name == noop })]
	share := func(subject int) string {
		return fmt.Sprintf("%s of %s", seconds(plan.median(subject, pluginOf)), seconds(plan.median(subject, cpuOf)))
	}
	fmt.Fprintf(w, `
- A plan that changes nothing, beside the no-op provider with its log turned off: %.2f × the time, %.2f × the processor time.
- The plugin's own part of the processor time of such a plan: %s; the no-op provider's: %s, with its log turned off %s. It was started %d times.
- Requests of such a plan: %d, a GET for each destination; others: %s.
- The control plane answers such a GET in %s (p50), %s (p99), asked over %d connections by nobody else.
- The most memory that the plugin's process had in any step: %s; the no-op provider's: %s.
`, plan.ratio(silent, wallOf), plan.ratio(silent, cpuOf), share(ours), share(theirs), share(silent), plan.turns[0][ours].starts,
		len(s.gets), cmp.Or(strings.Join(s.asked, ", "), "none"), milliseconds(percentile(s.gets, 50)), milliseconds(percentile(s.gets, 99)), connections,
		megabytes(s.memory(ours)), megabytes(s.memory(theirs)))
}

// The figures of a cost, in seconds.
func wallOf(c cost) float64   { return c.wall.Seconds() }
func cpuOf(c cost) float64    { return c.cpu.Seconds() }
func pluginOf(c cost) float64 { return c.plugin.Seconds() }

// memory is the most that a subject's plugin had in any step.
func (s size) memory(subject int) int64 {
	var most int64
	for _, step := range s.steps {
		for _, turn := range step.turns {
			most = max(most, turn[subject].memory)
		}
	}
	return most
}

// cells are the step's time and processor time with each subject.
func (s step) cells() []string {
	var cells []string
	for i := range subjects {
		cells = append(cells, seconds(s.median(i, wallOf))+", processor "+seconds(s.median(i, cpuOf)))
	}
	return cells
}

// median is of a figure of one subject over the turns.
func (s step) median(subject int, of func(cost) float64) float64 {
	var figures []float64
	for _, turn := range s.turns {
		figures = append(figures, of(turn[subject]))
	}
	return median(figures)
}

// ratio is the median of the turns' ratios of the provider's figure to a yardstick's.
func (s step) ratio(yardstick int, of func(cost) float64) float64 {
	var ratios []float64
	for _, turn := range s.turns {
		ratios = append(ratios, of(turn[ours])/of(turn[yardstick]))
	}
	return median(ratios)
}

// median returns the middle of values, or the mean of the two in the middle. There must be one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// percentile returns one of sorted values: that below which p percent of them are.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }

// milliseconds writes a duration with three digits that count.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1e3, 'g', 3, 64) + " ms"
}

const howToRead = `## How to read it

Each column is a configuration of as many resources of its kind, each in a block of its own: Slack destinations and webhooks in turn, each with a
write-only secret, against the real control plane on the same machine; the same arguments for a resource of a provider that has about as many
attributes, stores what it is given and calls nobody; and ` + "`terraform_data`" + `, which is built into Terraform. What the second costs is
Terraform's and the plugin framework's. A part of that is the log that every plugin writes and Terraform reads, only to throw it away unless ` + "`TF_LOG`" + `
asks for it; this provider does not write it then, so it can cost less than one that does nothing.

The processor time is that of Terraform and the plugins it started, without the control plane's. Figures depend on the machine, and a machine
differs from minute to minute: the three take turns, and where there are several turns, the figures are medians, and the ratio is the median of the
turns' ratios. 1 MB is 1,000,000 bytes.
`
