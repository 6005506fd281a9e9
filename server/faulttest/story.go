// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stories is how many complaints are told in full.
const stories = 3

// report prints the summary, and what is wrong.
func (r *run) report(p *Program, b *books) {
	r.Helper()
	r.mu.Lock()
	complaints := slices.Clone(r.complaints)
	r.mu.Unlock()
	r.Log("\n" + r.summary(b))
	for i, c := range complaints {
		switch {
		case i < stories:
			r.Errorf("alert %q: %s\n%s", c.alertID, c.text, r.story(b, c.alertID))
		case i < 10*stories:
			r.Errorf("alert %q: %s", c.alertID, c.text)
		}
	}
	if len(complaints) > 0 {
		r.Errorf("%d complaints in all; seed %d; the last program said:\n%s", len(complaints), r.Seed, lastLines(p.Log(), 20))
	}
}

func (r *run) summary(b *books) string {
	count, lost := r.load.count, 0
	for id, s := range r.load.sent {
		if _, there := b.alerts[id]; s.acknowledged && !there {
			lost++
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d: %d kills; %d alerts sent, %d acknowledged, %d stored, %d acknowledged and lost\n",
		r.Seed, len(r.killed), len(r.load.sent), count.acknowledged, len(b.alerts), lost)
	fmt.Fprintf(&text, "%d answers lost, %d alerts forgotten after that; %d sent again on purpose, %d with other content\n",
		count.uncertain, count.forgotten, count.repeated, count.conflicting)
	fmt.Fprintf(&text, "%-9s %10s %7s %5s %9s %11s %10s %14s %14s\n", "sink", "delivered", "failed", "open", "requests", "duplicates", "ambiguous", "lost outcomes", "most at a kill")
	for _, s := range r.sinks {
		c := b.perSink[s.ID]
		all, most := 0, 0
		for _, n := range c.unrecorded {
			all, most = all+n, max(most, n)
		}
		fmt.Fprintf(&text, "%-9s %10d %7d %5d %9d %11d %10d %14d %14d\n", s.Name, c.delivered, c.failed, c.open, c.arrivals, c.duplicates, c.ambiguous, all, most)
	}
	return text.String()
}

// moment is one thing that happened.
type moment struct {
	at   time.Time
	what string
}

// story tells all that is known of an alert, in the order of time.
func (r *run) story(b *books, alertID string) string {
	if alertID == "" {
		return ""
	}
	var all []moment
	add := func(at time.Time, format string, args ...any) {
		all = append(all, moment{at, fmt.Sprintf(format, args...)})
	}
	for g, p := range r.programs {
		add(p.Begun, "-- program %d started", g)
	}
	for g, at := range r.killed {
		add(at, "-- program %d killed", g)
	}
	if s := r.load.sent[alertID]; s != nil {
		s.mu.Lock()
		for _, try := range s.tries {
			add(try.at, "sent to program %d: %s", try.generation, try.answer)
		}
		s.mu.Unlock()
	}
	for _, s := range r.sinks {
		for _, id := range s.deliveries() {
			for _, a := range s.of(id) {
				if a.AlertID == alertID {
					add(a.At, "%s got %s from program %d and answered %d: it %s", s.Name, id, a.Generation, a.Status, a.What)
				}
			}
		}
	}
	var text strings.Builder
	for _, d := range b.deliveries {
		if d.AlertID != alertID {
			continue
		}
		for i, a := range d.Attempts {
			message := ""
			if a.Message != nil {
				message = *a.Message
			}
			add(a.At, "%s attempt %d of %s began, by the program's record: %s after %.0f ms %q", r.sinkName(d.DestinationID), i+1, d.ID, a.Outcome, a.DurationMs, message)
		}
		r.mu.Lock()
		if at, seen := r.recorded[d.ID]; seen {
			add(at, "%s was read to be DELIVERED", d.ID)
		}
		r.mu.Unlock()
		d.Attempts = nil
		raw, _ := json.Marshal(d)
		fmt.Fprintf(&text, "  delivery to %s: %s\n", r.sinkName(d.DestinationID), raw)
	}
	if stored, there := b.alerts[alertID]; there {
		raw, _ := json.Marshal(stored)
		fmt.Fprintf(&text, "  stored: %s\n", raw)
	} else {
		text.WriteString("  it is not stored\n")
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	for _, m := range near(all) {
		fmt.Fprintf(&text, "  %s %s\n", clock(m.at), m.what)
	}
	return text.String()
}

// near leaves out the kills long before and after anything else happened.
func near(all []moment) []moment {
	own := func(m moment) bool { return !strings.HasPrefix(m.what, "--") }
	first := slices.IndexFunc(all, own)
	if first < 0 {
		return nil
	}
	last := first
	for i, m := range all {
		if own(m) {
			last = i
		}
	}
	return all[max(0, first-2):min(len(all), last+3)]
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05.000000") }

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
