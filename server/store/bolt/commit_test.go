// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

func TestAccept_SyncsOnceForEverybodyWhoWaits(t *testing.T) {
	t.Parallel()
	var largest, took atomic.Int64
	log := &heldLog{}
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.WithLog(bolt.Options{
		OnCommit: func(operations int, d time.Duration) {
			largest.Store(max(largest.Load(), int64(operations)))
			took.Add(int64(d))
		},
	}, log.open))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const callers = 20
	var all sync.WaitGroup
	log.whileSyncing(t, s, func() {
		for range callers {
			all.Go(func() {
				if err := accept(s, t, sample("one")); err != nil {
					t.Error(err)
				}
			})
		}
		waitAppending(s, callers)
	})
	all.Wait()
	if b := s.Backlog(); b.Pending != callers+1 {
		t.Errorf("got backlog %+v", b)
	}
	if largest.Load() != callers || took.Load() <= 0 {
		t.Errorf("got at most %d in a sync, in %d ns, want %d", largest.Load(), took.Load(), callers)
	}
}

func TestUpdate_CommitsOnceForEverybodyWhoWaits(t *testing.T) {
	t.Parallel()
	var largest atomic.Int64
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{
		OnCommit: func(operations int, _ time.Duration) { largest.Store(max(largest.Load(), int64(operations))) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const callers = 20
	var all sync.WaitGroup
	whileWriting(t, s, func() {
		for n := range callers {
			all.Go(func() {
				if err := s.SaveTestOutcome(t.Context(), fmt.Sprint(n), registry.TestOutcome{}); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, callers)
	})
	all.Wait()
	if largest.Load() != callers {
		t.Errorf("got a largest commit of %d, want %d", largest.Load(), callers)
	}
}

func TestCommit_OneThatFailsHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	good := []intake.Acceptance{sample("one"), sample("one"), sample("one")}
	refused := errors.New("refused")
	var all sync.WaitGroup
	call := func(n int, what string, wants func(error) bool, f func() error) {
		waitQueued(s, n)
		all.Go(func() {
			if err := f(); !wants(err) {
				t.Errorf("%s: got %v", what, err)
			}
		})
	}
	fine := func(err error) bool { return err == nil }
	log := func(a intake.Acceptance) {
		if err := accept(s, t, a); err != nil {
			t.Error(err)
		}
	}
	whileWriting(t, s, func() {
		log(good[0])
		// Half a dispatch: the first delivery is claimed and stored when the second turns out to be too many.
		call(1, "spoiled", func(err error) bool { return problem.KindOf(err) == problem.Invalid }, func() error {
			return s.Dispatch(t.Context(), good[0].Record.AlertID, func(r intake.Record, _ uint16) (intake.Dispatch, error) {
				list := make([]delivery.Delivery, delivery.MaxPerAlert+1)
				return intake.Dispatch{Deliveries: list, Claimed: []bool{true}}, nil
			})
		})
		waitQueued(s, 2)
		log(good[1])
		call(3, "refused", func(err error) bool { return problem.KindOf(err) == problem.NotFound }, func() error {
			return s.DeleteToken(t.Context(), "nobody")
		})
		call(4, "panics", func(err error) bool { return err != nil && strings.Contains(err.Error(), "oh no") }, func() error {
			_, err := s.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) { panic("oh no") })
			return err
		})
		call(5, "refuses", func(err error) bool { return err == refused }, func() error { //nolint:errorlint // as it is
			_, err := s.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) {
				return registry.Override{}, refused
			})
			return err
		})
		waitQueued(s, 6)
		log(good[2])
		call(7, "last", fine, func() error { return s.SaveTestOutcome(t.Context(), "k", registry.TestOutcome{}) })
		waitQueued(s, 8)
	})
	all.Wait()
	for _, a := range good {
		if _, _, err := s.Alert(t.Context(), a.Record.AlertID); err != nil {
			t.Error(err)
		}
	}
	if b := s.Backlog(); b != (delivery.Backlog{Pending: 3}) {
		t.Errorf("got backlog %+v", b)
	}
	if jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty); err != nil || len(jobs) != 3 {
		t.Errorf("got %d jobs, %v", len(jobs), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sound(t, path)
}

func TestAccept_RefusesWhatTheDatabaseCouldNotKeep(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	spoiled := []intake.Acceptance{sample("one"), sample("one")}
	spoiled[1].Record.AlertID = ""
	spoiled[0].Claimed = []bool{true}
	if err := accept(s, t, spoiled...); problem.KindOf(err) != problem.Invalid {
		t.Errorf("got %v", err)
	}
	if _, _, err := s.Alert(t.Context(), spoiled[0].Record.AlertID); problem.KindOf(err) != problem.NotFound {
		t.Errorf("half of a batch was stored: %v", err)
	}
	// Nothing is left of the claim: the same delivery can be stored and claimed.
	spoiled[0].Claimed = nil
	if err := accept(s, t, spoiled[0]); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty); err != nil || len(jobs) != 1 {
		t.Errorf("got %d jobs, %v", len(jobs), err)
	}
}

