// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// openFaulty opens a store whose disk is told to fail.
func openFaulty(t *testing.T, path string) (*bolt.Store, *faultyDisk) {
	t.Helper()
	disk := &faultyDisk{}
	s, err := bolt.Open(path, bolt.AroundCommits(bolt.Options{}, disk.beforeCommit, disk.afterCommit))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, disk
}

// What is claimed on the way to the log is claimed before the database is read: who holds the claims may wait to read,
// behind a writer that moves the mapping and waits for all readers.
func TestAccept_ClaimsBeforeItReads(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.SmallMap(bolt.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	slow := sample("one")
	slow.Record.Route.Warnings = make([]route.Warning, 150_000) // takes a while to read
	if err := accept(s, t, slow); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delivery(t.Context(), slow.Deliveries[0].ID); err != nil { // it is in the database by then
		t.Fatal(err)
	}
	claimed := sample("one")
	claimed.Claimed = []bool{true}
	var all sync.WaitGroup
	accepted := make(chan struct{})
	all.Go(func() {
		defer close(accepted)
		if err := accept(s, t, slow, claimed); err != nil {
			t.Error(err)
		}
	})
	for reading := false; !reading; runtime.Gosched() {
		select {
		case <-accepted: // before anybody saw it
			reading = true
		default:
			reading = s.Reading() > 0
		}
	}
	all.Go(func() { // moves the mapping
		if _, err := s.Keyset(t.Context(), make([]byte, 24<<20)); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		for {
			select {
			case <-accepted:
				return
			default:
				_, _, _ = s.NextDue(t.Context(), "two")
			}
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("an acceptance, the writer and one who asks what is due wait for one another") // so Close would, too
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// While the database takes nothing, a read takes part in a transaction that fails. What another in it does wrong is
// none of its business.
func TestView_AnswersWithItsOwnErrorBesideASpoiler(t *testing.T) {
	t.Parallel()
	var held atomic.Pointer[hold]
	refuse := func() error {
		if h := held.Swap(nil); h != nil {
			close(h.begun)
			<-h.end
		}
		return errFault
	}
	var well atomic.Bool
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.AroundCommits(bolt.Options{}, func() error {
		if well.Load() {
			return nil
		}
		return refuse()
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	a := sample("one")
	if err := accept(s, t, a); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), "one", later(), 1, plenty); err != nil { // it finds out that the database fails
		t.Fatal(err)
	}

	h := &hold{begun: make(chan struct{}), end: make(chan struct{})}
	held.Store(h)
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.SaveTestOutcome(t.Context(), "k", registry.TestOutcome{}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("what cannot be committed: got %v", err)
		}
	})
	<-h.begun
	all.Go(func() {
		if d, err := s.Delivery(t.Context(), delivery.ID{1}); problem.KindOf(err) != problem.NotFound {
			t.Errorf("a delivery that is not there: got %+v, %v", d, err)
		}
	})
	waitQueued(s, 1)
	all.Go(func() {
		if record, list, err := s.Alert(t.Context(), "nobody"); problem.KindOf(err) != problem.NotFound {
			t.Errorf("an alert that is not there: got %+v, %+v, %v", record, list, err)
		}
	})
	waitQueued(s, 2)
	all.Go(func() {
		record, list, err := s.Alert(t.Context(), a.Record.AlertID)
		if err != nil || record.Key != a.Record.Key || !bytes.Equal(record.Body, a.Record.Body) || len(list) != 1 {
			t.Errorf("an alert that is logged: got %+v, %+v, %v", record, list, err)
		}
	})
	waitQueued(s, 3)
	all.Go(func() {
		_, err := s.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) { panic("oh no") })
		if err == nil || !strings.Contains(err.Error(), "oh no") {
			t.Errorf("the spoiler: got %v", err)
		}
	})
	waitQueued(s, 4)
	close(h.end)
	all.Wait()
	well.Store(true)
	if err := errors.Join(s.Check(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
}

// hold holds a commit up.
type hold struct{ begun, end chan struct{} }

func TestAccept_ADamagedIndexEntryHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	damaged := sample("one")
	if err := errors.Join(accept(s, t, damaged), s.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "alert_ids", damaged.Record.AlertID, []byte("short"))
	s = open(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	again, fresh := sample("one"), sample("one")
	again.Record.AlertID, again.Claimed = damaged.Record.AlertID, []bool{true}
	for range 2 { // the second one finds the log as the first one left it
		verdicts, err := s.Accept(ctx, []intake.Acceptance{again, fresh})
		if err != nil {
			t.Fatal(err)
		}
		if v := verdicts[0]; !v.Duplicate || v.Err == nil || v.Stored.AlertID != damaged.Record.AlertID {
			t.Errorf("the damaged one: got %+v", v)
		}
		if v := verdicts[1]; v.Duplicate || v.Err != nil {
			t.Errorf("the other: got %+v", v)
		}
		fresh = sample("one")
	}
	if jobs, err := s.Claim(ctx, "one", later(), 10, plenty); err != nil || len(jobs) != 3 || s.Claims() != 3 {
		t.Errorf("got %d jobs, %d claims, %v; want 3", len(jobs), s.Claims(), err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-ctx.Done():
		t.Error("the store does not close")
	}
}

// Finding out whether the database can be written to again costs as much as what failed, however often it is done, and
// that is never more than a full commit.
func TestCheck_DoesNotGrowWhileTheDatabaseFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault int
		fail  func(s *bolt.Store, t *testing.T)
		most  int64
	}{
		"with 6 MiB in the log": {faultBefore, func(s *bolt.Store, t *testing.T) {
			a := sample("one")
			a.Record.Body = append(a.Record.Body, bytes.Repeat([]byte(" "), 6<<20)...)
			if err := accept(s, t, a); err != nil {
				t.Fatal(err)
			}
			_, _ = s.Claim(t.Context(), "one", later(), 1, plenty)
		}, 7 << 20},
		"with nothing there": {faultBefore, func(s *bolt.Store, t *testing.T) {
			_ = s.SaveTestOutcome(t.Context(), "k", registry.TestOutcome{})
		}, 1 << 20},
		"after a commit that was too large": {faultAfter, func(s *bolt.Store, t *testing.T) {
			_, _ = s.Keyset(t.Context(), make([]byte, 20<<20))
		}, 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, disk := openFaulty(t, filepath.Join(t.TempDir(), "store.db"))
			disk.fail(c.fault)
			c.fail(s, t)
			if s.Stuck() == 0 {
				t.Fatal("the store does not know that a commit failed")
			}
			for range 4 {
				if err := s.Check(t.Context()); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("check while the database fails: got %v", err)
				}
				if got := s.Stuck(); got == 0 || got > c.most {
					t.Errorf("the next check would write %d bytes, want at most %d", got, c.most)
				}
			}
			disk.mend()
			if err := s.Check(t.Context()); err != nil || s.Stuck() != 0 {
				t.Errorf("check after it was mended: got %v, stuck at %d", err, s.Stuck())
			}
		})
	}
}

