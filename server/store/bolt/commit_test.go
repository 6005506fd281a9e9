// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

func TestCommit_TakesEverybodyWhoWaits(t *testing.T) {
	t.Parallel()
	var largest atomic.Int64
	var took atomic.Int64
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{
		OnCommit: func(operations int, d time.Duration) {
			largest.Store(max(largest.Load(), int64(operations)))
			took.Add(int64(d))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const callers = 20
	var all sync.WaitGroup
	whileWriting(t, s, func() {
		for range callers {
			all.Go(func() {
				if err := accept(s, t, sample("one")); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, callers)
	})
	all.Wait()
	if b := s.Backlog(); b.Pending != callers {
		t.Errorf("got backlog %+v", b)
	}
	if largest.Load() != callers || took.Load() <= 0 {
		t.Errorf("got a largest commit of %d in %d ns, want %d", largest.Load(), took.Load(), callers)
	}
}

func TestCommit_OneThatFailsHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	good := []intake.Acceptance{sample("one"), sample("one"), sample("one")}
	spoiled := []intake.Acceptance{sample("one"), sample("one")}
	spoiled[1].Record.AlertID = "" // bbolt refuses it, when the first is written already
	spoiled[0].Claimed = []bool{true}
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
	whileWriting(t, s, func() {
		call(0, "first", fine, func() error { return accept(s, t, good[0]) })
		call(1, "spoiled", func(err error) bool { return err != nil && !errors.Is(err, store.ErrUnavailable) }, func() error {
			return accept(s, t, spoiled...)
		})
		call(2, "second", fine, func() error { return accept(s, t, good[1]) })
		call(3, "refused", func(err error) bool { return problem.KindOf(err) == problem.NotFound }, func() error {
			return s.DeleteToken(t.Context(), "nobody")
		})
		call(4, "panics", func(err error) bool { return err != nil && strings.Contains(err.Error(), "oh no") }, func() error {
			_, err := s.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) { panic("oh no") })
			return err
		})
		call(5, "third", fine, func() error { return accept(s, t, good[2]) })
		waitQueued(s, 6)
	})
	all.Wait()
	for _, a := range good {
		if _, _, err := s.Alert(t.Context(), a.Record.AlertID); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := s.Alert(t.Context(), spoiled[0].Record.AlertID); problem.KindOf(err) != problem.NotFound {
		t.Errorf("half of a batch was stored: %v", err)
	}
	if b := s.Backlog(); b != (delivery.Backlog{Pending: 3}) {
		t.Errorf("got backlog %+v", b)
	}
	// Nothing is left of the claim: the same delivery can be stored and claimed.
	spoiled[0].Claimed = nil
	if err := accept(s, t, spoiled[0]); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty); err != nil || len(jobs) != 4 {
		t.Errorf("got %d jobs, %v", len(jobs), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sound(t, path)
}

func TestCommit_PassesOverACallerWhoGaveUp(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	a := sample("one")
	a.Claimed = []bool{true}
	whileWriting(t, s, func() {
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() {
			_, err := s.Accept(ctx, []intake.Acceptance{a})
			answer <- err
		}()
		waitQueued(s, 1)
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	a.Claimed = nil
	if err := accept(s, t, a); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty); err != nil || len(jobs) != 1 {
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
	s := open(t, path)
	const callers = 20
	var all sync.WaitGroup
	batch := make([]intake.Acceptance, callers)
	whileWriting(t, s, func() {
		for i := range batch {
			batch[i] = sample("one")
			all.Go(func() {
				if err := accept(s, t, batch[i]); err != nil {
					t.Errorf("accept: %v", err)
				}
			})
		}
		waitQueued(s, callers)
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	})
	all.Wait()
	s = open(t, path)
	for _, a := range batch {
		if _, _, err := s.Alert(t.Context(), a.Record.AlertID); err != nil {
			t.Error(err)
		}
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
		ended <- s.DeleteDestination(t.Context(), id, func(destination.Destination) error {
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