func TestCommit_PassesOverACallerWhoGaveUp(t *testing.T) {
	t.Parallel()
	log := &heldLog{}
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.WithLog(bolt.Options{}, log.open))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	a := sample("two")
	a.Claimed = []bool{true}
	log.whileSyncing(t, s, func() {
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() {
			_, err := s.Accept(ctx, []intake.Acceptance{a})
			answer <- err
		}()
		waitAppending(s, 1)
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	a.Claimed = nil
	if err := accept(s, t, a); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Claim(t.Context(), "two", later(), 10, plenty); err != nil || len(jobs) != 1 {
		t.Errorf("got %d jobs, %v", len(jobs), err)
	}
}

func TestCommit_IsWaitedForOnceItHasBegun(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.PutOverride(ctx, "A", func(*registry.Override) (registry.Override, error) {
		cancel()
		return registry.Override{DetectionID: "A"}, nil
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
}

func TestClose_AnswersEverybodyWhoWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	log := &heldLog{}
	s, err := bolt.Open(path, bolt.WithLog(bolt.Options{}, log.open))
	if err != nil {
		t.Fatal(err)
	}
	const callers = 20
	var all sync.WaitGroup
	batch := make([]intake.Acceptance, callers)
	log.whileSyncing(t, s, func() {
		for i := range batch {
			batch[i] = sample("one")
			all.Go(func() {
				if err := accept(s, t, batch[i]); err != nil {
					t.Errorf("accept: %v", err)
				}
			})
		}
		waitAppending(s, callers)
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	})
	all.Wait()
	for _, log := range bolt.LogPaths(path) {
		for _, file := range wal.Paths(log) {
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is left: %v", file, err)
			}
		}
	}
	s = open(t, path)
	for _, a := range batch {
		if _, _, err := s.Alert(t.Context(), a.Record.AlertID); err != nil {
			t.Error(err)
		}
	}
}

// heldLog is a log in real files, whose next sync can be held up.
type heldLog struct {
	mu    sync.Mutex
	begun chan struct{} // closed when the sync begins, which waits for end
	end   chan struct{}
}

func (l *heldLog) open(path string) (wal.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return heldFile{f, l}, err
}

type heldFile struct {
	*os.File
	log *heldLog
}

func (f heldFile) Sync() error {
	f.log.mu.Lock()
	begun, end := f.log.begun, f.log.end
	f.log.begun = nil
	f.log.mu.Unlock()
	if begun != nil {
		close(begun)
		<-end
	}
	return f.File.Sync()
}

// whileSyncing accepts an alert for "one", runs f while the log is being synced for it, and returns when it is.
func (l *heldLog) whileSyncing(t *testing.T, s *bolt.Store, f func()) {
	t.Helper()
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	l.mu.Lock()
	l.begun, l.end = begun, end
	l.mu.Unlock()
	go func() { ended <- accept(s, t, sample("one")) }()
	<-begun
	f()
	close(end)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// waitAppending returns when n operations wait for the log.
func waitAppending(s *bolt.Store, n int) {
	for s.Appending() != n {
		runtime.Gosched()
	}
}

// whileWriting keeps the writer busy while it runs f, and returns when the writer is done.
func whileWriting(t *testing.T, s *bolt.Store, f func()) {
	t.Helper()
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	id := fmt.Sprint("d", samples.Add(1))
	if err := s.CreateDestination(t.Context(), destination.Destination{ID: id, DisplayName: id}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	go func() {
		ended <- s.DeleteDestination(t.Context(), id, time.Now(), func(destination.Destination) error {
			close(begun)
			<-end
			return refused
		})
	}()
	<-begun
	f()
	close(end)
	if err := <-ended; err != refused { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
}
