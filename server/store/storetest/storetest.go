// SPDX-License-Identifier: MPL-2.0

// Package storetest is the suite that every store passes: what the comments of the contract say, as cases.
//
//	storetest.go   Run, and what the cases share
//	accept.go      intake.Log: accepting, dispatching
//	claim.go       delivery.Queue: claims
//	settle.go      delivery.Queue: settlements
//	replay.go      failing open deliveries, replaying failed ones
//	fallback.go    giving alerts to the destination that stands in for another
//	retention.go   retention.Store: removing old alerts
//	list.go        lists, filters, cursors
//	settings.go    destinations, overrides, tokens, test outcomes, the keyset
//	raise.go       what is raised once in a while
//	oldest.go      the oldest open delivery
//	lifecycle.go   reopening, contexts, many callers at once
package storetest

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// Opener opens one store. Called again after the store was closed, it opens the same one with all that was kept.
type Opener func() (store.Store, error)

// Run runs the suite. fresh returns an Opener of an empty store that nobody else uses.
func Run(t *testing.T, fresh func(t testing.TB) Opener) {
	t.Helper()
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Accept", acceptCases},
		{"Dispatch", dispatchCases},
		{"Claim", claimCases},
		{"Settle", settleCases},
		{"Replay", replayCases},
		{"FailOpen", failOpenCases},
		{"Fallback", fallbackCases},
		{"RemoveAlerts", retentionCases},
		{"List", listCases},
		{"Destination", destinationCases},
		{"Setting", settingCases},
		{"Raise", raiseCases},
		{"OldestOpen", oldestCases},
		{"Lifecycle", lifecycleCases},
	} {
		for _, c := range group.cases {
			t.Run(group.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, newFixture(t, fresh(t)))
			})
		}
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// epoch is when the cases play. A store keeps times to the microsecond at least.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

// fixture is an open store, and a clock that goes on by a millisecond with each look.
type fixture struct {
	store.Store
	t     testing.TB
	open  Opener
	ticks atomic.Int64
}

func newFixture(t testing.TB, open Opener) *fixture {
	t.Helper()
	f := &fixture{t: t, open: open}
	f.start()
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

func (f *fixture) start() {
	f.t.Helper()
	s, err := f.open()
	if err != nil {
		f.t.Fatalf("open: %v", err)
	}
	f.Store = s
}

func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatalf("close: %v", err)
	}
	f.start()
}

func (f *fixture) now() time.Time {
	return epoch.Add(time.Duration(f.ticks.Add(1)) * time.Millisecond)
}

// keys makes every key differ.
var keys atomic.Uint64

