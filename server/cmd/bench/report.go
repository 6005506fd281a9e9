// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// row is a line of the table.
type row struct {
	what    string
	figure  string
	numbers []float64 // those in figure, or behind it; none is 0
	ratio   string    // "" when there is no yardstick
	value   float64   // of ratio
	of      string    // its yardstick
	goal    string    // "" when there is none
	met     *bool     // nil when there is no goal
	note    string
}

// comparedTo sets the ratio; figure writes the yardstick's own figure.
func (r *row) comparedTo(yardstick string, m beside, figure func(float64) string) {
	r.value, r.of = m.ratio, yardstick
	r.ratio = fmt.Sprintf("%.2f × %s (%s)", m.ratio, yardstick, figure(m.yardstick))
	r.numbers = append(r.numbers, m.ratio)
}

// atLeast sets a goal for the ratio.
func (r *row) atLeast(goal float64) {
	met := r.value >= goal
	r.goal, r.met = fmt.Sprintf("≥ %v × %s", goal, r.of), &met
}

// atMost sets a goal for a number.
func (r *row) atMost(number, goal float64, text string) {
	met := number <= goal
	r.goal, r.met = "≤ "+text, &met
}

func (r *row) verdict() string {
	switch {
	case r.met == nil:
		return "–"
	case *r.met:
		return "met"
	}
	return "**missed**"
}

// count writes a number of things as people read it: 15,210.
func count(n float64) string {
	text := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// perSecond writes a rate.
func perSecond(rate float64) string { return count(rate) + "/s" }

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// milliseconds writes a duration: with three digits that count, or whole milliseconds where those are more.
func milliseconds(d time.Duration) string {
	ms := float64(d.Microseconds()) / 1e3
	if ms >= 100 {
		return count(ms) + " ms"
	}
	return strconv.FormatFloat(ms, 'g', 3, 64) + " ms"
}

func inMilliseconds(seconds float64) string {
	return milliseconds(time.Duration(seconds * float64(time.Second)))
}

// publish prints the table, and writes the page where it is asked for, unless a measurement failed.
func publish(ctx context.Context, o options, made *outcome, out io.Writer) error {
	var table strings.Builder
	writeTable(&table, made.rows)
	fmt.Fprint(out, table.String())
	if o.out == "" || made.failed != nil {
		return nil
	}
	var page strings.Builder
	page.WriteString("# Benchmarks\n\n<!-- Made by `make bench`. DO NOT EDIT. -->\n\n")
	if err := describe(ctx, o, made, &page); err != nil {
		return err
	}
	page.WriteString("\n" + table.String() + "\n" + howToRead)
	return os.WriteFile(o.out, []byte(page.String()), 0o644)
}

func writeTable(w *strings.Builder, rows []row) {
	w.WriteString("| what | measured | beside its yardstick | goal | | more |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", r.what, r.figure, orDash(r.ratio), orDash(r.goal), r.verdict(), r.note)
	}
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

const howToRead = `## How to read it

The real server runs in a process of its own, with an empty store unless a row says otherwise; every alert that it accepts is synced to
disk before it answers. The load, the destinations and the server share the machine's cores.

Figures depend on the machine, and a machine differs from minute to minute, so the goals are ratios to what the same machine does at
most. A yardstick and what is measured beside it take turns; the ratio is the median of the turns' ratios, the rate the median
of their rates, and percentiles are exact, over all turns. The first part of each turn warms up and does not count.

- **echo** is a handler of the same web framework that decodes the alert's JSON and does nothing, sent the same alerts by the same load over
  as many connections (64 for batches). It checks no token, validates nothing, routes nothing, and stores nothing.
- **post** is a plain HTTP client that posts the alerts straight to the destinations' process over 64 connections.
- **accept**: each connection sends its next alert when the last one is answered. No destination is there, so nothing is delivered.
- **accept and deliver**: both rates are of the same window; the ratio is of the slower one. What was accepted and not delivered when the window ended is the
  backlog.
- **accepted → delivered**: alerts are sent when they are due, whatever became of those before. The time runs from when the sender has the answer
  to when the destination has the request's head; an alert that was faster than its own answer counts as 0. *From the request* runs from when the request was due to be sent, so that
  it holds the commit, too. What has not arrived a minute after the last request counts as a minute.
- **a destination that hangs** keeps every request for 30 seconds. Without it there are four destinations; its share of the load falls away.
- **drain, start**: the deliveries wait for a destination whose rate limit lets none through; lifting it begins the draining. A start runs from the
  start of the process until ` + "`/readyz`" + ` agrees; it is the median of three, and the files are in the system's cache.
- **memory** is what the system counts as resident, with the parts of the store's file that are mapped and happen to be cached. 1 MB is 1,000,000 bytes.
- **alerts in the store**: a server whose store was filled before takes turns with one whose store was empty when it began.
`
