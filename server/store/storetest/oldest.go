// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

var oldestCases = []testCase{
	{"it is the first that is open, whatever was settled", func(t *testing.T, f *fixture) {
		f.destinations("one")
		f.wantOldest(nil)
		a, b, c := f.promised("a", "one"), f.promised("b", "one"), f.promised("c", "one")
		f.wantOldest(&a)
		f.deliver(b.ID)
		f.wantOldest(&a)
		f.fail(a.ID)
		f.wantOldest(&c)
		f.retry(c.ID, f.now().Add(time.Hour))
		f.wantOldest(&c)
		f.deliver(c.ID)
		f.wantOldest(nil)
		d := f.promised("d", "one")
		f.wantOldest(&d)
	}},
	{"a replay opens an old one again", func(t *testing.T, f *fixture) {
		f.destinations("one")
		a, b, c := f.promised("a", "one"), f.promised("b", "one"), f.promised("c", "one")
		f.fail(a.ID)
		f.fail(b.ID)
		f.wantOldest(&c)
		if _, err := f.ReplayOne(t.Context(), b.ID, f.now()); err != nil {
			t.Fatal(err)
		}
		f.wantOldest(&b)
		replayed, _, err := f.Replay(t.Context(), delivery.Filter{}, f.now(), 10)
		if err != nil || len(replayed) != 1 {
			t.Fatalf("got %+v, %v", replayed, err)
		}
		f.wantOldest(&a)
		f.deliver(a.ID)
		f.wantOldest(&b)
	}},
	{"so does a fallback", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		a := f.promised("a", "one")
		b := f.promised("b", "one")
		f.deliver(a.ID)
		f.wantOldest(&b)
		c := f.promised("c", "one")
		f.settle(delivery.Settlement{
			ID: b.ID, Attempt: f.attempt("PERMANENT"), State: delivery.Failed, Reason: delivery.Permanent,
			Fallback: delivery.Fallback{DestinationID: "two"},
		})
		f.wantOldest(&b) // of the same alert
		f.deliver(c.ID)
		f.deliver(delivery.NewID(b.ID.Alert(), 1))
		f.wantOldest(nil)
	}},
	{"it is known after a reopening", func(t *testing.T, f *fixture) {
		f.destinations("one")
		var all []delivery.Delivery
		for i := range 30 {
			all = append(all, f.promised(fmt.Sprint(i), "one"))
		}
		for _, d := range all[:20] {
			f.deliver(d.ID)
		}
		f.reopen()
		f.wantOldest(&all[20])
		for i, d := range all[20:29] {
			f.deliver(d.ID)
			f.wantOldest(&all[21+i])
		}
	}},
	{"a deleted destination owes nothing", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		f.promised("a", "one")
		b := f.promised("b", "two")
		f.deleteDestination("one")
		if _, err := f.FailOpen(t.Context(), "one", f.now(), 10); err != nil {
			t.Fatal(err)
		}
		f.wantOldest(&b)
	}},
}

// wantOldest wants the time of a delivery's alert; nil is that none is open.
func (f *fixture) wantOldest(d *delivery.Delivery) {
	f.t.Helper()
	want := time.Time{}
	if d != nil {
		want = d.CreatedAt.Truncate(time.Millisecond)
	}
	got, ok, err := f.OldestOpen(f.t.Context())
	if err != nil || ok != (d != nil) || !got.Equal(want) {
		f.t.Errorf("oldest open: got %v, %v, %v; want %v", got, ok, err, want)
	}
}
