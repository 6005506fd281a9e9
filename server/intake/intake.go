// SPDX-License-Identifier: MPL-2.0

// Package intake accepts alerts: it routes each, stores it with its deliveries, and hands those to the dispatcher.
//
//	intake.go  accepting, dispatching by hand, previewing
//	system.go  what is different for alerts about the router
//	record.go  what is stored, and what the intake asks of a store
//	same.go    whether two bodies say the same
package intake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Dispatcher is where the intake hands deliveries; see [delivery.Dispatcher].
type Dispatcher interface {
	Reserve(destinationID string, size int, patience time.Duration) bool
	Unreserve(destinationID string, size int)
	Deliver(job delivery.Job)
	Wake(destinationID string)
}

// Intake accepts alerts. It is safe for concurrent use.
type Intake struct {
	log        Log
	dispatcher Dispatcher
	table      func() *route.Table
	opts       Options
}

// Options are the intake's settings.
type Options struct {
	BacklogLimit int64                   // open deliveries at which acceptance stops
	Backlog      func() delivery.Backlog // cheap
	Now          func() time.Time
	Observe      Observer

	// Fallback returns the destination that stands in for another, and after how long of not being delivered it gets
	// the alert as well; to is "" where there is none, and after 0 where it gets the alert only when the other failed.
	// Nil is none for all.
	Fallback func(destinationID string) (to string, after time.Duration)
}

// Observer is told what is accepted; its methods must be fast and safe for concurrent use.
type Observer interface {
	// Accepted is told each new alert's scenario.
	Accepted(s route.Scenario)
	// Repeated is told each alert that was there already.
	Repeated()
}

// New returns an intake. table returns the current routing table.
func New(log Log, dispatcher Dispatcher, table func() *route.Table, opts Options) *Intake {
	return &Intake{log: log, dispatcher: dispatcher, table: table, opts: opts}
}

// Item is an alert to accept: parsed, and the body it was parsed from, which the intake may keep.
type Item struct {
	Alert *alert.Alert
	Body  []byte

	// FromRouter marks an alert that the router itself raises: the backlog limit does not refuse it. Nothing a client
	// sends sets it.
	FromRouter bool
}

// Result is what became of an item. Err is problem.Conflict when the id was taken by an alert that says something else.
type Result struct {
	AlertID   string
	Duplicate bool
	Route     route.Route
	Err       error
}

// Accept stores alerts with their routes and deliveries in one transaction and starts delivering. There is a result
// for each item; an error means that nothing was stored, and is problem.Unavailable when the backlog is full.
func (in *Intake) Accept(ctx context.Context, items []Item) ([]Result, error) {
	if err := in.checkBacklog(items); err != nil {
		return nil, err
	}
	var until time.Time
	if len(items) == 1 { // a batch may need more places than there are
		until = time.Now().Add(patience)
	}
	table, now := in.table(), in.opts.Now()
	batch := make([]Acceptance, len(items))
	for i, item := range items {
		batch[i] = in.acceptance(table, now, until, item)
	}
	verdicts, err := in.log.Accept(ctx, batch)
	if err != nil {
		for i := range batch {
			in.unreserve(batch[i].Record, batch[i].Deliveries, batch[i].Claimed)
			for _, d := range batch[i].Deliveries {
				in.dispatcher.Wake(d.DestinationID) // a commit that failed may have reached the disk all the same
			}
		}
		return nil, err
	}
	results := make([]Result, len(items))
	for i, v := range verdicts {
		results[i] = in.conclude(items[i], &batch[i], v)
	}
	return results, nil
}

// patience is how long an alert waits, in all, for places in lanes that are full and flow fast.
const patience = 200 * time.Millisecond

func (in *Intake) checkBacklog(items []Item) error {
	backlog := in.opts.Backlog().Open()
	if backlog < in.opts.BacklogLimit || !slices.ContainsFunc(items, func(i Item) bool { return !i.FromRouter }) {
		return nil
	}
	return &problem.Error{
		Kind: problem.Unavailable, RetryAfter: 5 * time.Second,
		Detail: fmt.Sprintf("%d deliveries are waiting, the limit is %d; nothing was accepted", backlog, in.opts.BacklogLimit),
	}
}

func (in *Intake) acceptance(table *route.Table, now, until time.Time, item Item) Acceptance {
	key := delivery.Key(uuid.Must(uuid.NewV7()))
	r := Record{
		Key: key, AlertID: item.Alert.ID, AcceptedAt: now, Body: item.Body, Digest: DigestOf(item.Body),
		Route: withoutSubject(table.Route(item.Alert), item.Alert),
	}
	if r.AlertID == "" {
		r.AlertID = uuid.UUID(key).String()
	}
	a := Acceptance{Record: r}
	a.Deliveries, a.Claimed = in.promise(item.Alert, r, 0, delivery.ByRoute, r.Route.Destinations, now, until)
	return a
}