// keyAt returns a key as the intake makes them: a UUIDv7.
func keyAt(at time.Time) delivery.Key {
	var key delivery.Key
	binary.BigEndian.PutUint64(key[:], uint64(at.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(key[8:], 1<<63|keys.Add(1))
	return key
}

// alert returns an alert with a PENDING delivery, due at once, to each of the destinations.
func (f *fixture) alert(id string, to ...string) intake.Acceptance {
	at := f.now()
	body := fmt.Appendf(nil, `{"alert_id":%q,"type":"RULE","detection":{"id":"Detection.%s","severity":"LOW"},"context":{ "n" : 1.0 }}`, id, id)
	a := intake.Acceptance{Record: intake.Record{
		Key: keyAt(at), AlertID: id, AcceptedAt: at, Body: body, Digest: intake.DigestOf(body),
		Route: route.Route{
			Scenario: route.StaticSeverity, Severity: alert.High, Destinations: []route.Chosen{}, Warnings: []route.Warning{},
		},
	}}
	for n, d := range to {
		a.Record.Route.Destinations = append(a.Record.Route.Destinations, route.Chosen{ID: d, DisplayName: "The " + d, Type: "webhook"})
		a.Deliveries = append(a.Deliveries, promise(a.Record, uint16(n), d))
		a.Claimed = append(a.Claimed, false)
	}
	return a
}

// promise returns a PENDING delivery that is due at once.
func promise(r intake.Record, n uint16, to string) delivery.Delivery {
	return delivery.Delivery{
		ID: delivery.NewID(r.Key, n), AlertID: r.AlertID, DestinationID: to, State: delivery.Pending, Cause: delivery.ByRoute,
		CreatedAt: r.AcceptedAt, Since: r.AcceptedAt, NextAttemptAt: r.AcceptedAt,
	}
}

// accept stores new alerts.
func (f *fixture) accept(batch ...intake.Acceptance) {
	f.t.Helper()
	verdicts, err := f.Accept(f.t.Context(), batch)
	if err != nil {
		f.t.Fatalf("accept: %v", err)
	}
	equal(f.t, "verdicts", verdicts, make([]intake.Verdict, len(batch)))
}

// promised stores an alert with one delivery and returns that.
func (f *fixture) promised(alertID, to string) delivery.Delivery {
	f.t.Helper()
	a := f.alert(alertID, to)
	f.accept(a)
	return a.Deliveries[0]
}

// plenty is room for all that a case stores.
const plenty = 1 << 30

// claim returns the ids of the deliveries that a claim gives.
func (f *fixture) claim(to string, now time.Time, limit int) []delivery.ID {
	f.t.Helper()
	return f.claimSome(to, now, limit, plenty)
}

func (f *fixture) claimSome(to string, now time.Time, limit, room int) []delivery.ID {
	f.t.Helper()
	jobs, err := f.Claim(f.t.Context(), to, now, limit, room)
	if err != nil {
		f.t.Fatalf("claim: %v", err)
	}
	var ids []delivery.ID
	for _, j := range jobs {
		ids = append(ids, j.Delivery.ID)
	}
	return ids
}

func (f *fixture) release(ids ...delivery.ID) {
	f.t.Helper()
	if err := f.Release(f.t.Context(), ids...); err != nil {
		f.t.Fatalf("release: %v", err)
	}
}

func (f *fixture) wantNextDue(to string, want time.Time) {
	f.t.Helper()
	at, ok, err := f.NextDue(f.t.Context(), to)
	if err != nil || ok == want.IsZero() || !at.Equal(want) {
		f.t.Errorf("next due of %s: got %v, %v, %v; want %v", to, at, ok, err, want)
	}
}

// attempt returns an attempt with an outcome, made now.
func (f *fixture) attempt(outcome destination.Outcome) delivery.Attempt {
	return delivery.Attempt{At: f.now(), Duration: 20 * time.Millisecond, Outcome: outcome, StatusCode: 418, Message: "so it went"}
}

func (f *fixture) settle(s delivery.Settlement) delivery.Settlement {
	f.t.Helper()
	if err := f.Settle(f.t.Context(), s); err != nil {
		f.t.Fatalf("settle: %v", err)
	}
	return s
}

func (f *fixture) fail(id delivery.ID) delivery.Settlement {
	f.t.Helper()
	return f.settle(delivery.Settlement{
		ID: id, Attempt: f.attempt(destination.OutcomePermanent), State: delivery.Failed, Reason: delivery.Permanent,
	})
}

func (f *fixture) deliver(id delivery.ID) delivery.Settlement {
	f.t.Helper()
	return f.settle(delivery.Settlement{ID: id, Attempt: f.attempt(destination.OutcomeDelivered), State: delivery.Delivered})
}

func (f *fixture) retry(id delivery.ID, at time.Time) delivery.Settlement {
	f.t.Helper()
	return f.settle(delivery.Settlement{
		ID: id, Attempt: f.attempt(destination.OutcomeRetry), State: delivery.Retrying, NextAttemptAt: at,
	})
}

func (f *fixture) delivery(id delivery.ID) delivery.Delivery {
	f.t.Helper()
	d, err := f.Delivery(f.t.Context(), id)
	if err != nil {
		f.t.Fatalf("delivery %s: %v", id, err)
	}
	return d
}

func (f *fixture) wantDelivery(want delivery.Delivery) {
	f.t.Helper()
	equal(f.t, "delivery", f.delivery(want.ID), want)
}

func (f *fixture) wantBacklog(pending, retrying int64) {
	f.t.Helper()
	if _, _, err := f.Deliveries(f.t.Context(), delivery.Filter{}, "", 1); err != nil { // what was settled counts by then
		f.t.Fatalf("deliveries: %v", err)
	}
	equal(f.t, "backlog", f.Backlog(), delivery.Backlog{Pending: pending, Retrying: retrying})
}

// destinations creates destinations with these ids.
func (f *fixture) destinations(ids ...string) {
	f.t.Helper()
	for _, id := range ids {
		d := destination.Destination{ID: id, Type: "webhook", DisplayName: "The " + id, Config: []byte(`{}`), Revision: 1}
		if err := f.CreateDestination(f.t.Context(), d); err != nil {
			f.t.Fatalf("create destination: %v", err)
		}
	}
}

func (f *fixture) deleteDestination(id string) {
	f.t.Helper()
	err := f.DeleteDestination(f.t.Context(), id, f.now(), func(destination.Destination) error { return nil })
	if err != nil {
		f.t.Fatalf("delete destination: %v", err)
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
		t.Errorf("%s:\n got %s\nwant %s", what, from(g, w), from(w, g))
	}
}

// from cuts a long text down to where it begins to differ from another.
func from(text, other string) string {
	const around = 300
	at := 0
	for at < len(text) && at < len(other) && text[at] == other[at] {
		at++
	}
	if len(text) <= 2*around {
		return text
	}
	begin, end := max(at-around, 0), min(at+around, len(text))
	return fmt.Sprintf("(%d bytes) …%s…", len(text), text[begin:end])
}

func wantKind(t testing.TB, what string, err error, want problem.Kind) {
	t.Helper()
	if got := problem.KindOf(err); err == nil || got != want {
		t.Errorf("%s: got error %v (%s), want one of kind %s", what, err, got, want)
	}
}
