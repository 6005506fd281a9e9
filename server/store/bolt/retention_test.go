// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

func TestRemoveAlerts_RemovesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	batch := []intake.Acceptance{sample("one"), sample("one"), sample("one"), sample("one"), sample("one")}
	batch[2].Deliveries[0].FallbackAt = later()
	if err := accept(s, t, batch...); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 3} {
		if err := s.Settle(t.Context(), delivered(batch[i].Deliveries[0].ID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	id := func(i int) string { return string(batch[i].Deliveries[0].ID[:]) }
	edit(t, path, "alerts", string(batch[0].Record.Key[:]), []byte("damaged"))
	edit(t, path, "alerts", string(batch[1].Record.Key[:]), nil)
	edit(t, path, "deliveries", id(1), []byte("damaged"))
	edit(t, path, "deliveries", id(2), []byte("damaged"))
	s = open(t, path)
	if step, err := s.RemoveAlerts(t.Context(), batch[0].Record.AcceptedAt.Add(-time.Second), delivery.Key{}, 10); err != nil || step.Removed != 0 {
		t.Errorf("while it is young: got %+v, %v, want nothing removed", step, err)
	}
	step, err := s.RemoveAlerts(t.Context(), later(), delivery.Key{}, 10)
	if err != nil || step.Removed != 4 || step.More {
		t.Errorf("got %+v, %v, want four removed: all but the one that is owed", step, err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Errorf("something is left: %v", err)
	}
	if got := s.Backlog(); got.Open() != 1 {
		t.Errorf("got a backlog of %+v, want the one that is owed", got)
	}
	for _, i := range []int{0, 1, 2, 3} { // the ids are free again
		again := sample("one")
		again.Record.AlertID, again.Deliveries[0].AlertID = batch[i].Record.AlertID, batch[i].Record.AlertID
		if verdicts, err := s.Accept(t.Context(), []intake.Acceptance{again}); err != nil || verdicts[0].Duplicate {
			t.Errorf("alert %d again: got %+v, %v", i, verdicts, err)
		}
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRemoveAlerts_EndsAStepOverLargeRecords(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	for range 5 {
		a := sample("one")
		a.Record.Body = make([]byte, 3<<20)
		a.Record.Digest = intake.DigestOf(a.Record.Body)
		a.Deliveries = nil
		if err := accept(s, t, a); err != nil {
			t.Fatal(err)
		}
	}
	var removed []int
	var after delivery.Key
	for more := true; more; {
		step, err := s.RemoveAlerts(t.Context(), later(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		removed, after, more = append(removed, step.Removed), step.Next, step.More
	}
	if fmt.Sprint(removed) != "[3 2]" {
		t.Errorf("got steps of %v, want [3 2]: 8 MiB and the one that passes it", removed)
	}
}

// fillSettled stores n alerts that nobody is owed.
func fillSettled(tb testing.TB, s *bolt.Store, n int) {
	tb.Helper()
	for left := n; left > 0; left -= 1000 {
		batch := make([]intake.Acceptance, min(left, 1000))
		for i := range batch {
			batch[i] = sample("one")
			d := &batch[i].Deliveries[0]
			d.State, d.NextAttemptAt, d.SettledAt = delivery.Delivered, time.Time{}, d.CreatedAt
		}
		if err := accept(s, tb, batch...); err != nil {
			tb.Fatal(err)
		}
	}
}

// What was removed leaves room: the file of a store that is as full as it was does not grow.
func TestRemoveAlerts_GivesRoomBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	var full int64
	for round := range 4 {
		fillSettled(t, s, 2000)
		var contents bolt.Contents
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		contents, _, err := bolt.Inspect(t.Context(), path)
		if err != nil || contents.Alerts != 2000 {
			t.Fatalf("got %+v, %v", contents, err)
		}
		if round == 1 {
			full = contents.Bytes
		}
		if round > 1 && contents.Bytes > full*3/2 {
			t.Errorf("round %d: the file has %d bytes, it was %d", round, contents.Bytes, full)
		}
		s = open(t, path)
		var after delivery.Key
		for more := true; more; {
			step, err := s.RemoveAlerts(t.Context(), later(), after, 200)
			if err != nil {
				t.Fatal(err)
			}
			after, more = step.Next, step.More
		}
	}
}

// Whatever else is done to the alerts that are removed, all that is left fits together.
func TestRemoveAlerts_GoesTogetherWithAllElse(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	if err := s.CreateDestination(t.Context(), destination.Destination{ID: "one", Type: "webhook", DisplayName: "One", Config: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var all, load sync.WaitGroup
	beside := func(f func() error) {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	removed := 0
	beside(func() error {
		step, err := s.RemoveAlerts(t.Context(), later(), delivery.Key{}, 20)
		removed += step.Removed
		return err
	})
	beside(func() error {
		_, _, err := s.Replay(t.Context(), delivery.Filter{DestinationID: "one"}, time.Now(), 5)
		return err
	})
	beside(func() error { return s.Verify(t.Context()) })
	for n := range 4 {
		load.Go(func() {
			for i := range 30 {
				a := sample("one")
				a.Deliveries[0].FallbackAt = later()
				if err := accept(s, t, a); err != nil {
					t.Error(err)
					return
				}
				outcome := delivered(a.Deliveries[0].ID)
				if (n+i)%3 == 0 {
					outcome.State, outcome.Reason = delivery.Failed, delivery.Permanent
				}
				if err := s.Settle(t.Context(), outcome); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					continue // nothing of it is owed: it may go
				}
				err := s.Dispatch(t.Context(), a.Record.AlertID, func(r intake.Record, next uint16) (intake.Dispatch, error) {
					d := a.Deliveries[0]
					d.ID, d.FallbackAt = delivery.NewID(r.Key, next), time.Time{}
					return intake.Dispatch{Deliveries: []delivery.Delivery{d}}, nil
				})
				if err != nil && problem.KindOf(err) != problem.NotFound {
					t.Error(err)
				}
			}
		})
	}
	load.Wait()
	close(done)
	all.Wait()
	if removed == 0 {
		t.Error("nothing was removed meanwhile")
	}
	jobs, err := s.Claim(t.Context(), "one", later(), 1000, plenty)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Backlog().Open(); got != int64(len(jobs)) {
		t.Errorf("got a backlog of %d, claimed %d", got, len(jobs))
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
