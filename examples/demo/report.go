// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// report is what the demo tells: steps as they happen, a table of alerts, and whether the expectations held.
type report struct {
	out      io.Writer
	rows     []row
	checked  int
	failures []string
	told     int // how many of the failures the rows show
}

// row is one line of the table.
type row struct {
	alert    string
	scenario string
	to       string
	took     string
	why      string
	failed   bool // set by addRow
}

func (r *report) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// expect counts an expectation, and keeps the message of one that did not hold.
func (r *report) expect(held bool, format string, args ...any) {
	r.checked++
	if !held {
		r.failures = append(r.failures, fmt.Sprintf(format, args...))
	}
}

// addRow adds a row. It is marked when an expectation did not hold since the row before.
func (r *report) addRow(line row) {
	line.failed = len(r.failures) > r.told
	r.told = len(r.failures)
	r.rows = append(r.rows, line)
}

func (r *report) printTable() {
	w := tabwriter.NewWriter(r.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ALERT\tSCENARIO\tWENT TO\tIN\tBECAUSE")
	for _, row := range r.rows {
		mark := ""
		if row.failed {
			mark = "   <-- NOT AS EXPECTED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s%s\n", row.alert, row.scenario, row.to, row.took, row.why, mark)
	}
	_ = w.Flush() // out is a terminal or a buffer
	r.say("\nIN is the time from acceptance to the last delivery, with the sync to disk in between.\n")
}

// verdict says whether every expectation held; its error names those that did not.
func (r *report) verdict() error {
	if len(r.failures) > 0 {
		return fmt.Errorf("%d of %d expectations did not hold:\n  %s", len(r.failures), r.checked, strings.Join(r.failures, "\n  "))
	}
	r.say("All %d expectations held.", r.checked)
	return nil
}

// took is the time until the last delivery ended, and how many attempts that one needed where it was not the first.
func took(accepted time.Time, deliveries []client.Delivery) string {
	var longest time.Duration
	attempts := 0
	for _, d := range deliveries {
		if d.SettledAt != nil {
			longest = max(longest, d.SettledAt.Sub(accepted))
		}
		attempts = max(attempts, len(d.Attempts))
	}
	switch attempts {
	case 0:
		return ""
	case 1:
		return roughly(longest)
	}
	return fmt.Sprintf("%s, %d attempts", roughly(longest), attempts)
}

// roughly prints a time with as many digits as a person reads.
func roughly(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// last is what the last attempt at a delivery came to.
func last(d client.Delivery) string {
	if len(d.Attempts) == 0 || d.Attempts[len(d.Attempts)-1].Message == nil {
		return "no message"
	}
	return *d.Attempts[len(d.Attempts)-1].Message
}

// names returns the display names of destinations, sorted.
func names(destinations []client.ChosenDestination) []string {
	var list []string
	for _, d := range destinations {
		list = append(list, d.DisplayName)
	}
	slices.Sort(list)
	return list
}

func codes(warnings []client.RouteWarning) []client.RouteWarningCode {
	var list []client.RouteWarningCode
	for _, w := range warnings {
		list = append(list, w.Code)
	}
	return list
}
