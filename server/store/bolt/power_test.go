// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

// A loss of power takes with it what was written to the log and not synced. The database beside it is copied between
// two of its commits, which bbolt syncs itself.
func TestAccept_IsSyncedBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	log := &syncedLog{}
	s, err := bolt.Open(path, bolt.WithLog(bolt.Options{}, log.open))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var mu sync.Mutex
	var acknowledged []intake.Acceptance
	var all sync.WaitGroup
	stop := make(chan struct{})
	for n := range 8 {
		all.Go(func() {
			for {
				a := sample("one")
				if err := accept(s, t, a); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, a)
				mu.Unlock()
				if n%2 == 0 {
					if err := s.Settle(t.Context(), delivered(a.Deliveries[0].ID)); err != nil {
						t.Error(err)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for round := range 10 {
		for want := (round + 1) * 100; ; {
			mu.Lock()
			n := len(acknowledged)
			mu.Unlock()
			if n >= want {
				break
			}
			_, _ = s.Delivery(t.Context(), delivery.ID{})
		}
		// What is acknowledged by now, and then what is on disk.
		mu.Lock()
		now := append([]intake.Acceptance(nil), acknowledged...)
		mu.Unlock()
		after := filepath.Join(dir, fmt.Sprint("after", round), "store.db")
		if err := os.Mkdir(filepath.Dir(after), 0o700); err != nil {
			t.Fatal(err)
		}
		whileWriting(t, s, func() { log.copy(t, path, after, true) })
		checkAfterPower(t, after, now)
	}
	close(stop)
	all.Wait()
}

func checkAfterPower(t *testing.T, path string, acknowledged []intake.Acceptance) {
	t.Helper()
	s := open(t, path)
	lost := 0
	for _, a := range acknowledged {
		if _, deliveries, err := s.Alert(t.Context(), a.Record.AlertID); err != nil || len(deliveries) != 1 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged alerts are lost", lost, len(acknowledged))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	sound(t, path)
}

// syncedLog is a log in real files that knows what of them is synced.
type syncedLog struct {
	mu    sync.Mutex
	files map[string]*syncedFile // by path
}

func (l *syncedLog) open(path string) (wal.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	file := &syncedFile{File: f, log: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil {
		l.files = map[string]*syncedFile{}
	}
	l.files[path] = file
	return file, err
}

type syncedFile struct {
	*os.File
	log    *syncedLog
	synced []byte
}

func (f *syncedFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	var err error
	f.synced, err = io.ReadAll(io.NewSectionReader(f.File, 0, 1<<40))
	return err
}

// copy copies the database at one path to another, with the logs as they were synced, or as they were written.
func (l *syncedLog) copy(t *testing.T, from, to string, synced bool) {
	t.Helper()
	database, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{to: database}
	l.mu.Lock()
	for path, file := range l.files {
		if after, ok := strings.CutPrefix(path, strings.TrimSuffix(from, ".db")); ok {
			to := strings.TrimSuffix(to, ".db") + after
			files[to] = file.synced
			if !synced {
				if files[to], err = os.ReadFile(path); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	l.mu.Unlock()
	for path, data := range files {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A stop in the middle leaves what is only in the log to the next start, settlements in their order included.
func TestOpen_RecoversWhatIsOnlyInTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, after := filepath.Join(dir, "store.db"), filepath.Join(dir, "after", "store.db")
	log := &syncedLog{}
	s, err := bolt.Open(path, bolt.WithLog(bolt.Options{}, log.open))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := os.Mkdir(filepath.Dir(after), 0o700); err != nil {
		t.Fatal(err)
	}
	first, second, third := sample("one"), sample("one"), sample("one")
	another := second.Deliveries[0]
	another.ID, another.DestinationID = delivery.NewID(second.Record.Key, 1), "two"
	second.Deliveries = append(second.Deliveries, another)
	whileWriting(t, s, func() {
		if err := accept(s, t, first, second); err != nil {
			t.Error(err)
		}
		failed := delivered(second.Deliveries[1].ID)
		failed.State, failed.Reason = delivery.Failed, delivery.Permanent
		for _, settlement := range []delivery.Settlement{delivered(first.Deliveries[0].ID), failed} {
			if err := s.Settle(t.Context(), settlement); err != nil {
				t.Error(err)
			}
		}
		if verdicts, err := s.Accept(t.Context(), []intake.Acceptance{second, third}); err != nil || !verdicts[0].Duplicate || verdicts[1].Duplicate {
			t.Errorf("got %+v, %v", verdicts, err)
		}
		log.copy(t, path, after, false)
	})
	for range 2 { // the second time there is nothing to recover
		s = open(t, after)
		for a, want := range map[*intake.Acceptance][]delivery.State{
			&first: {delivery.Delivered}, &second: {delivery.Pending, delivery.Failed}, &third: {delivery.Pending},
		} {
			record, deliveries, err := s.Alert(t.Context(), a.Record.AlertID)
			if err != nil || string(record.Body) != string(a.Record.Body) || len(deliveries) != len(want) {
				t.Fatalf("got %+v with %+v, %v", record, deliveries, err)
			}
			for n, d := range deliveries {
				if d.State != want[n] || len(d.Attempts) > 1 || (len(d.Attempts) == 1) != !d.State.Open() {
					t.Errorf("delivery %d: got %+v, want %s", n, d, want[n])
				}
			}
		}
		if b := s.Backlog(); b.Pending != 2 {
			t.Errorf("got backlog %+v", b)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	sound(t, after)
}