// promise makes deliveries numbered from first, with a place reserved for each where there is one, or where there comes
// to be one before until.
func (in *Intake) promise(a *alert.Alert, r Record, first uint16, cause delivery.Cause, to []route.Chosen, now, until time.Time) ([]delivery.Delivery, []bool) {
	deliveries, claimed := make([]delivery.Delivery, len(to)), make([]bool, len(to))
	for i, d := range to {
		deliveries[i] = delivery.Delivery{
			ID: delivery.NewID(r.Key, first+uint16(i)), AlertID: r.AlertID, DestinationID: d.ID, State: delivery.Pending,
			Cause: cause, CreatedAt: now, Since: now, NextAttemptAt: now,
			FallbackAt: in.fallbackAt(a, d.ID, now),
		}
		claimed[i] = in.dispatcher.Reserve(d.ID, len(r.Body), left(until))
	}
	return deliveries, claimed
}

// fallbackAt returns when a destination's fallback gets an alert too. One that the alert is about never does.
func (in *Intake) fallbackAt(a *alert.Alert, destinationID string, now time.Time) time.Time {
	if in.opts.Fallback == nil {
		return time.Time{}
	}
	to, after := in.opts.Fallback(destinationID)
	if to == "" || after <= 0 || to == a.Subject() {
		return time.Time{}
	}
	return now.Add(after)
}

// left is how long it is until a time, 0 for none.
func left(until time.Time) time.Duration {
	if until.IsZero() {
		return 0
	}
	return time.Until(until)
}

func (in *Intake) unreserve(r Record, deliveries []delivery.Delivery, claimed []bool) {
	for i, d := range deliveries {
		if claimed[i] {
			in.dispatcher.Unreserve(d.DestinationID, len(r.Body))
		}
	}
}

func (in *Intake) conclude(item Item, a *Acceptance, v Verdict) Result {
	if !v.Duplicate {
		in.opts.Observe.Accepted(a.Record.Route.Scenario)
		in.hand(item.Alert, a.Record, a.Deliveries, a.Claimed)
		return Result{AlertID: a.Record.AlertID, Route: a.Record.Route}
	}
	in.unreserve(a.Record, a.Deliveries, a.Claimed)
	if v.Err != nil {
		return Result{Err: v.Err}
	}
	if v.Stored.Digest != a.Record.Digest && !same(v.Stored.Body, item.Alert) {
		return Result{Err: problem.New(problem.Conflict,
			"an alert with the alert_id %q and other content was accepted at %s; a new alert needs an id of its own",
			v.Stored.AlertID, v.Stored.AcceptedAt.Format(time.RFC3339))}
	}
	in.opts.Observe.Repeated()
	return Result{AlertID: v.Stored.AlertID, Duplicate: true, Route: v.Stored.Route}
}

// hand gives stored deliveries to the dispatcher.
func (in *Intake) hand(a *alert.Alert, r Record, deliveries []delivery.Delivery, claimed []bool) {
	for i, d := range deliveries {
		if !claimed[i] {
			in.dispatcher.Wake(d.DestinationID)
			continue
		}
		in.dispatcher.Deliver(delivery.Job{
			Delivery: d, Alert: a, Severity: r.Route.Severity, AcceptedAt: r.AcceptedAt, Size: len(r.Body),
		})
	}
}

// Dispatch sends a stored alert to destinations a person named, by id or display name: all of them, or none when one
// is refused, which is a problem.Invalid naming each offender as "/destinations/<index>".
func (in *Intake) Dispatch(ctx context.Context, alertID string, names []string) (route.Route, []delivery.Delivery, error) {
	record, _, err := in.log.Alert(ctx, alertID)
	if err != nil {
		return route.Route{}, nil, err
	}
	parsed, err := wire.Parse(record.Body)
	if err != nil {
		return route.Route{}, nil, fmt.Errorf("read stored alert %s: %w", alertID, err)
	}
	chosen, refusals := in.table().Manual(record.Route.Severity, names)
	if len(refusals) > 0 {
		fields := make([]problem.Field, len(refusals))
		for i, r := range refusals {
			fields[i] = problem.Field{Name: fmt.Sprintf("/destinations/%d", r.Index), Message: r.Message}
		}
		return route.Route{}, nil, problem.InvalidFields(fields)
	}
	var pending Dispatch
	err = in.log.Dispatch(ctx, alertID, func(r Record, next uint16) (Dispatch, error) {
		in.unreserve(r, pending.Deliveries, pending.Claimed) // of a run before this one
		pending.Deliveries, pending.Claimed = in.promise(parsed, r, next, delivery.ByHand, chosen.Destinations, in.opts.Now(), time.Time{})
		return pending, nil
	})
	if err != nil {
		in.unreserve(record, pending.Deliveries, pending.Claimed)
		return route.Route{}, nil, err
	}
	in.hand(parsed, record, pending.Deliveries, pending.Claimed)
	return chosen, pending.Deliveries, nil
}

// Preview shows where an alert would go, and why. It stores and sends nothing.
func (in *Intake) Preview(a *alert.Alert) route.Route {
	return withoutSubject(in.table().Explain(a), a)
}
