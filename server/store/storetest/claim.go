// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
)

var claimCases = []testCase{
	{"gives the delivery with its alert", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		f.accept(a)
		jobs, err := f.Claim(t.Context(), "one", f.now(), 10, plenty)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("got %d jobs, %v", len(jobs), err)
		}
		j := jobs[0]
		equal(t, "delivery", j.Delivery, a.Deliveries[0])
		equal(t, "severity", j.Severity, alert.High)
		equal(t, "accepted at", j.AcceptedAt, a.Record.AcceptedAt)
		equal(t, "size", j.Size, len(a.Record.Body))
		equal(t, "alert id", j.Alert.ID, "a")
		equal(t, "detection", j.Alert.Detection, alert.Detection{ID: "Detection.a", Severity: "LOW"})
		equal(t, "context", string(j.Alert.Context), `{ "n" : 1.0 }`)
	}},
	{"gives an alert sent without an id the one it has", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one")
		a.Record.Body = []byte(`{"type":"RULE","detection":{"id":"D","severity":"LOW"}}`)
		f.accept(a)
		jobs, err := f.Claim(t.Context(), "one", f.now(), 10, plenty)
		if err != nil || len(jobs) != 1 || jobs[0].Alert.ID != "a" {
			t.Fatalf("got %+v, %v", jobs, err)
		}
	}},
	{"gives the longest due first, to the limit, of one destination", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one", "one", "one", "on", "ones")
		for i, after := range []time.Duration{3, 1, 2, 9} {
			a.Deliveries[i].NextAttemptAt = epoch.Add(after * time.Hour)
		}
		f.accept(a)
		id := func(n int) delivery.ID { return a.Deliveries[n].ID }
		equal(t, "none due", f.claim("one", epoch.Add(time.Hour-time.Microsecond), 10), nil)
		equal(t, "first", f.claim("one", epoch.Add(time.Hour), 10), []delivery.ID{id(1)})
		equal(t, "second", f.claim("one", epoch.Add(5*time.Hour), 1), []delivery.ID{id(2)})
		equal(t, "third", f.claim("one", epoch.Add(5*time.Hour), 10), []delivery.ID{id(0)})
		equal(t, "limit 0", f.claim("one", epoch.Add(10*time.Hour), 0), nil)
		equal(t, "nobody's", f.claim("nobody", epoch.Add(10*time.Hour), 10), nil)
	}},
	{"gives nothing twice until it is released", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one")
		f.accept(a)
		now := f.now()
		first := f.claim("one", now, 1)
		second := f.claim("one", now, 10)
		equal(t, "both", append(first, second...), []delivery.ID{a.Deliveries[0].ID, a.Deliveries[1].ID})
		equal(t, "no more", f.claim("one", now, 10), nil)
		f.release(second...)
		equal(t, "the released one", f.claim("one", now, 10), second)
		f.wantBacklog(2, 0)
	}},
	{"ignores the release of what is not claimed", func(t *testing.T, f *fixture) {
		d := f.promised("a", "one")
		f.release(d.ID, delivery.NewID(keyAt(epoch), 3))
		f.release()
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{d.ID})
	}},
	{"leaves alone what is accepted as claimed", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "two", "one")
		a.Claimed = []bool{true, true, false}
		f.accept(a)
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{a.Deliveries[2].ID})
		f.wantNextDue("one", time.Time{})
		f.wantNextDue("two", time.Time{})
		f.wantBacklog(3, 0)
		f.release(a.Deliveries[0].ID)
		f.wantNextDue("one", a.Deliveries[0].NextAttemptAt)
		equal(t, "claimed", f.claim("one", f.now(), 10), []delivery.ID{a.Deliveries[0].ID})
	}},
	{"gives as much as there is room for, and one in any case", func(t *testing.T, f *fixture) {
		a, b, c := f.alert("a", "one", "one"), f.alert("b", "one", "two"), f.alert("c", "one")
		b.Record.Body = append(b.Record.Body, bytes.Repeat([]byte(" "), 1000)...)
		f.accept(a, b, c)
		small, large := len(a.Record.Body), len(b.Record.Body)
		id := func(a intake.Acceptance, n int) delivery.ID { return a.Deliveries[n].ID }
		for _, step := range []struct {
			what string
			room int
			want []delivery.ID
		}{
			{"no room", 0, []delivery.ID{id(a, 0)}},
			{"room for one", small + large - 1, []delivery.ID{id(a, 1)}},
			{"too little for the first", large - 1, []delivery.ID{id(b, 0)}},
			{"room for the rest", small, []delivery.ID{id(c, 0)}},
			{"nothing due", small, nil},
		} {
			if _, due, err := f.NextDue(t.Context(), "one"); err != nil || due != (len(step.want) > 0) {
				t.Errorf("before %s: got due %v, %v", step.what, due, err)
			}
			equal(t, step.what, f.claimSome("one", f.now(), 10, step.room), step.want)
		}
		f.release(id(c, 0), id(b, 0), id(a, 1), id(a, 0))
		equal(t, "just enough", f.claimSome("one", f.now(), 10, 2*small+large), []delivery.ID{id(a, 0), id(a, 1), id(b, 0)})
	}},
	{"does not count what cannot be read", func(t *testing.T, f *fixture) {
		a, b, c := f.alert("a", "one"), f.alert("b", "one"), f.alert("c", "one")
		b.Record.Body = bytes.Repeat([]byte("{"), len(a.Record.Body))
		f.accept(a, b, c)
		equal(t, "claimed", f.claimSome("one", f.now(), 10, 2*len(a.Record.Body)), []delivery.ID{a.Deliveries[0].ID, c.Deliveries[0].ID})
	}},
	{"gives only open ones", func(t *testing.T, f *fixture) {
		a := f.alert("a", "one", "one", "one")
		f.accept(a)
		f.deliver(a.Deliveries[0].ID)
		f.fail(a.Deliveries[1].ID)
		equal(t, "claimed", f.claim("one", f.now().Add(time.Hour), 10), []delivery.ID{a.Deliveries[2].ID})
	}},
	{"knows when the next is due", func(t *testing.T, f *fixture) {
		f.wantNextDue("one", time.Time{})
		a := f.alert("a", "one", "one", "two")
		a.Deliveries[0].NextAttemptAt = epoch.Add(2 * time.Hour)
		a.Deliveries[1].NextAttemptAt = epoch.Add(time.Hour)
		a.Deliveries[2].NextAttemptAt = epoch.Add(-time.Hour)
		f.accept(a)
		f.wantNextDue("one", epoch.Add(time.Hour))
		f.wantNextDue("two", epoch.Add(-time.Hour))
		f.claim("one", epoch.Add(time.Hour), 10)
		f.wantNextDue("one", epoch.Add(2*time.Hour))
		f.claim("one", epoch.Add(2*time.Hour), 10)
		f.wantNextDue("one", time.Time{})
	}},
	{"fails what cannot be read, and goes on", func(t *testing.T, f *fixture) {
		a, b, c := f.alert("a", "one"), f.alert("b", "one"), f.alert("c", "one")
		a.Record.Body, b.Record.Body = []byte(`{"type":`), []byte("\xff")
		f.accept(a, b, c)
		now := f.now()
		equal(t, "claimed", f.claim("one", now, 1), []delivery.ID{c.Deliveries[0].ID})
		for _, d := range []delivery.Delivery{a.Deliveries[0], b.Deliveries[0]} {
			d = f.delivery(d.ID)
			if d.State != delivery.Failed || d.Reason != delivery.Permanent || !d.SettledAt.Equal(now) ||
				len(d.Attempts) != 1 || d.Attempts[0].Outcome != destination.OutcomePermanent || d.Attempts[0].Message == "" {
				t.Errorf("got %+v", d)
			}
		}
		f.wantBacklog(1, 0)
		f.wantNextDue("one", time.Time{})
	}},
	{"gives many in order", func(t *testing.T, f *fixture) {
		var want []delivery.ID
		for i := range 300 {
			a := f.alert(fmt.Sprint("a", i), "one", "two")
			want = append(want, a.Deliveries[0].ID)
			f.accept(a)
		}
		var got []delivery.ID
		for len(got) < len(want) {
			ids := f.claim("one", f.now(), 7)
			if len(ids) == 0 {
				break
			}
			got = append(got, ids...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %d deliveries in another order than promised", len(got))
		}
	}},
}
