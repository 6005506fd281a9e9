// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// books are what the program says of everything in the end.
type books struct {
	alerts     map[string]client.AlertSummary
	deliveries map[string]client.Delivery

	perSink map[string]*tally
}

// tally counts what became of a sink's deliveries.
type tally struct {
	delivered, failed, open int
	arrivals                int
	duplicates              int            // deliveries that were taken again, each time
	ambiguous               int            // those of them whose answer the program did not get in time
	unrecorded              map[int]int    // arrivals whose outcome was lost, by generation
	repeated                map[int]int    // taken deliveries that were tried again, by the generation whose end is to blame
	example                 map[int]string // an alert that one of these is of, by generation
}

// read pages through all alerts and deliveries.
func (r *run) read(p *Program) *books {
	r.Helper()
	b := &books{alerts: map[string]client.AlertSummary{}, deliveries: map[string]client.Delivery{}, perSink: map[string]*tally{}}
	for cursor := ""; ; {
		var page client.AlertList
		if err := p.Get("/v1/alerts?limit=1000&cursor="+url.QueryEscape(cursor), &page); err != nil {
			r.Fatal(err)
		}
		for _, a := range page.Items {
			if _, twice := b.alerts[a.AlertID]; twice {
				r.complain(a.AlertID, "it is listed twice")
			}
			b.alerts[a.AlertID] = a
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	for cursor := ""; ; {
		var page client.DeliveryList
		if err := p.Get("/v1/deliveries?limit=1000&cursor="+url.QueryEscape(cursor), &page); err != nil {
			r.Fatal(err)
		}
		for _, d := range page.Items {
			if _, twice := b.deliveries[d.ID]; twice {
				r.complain(d.AlertID, "its delivery %s is listed twice", d.ID)
			}
			b.deliveries[d.ID] = d
		}
		if page.NextCursor == nil {
			return b
		}
		cursor = *page.NextCursor
	}
}

// account checks everything.
func (r *run) account(p *Program, b *books) {
	for _, s := range r.sinks {
		b.perSink[s.ID] = &tally{unrecorded: map[int]int{}, repeated: map[int]int{}, example: map[int]string{}}
	}
	for id, s := range r.load.sent {
		r.checkAlert(b, id, s)
	}
	for id := range b.alerts {
		if r.load.sent[id] == nil && strings.HasPrefix(id, r.load.prefix) {
			r.complain(id, "it is stored, and nobody sent it")
		}
	}
	r.checkDetails(p)
	for _, s := range r.sinks {
		for _, id := range s.deliveries() {
			if _, stored := b.deliveries[id]; !stored {
				r.complain(s.of(id)[0].AlertID, "the sink %s got the delivery %s, which is not stored", s.Name, id)
			}
		}
	}
	for _, d := range b.deliveries {
		r.checkDelivery(b, d)
	}
	for _, s := range r.sinks {
		r.checkKills(s, b.perSink[s.ID])
	}
}

// checkAlert sees that an acknowledged alert is there, and that one that is there is whole.
func (r *run) checkAlert(b *books, id string, s *sent) {
	stored, there := b.alerts[id]
	if !there {
		if s.acknowledged {
			r.complain(id, "LOST: it was acknowledged and is not there")
		}
		return
	}
	if string(stored.Severity) != s.severity {
		r.complain(id, "it was sent as %s and is stored as %s", s.severity, stored.Severity)
	}
	var want, got []string
	for _, sink := range r.sinks {
		if slices.Contains(sink.Severities, s.severity) {
			want = append(want, sink.Name)
		}
	}
	for _, d := range stored.Deliveries {
		got = append(got, r.sinkName(d.DestinationID))
		if full, ok := b.deliveries[d.ID]; !ok || full.AlertID != id || full.DestinationID != d.DestinationID {
			r.complain(id, "its delivery %s to %s is not among all deliveries", d.ID, r.sinkName(d.DestinationID))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.complain(id, "HALF-WRITTEN: it has deliveries to %v, want %v", got, want)
	}
}

// checkDetails reads a few alerts by themselves: the route and the deliveries belong to each other.
func (r *run) checkDetails(p *Program) {
	n := 0
	for id, s := range r.load.sent {
		if !s.acknowledged {
			continue
		}
		if n++; n > 100 {
			return
		}
		var detail client.AlertDetail
		if err := p.Get("/v1/alerts/"+url.PathEscape(id), &detail); err != nil {
			r.complain(id, "it cannot be read: %v", err)
			continue
		}
		var routed, delivered []string
		for _, d := range detail.Route.Destinations {
			routed = append(routed, d.ID)
		}
		for _, d := range detail.Deliveries {
			delivered = append(delivered, d.DestinationID)
		}
		slices.Sort(routed)
		slices.Sort(delivered)
		if !slices.Equal(routed, delivered) {
			r.complain(id, "it is routed to %v and has deliveries to %v", routed, delivered)
		}
	}
}

func (r *run) sink(id string) *Sink {
	for _, s := range r.sinks {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (r *run) sinkName(id string) string {
	if s := r.sink(id); s != nil {
		return s.Name
	}
	return id
}

// generationAt tells which program was alive at a time.
func (r *run) generationAt(at time.Time) int {
	g := 0
	for g+1 < len(r.programs) && !at.Before(r.programs[g+1].Begun) {
		g++
	}
	return g
}

// checkDelivery compares what the program says of a delivery with what the sink saw.
func (r *run) checkDelivery(b *books, d client.Delivery) {
	s := r.sink(d.DestinationID)
	if s == nil || r.load.sent[d.AlertID] == nil {
		r.complain(d.AlertID, "the delivery %s is to %s, for an alert that nobody sent", d.ID, d.DestinationID)
		return
	}
	complain := func(format string, args ...any) {
		r.complain(d.AlertID, "its delivery "+d.ID+" to "+s.Name+" "+format, args...)
	}
	counts, arrivals := b.perSink[s.ID], s.of(d.ID)
	taken := slices.ContainsFunc(arrivals, Arrival.Taken)
	last := client.Attempt{}
	if len(d.Attempts) > 0 {
		last = d.Attempts[len(d.Attempts)-1]
	}
	switch d.State {
	case client.DeliveryStateDELIVERED:
		counts.delivered++
		if !taken {
			complain("is DELIVERED, but the sink did not take it")
		}
		if last.Outcome != client.AttemptOutcomeDELIVERED || d.SettledAt == nil || d.NextAttemptAt != nil || d.Reason != nil {
			complain("is DELIVERED, but its last attempt was %q; settled %v, next attempt %v, reason %v", last.Outcome, d.SettledAt, d.NextAttemptAt, d.Reason)
		}
	case client.DeliveryStateFAILED:
		counts.failed++
		if d.Reason == nil || *d.Reason != client.DeliveryReasonPERMANENT || last.Message == nil || *last.Message == "" {
			complain("is FAILED without saying why: reason %v", d.Reason)
		}
		if s.Name != "refusing" {
			complain("is FAILED, though that sink refuses nothing for good")
		}
	default:
		counts.open++
		if r.Recover || s.Name != "hanging" {
			complain("is still %s", d.State)
		}
		if d.NextAttemptAt == nil || (d.State == client.DeliveryStateRETRYING) != (len(d.Attempts) > 0) {
			complain("is %s with %d attempts; the next one is at %v", d.State, len(d.Attempts), d.NextAttemptAt)
		}
	}
	r.compare(counts, d, arrivals, complain)
}

// compare counts the outcomes that were lost with a kill, and complains of those that were lost without one.
func (r *run) compare(counts *tally, d client.Delivery, arrivals []Arrival, complain func(string, ...any)) {
	counts.arrivals += len(arrivals)
	made, recorded := map[int]int{}, map[int]int{}
	answered, known := map[[2]int]int{}, map[[2]int]int{} // by generation and status
	for _, a := range arrivals {
		made[a.Generation]++
		answered[[2]int{a.Generation, a.Status}]++
	}
	for _, a := range d.Attempts {
		g := r.generationAt(a.At)
		recorded[g]++
		if a.StatusCode != nil {
			known[[2]int{g, *a.StatusCode}]++
		}
	}
	for key, n := range known {
		if n > answered[key] {
			complain("has %d attempts by program %d that were answered %d; the sink knows of %d", n, key[0], key[1], answered[key])
		}
	}
	for g, n := range made {
		lost := n - recorded[g]
		if lost <= 0 || d.AttemptsDropped != nil {
			continue
		}
		counts.unrecorded[g] += lost
		counts.example[g] = d.AlertID
		if g == int(r.generation.Load()) && d.State != client.DeliveryStatePENDING && d.State != client.DeliveryStateRETRYING {
			complain("was tried %d times by a program that lives; it recorded %d", n, recorded[g])
		}
		if lost > 1 {
			complain("lost %d outcomes with the end of program %d; one attempt at a time is made", lost, g)
		}
	}
	r.mu.Lock()
	at, seen := r.recorded[d.ID]
	r.mu.Unlock()
	for i, a := range arrivals {
		if seen && a.At.After(at) {
			complain("was tried at %s, after it was recorded as DELIVERED at %s", clock(a.At), clock(at))
		}
		if !a.Taken() || i+1 == len(arrivals) {
			continue
		}
		next := arrivals[i+1]
		if next.Taken() {
			counts.duplicates++
		}
		switch {
		case next.Generation > a.Generation:
			counts.repeated[a.Generation]++
			counts.example[a.Generation] = d.AlertID
		case r.lateFor(d, a):
			counts.ambiguous++
		default:
			complain("was tried again by the same program (%d) after the sink had taken it", a.Generation)
		}
	}
}

// lateFor reports whether the program did not get the answer to a request, by its own record: then it has to try again.
func (r *run) lateFor(d client.Delivery, a Arrival) bool {
	return slices.ContainsFunc(d.Attempts, func(t client.Attempt) bool {
		end := t.At.Add(time.Duration(t.DurationMs*float64(time.Millisecond)) + time.Second)
		return t.Outcome == client.AttemptOutcomeAMBIGUOUS && !a.At.Before(t.At.Add(-time.Second)) && a.At.Before(end)
	})
}

// checkKills sees that no kill cost more than was in flight.
func (r *run) checkKills(s *Sink, counts *tally) {
	for g := range r.killed {
		if n := counts.unrecorded[g]; n > inFlight {
			r.complain(counts.example[g], "among others: with the end of program %d the outcomes of %d attempts at %s were lost; at most %d were in flight", g, n, s.Name, inFlight)
		}
		if n := counts.repeated[g]; n > inFlight {
			r.complain(counts.example[g], "among others: after the end of program %d %d deliveries that %s had taken were made again; at most %d were in flight", g, n, s.Name, inFlight)
		}
	}
}