// A delivery's next attempt comes due while nothing can be read of it; it is made when that is over, without anybody
// waking the lane.
func TestDispatcher_GoesOnAfterAnOutageOfTheStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		disk := &faultyDisk{}
		s, err := bolt.Open(path, bolt.AroundCommits(bolt.Options{}, disk.beforeCommit, disk.afterCommit))
		if err != nil {
			t.Fatal(err)
		}
		schedule := delivery.DefaultSchedule()
		schedule.Random = func() float64 { return 0.5 }
		d := delivery.NewDispatcher(s, delivery.Options{Schedule: schedule, Observe: nobody{}})
		to := &failsOnce{}
		d.SetLane(delivery.LaneConfig{DestinationID: "one", Enabled: true, Sender: to})
		synctest.Wait()

		disk.fail(faultBefore)
		deliverNow(t, s, d, "one")
		time.Sleep(4 * time.Second) // the next attempt is due after one
		synctest.Wait()
		if n := to.attempts.Load(); n != 1 {
			t.Errorf("%d attempts during the outage, want 1", n)
		}
		if s.Stuck() == 0 {
			t.Error("there is no outage")
		}
		disk.mend()
		time.Sleep(2*time.Second + 100*time.Millisecond)
		synctest.Wait()
		if n := to.attempts.Load(); n != 2 {
			t.Errorf("%d attempts two seconds after the outage, want 2", n)
		}
		if open, stuck := s.Backlog().Open(), s.Stuck(); stuck != 0 {
			t.Errorf("%d are open, stuck at %d", open, stuck)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(d.Stop(ctx), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// deliverNow stores an alert and hands its delivery over, as the intake does.
func deliverNow(t *testing.T, s *bolt.Store, d *delivery.Dispatcher, to string) {
	t.Helper()
	a := sample(to)
	size := len(a.Record.Body)
	if !d.Reserve(to, size, 0) {
		t.Fatal("there is no place in the lane")
	}
	a.Claimed = []bool{true}
	if err := accept(s, t, a); err != nil {
		t.Fatal(err)
	}
	parsed, err := wire.Parse(a.Record.Body)
	if err != nil {
		t.Fatal(err)
	}
	d.Deliver(delivery.Job{Delivery: a.Deliveries[0], Alert: parsed, AcceptedAt: time.Now(), Size: size})
}

// failsOnce is a destination that takes nothing at first.
type failsOnce struct{ attempts atomic.Int64 }

func (*failsOnce) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (f *failsOnce) Send(context.Context, *destination.Message) (destination.Receipt, error) {
	if f.attempts.Add(1) == 1 {
		return destination.Receipt{}, errors.New("not now")
	}
	return destination.Receipt{StatusCode: 200}, nil
}

// nobody is an observer who does not look.
type nobody struct{}

func (nobody) Attempted(delivery.LaneConfig, delivery.Attempt, time.Duration) {}
func (nobody) Settled(delivery.LaneConfig, delivery.Job, delivery.Settlement) {}
func (nobody) Unhealthy(delivery.LaneConfig, delivery.Job, delivery.Health)   {}
