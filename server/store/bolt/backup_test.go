// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// backUp copies a running store to a file.
func backUp(tb testing.TB, s *bolt.Store, path string) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	var said int64
	err = s.Backup(tb.Context(), func(size int64) (io.Writer, error) { said = size; return f, nil })
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		tb.Fatal(err)
	}
	if info.Size() != said {
		tb.Errorf("the copy has %d bytes, and was said to have %d", info.Size(), said)
	}
}

func TestBackup_HasWhatWasAcknowledgedBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"))
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []delivery.ID
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				a := sample("one")
				if _, err := s.Accept(t.Context(), []intake.Acceptance{a}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, a.Deliveries[0].ID)
				mu.Unlock()
			}
		})
	}
	for round := range 5 {
		mu.Lock()
		before := acknowledged
		mu.Unlock()
		path := filepath.Join(dir, "copy.db")
		backUp(t, s, path)
		contents, _, err := bolt.Inspect(t.Context(), path)
		if err != nil || contents.Alerts < len(before) || contents.Open != contents.Alerts {
			t.Fatalf("round %d: got %+v, %v, want at least %d alerts, all open", round, contents, err, len(before))
		}
		copied := open(t, path)
		for _, id := range before {
			if _, err := copied.Delivery(t.Context(), id); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	load.Wait()
}

// blocked is a reader that takes the first chunk and no other until it is told to.
type blocked struct {
	once sync.Once
	took chan struct{}
	free chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.once.Do(func() { close(b.took) })
	<-b.free
	return len(p), nil
}

// A store that must grow waits for everybody who reads it: a stuck backup has to go.
func TestBackup_GivesWayToAStoreThatGrows(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.SmallMap(bolt.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	fill(t, s, 1000, "one")
	b := &blocked{took: make(chan struct{}), free: make(chan struct{})}
	got := make(chan error, 1)
	go func() { got <- s.Backup(t.Context(), func(int64) (io.Writer, error) { return b, nil }) }()
	<-b.took
	began := time.Now()
	ids := fill(t, s, 20_000, "one")                           // several times what was mapped
	if _, err := s.Delivery(t.Context(), ids[0]); err != nil { // they are in the database by then
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Minute {
		t.Errorf("it took %s", took)
	}
	close(b.free)
	if err := <-got; !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "has to grow") {
		t.Errorf("got %v, want that the backup was given up", err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBackup_EndsWithItsContextAndItsWriter(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	fill(t, s, 100, "one")
	refused := errors.New("no room")
	if err := s.Backup(t.Context(), func(int64) (io.Writer, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("got %v, want the error of begin", err)
	}
	r, w := io.Pipe()
	_ = r.CloseWithError(refused)
	if err := s.Backup(t.Context(), func(int64) (io.Writer, error) { return w, nil }); !errors.Is(err, refused) {
		t.Errorf("got %v, want the error of the writer", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := &blocked{took: make(chan struct{}), free: make(chan struct{})}
	go func() { <-b.took; cancel(); close(b.free) }()
	if err := s.Backup(ctx, func(int64) (io.Writer, error) { return b, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func TestInspect_RefusesWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"))
	ids := fill(t, s, 3000, "one")
	sound := filepath.Join(dir, "sound.db")
	backUp(t, s, sound)
	raw, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name, want string, content []byte) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := bolt.Inspect(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	try("nothing", "no sound store", nil)
	try("the beginning", "invalid database", raw[:100])
	try("half", "cut short", raw[:len(raw)/2])
	try("all but a byte", "cut short", raw[:len(raw)-1])
	try("something else", "no sound store", bytes.Repeat([]byte("x"), 1<<16))
	const page = 4096
	for n := 2; n*page < len(raw); n += len(raw) / page / 40 { // wherever the damage is
		damaged := bytes.Clone(raw)
		copy(damaged[n*page:], bytes.Repeat([]byte{0xa5}, page))
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if contents, _, err := bolt.Inspect(t.Context(), path); err == nil && contents.Alerts != len(ids) {
			t.Errorf("page %d is damaged: got %+v and no error", n, contents)
		}
	}
	edit(t, sound, "things", "a", []byte("b"))
	if _, _, err := bolt.Inspect(t.Context(), sound); err != nil {
		t.Errorf("a bucket that a later server may have: got %v", err)
	}
	edit(t, sound, "meta", "schema", []byte("99"))
	if _, _, err := bolt.Inspect(t.Context(), sound); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer schema: got %v", err)
	}
}

func TestVerify_NamesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bucket, key string // of what is deleted, or set to value
		value       []byte
		want        string
	}{
		"a damaged alert":           {"alerts", "key", []byte("x"), "decode alert"},
		"an alert that is gone":     {"alerts", "key", nil, "its alert is missing"},
		"an alert without its id":   {"alert_ids", "alert", nil, "does not lead to it"},
		"an id of nothing":          {"alert_ids", "other", []byte("0123456789abcdef"), "leads to no alert"},
		"a damaged delivery":        {"deliveries", "delivery", []byte("x"), "decode delivery"},
		"a delivery that is gone":   {"deliveries", "delivery", nil, "leads to no delivery"},
		"a delivery nobody is due":  {"due", "due", nil, "not in the index of what is due"},
		"due in another state":      {"due", "due", []byte("R"), "not in the index of what is due"},
		"FAILED and it is not":      {"failed", "delivery", []byte("one"), "its delivery is PENDING"},
		"a fallback of nothing":     {"fallbacks", "12345678012345678901234567", []byte{}, "leads to no delivery"},
		"a name of no destination":  {"destination_names", "x", []byte("y"), "leads to no destination"},
		"a damaged destination":     {"destinations", "x", []byte("y"), "decode"},
		"a damaged override":        {"overrides", "x", []byte("y"), "decode"},
		"a token that is no record": {"tokens", "x", []byte("y"), "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, path)
			a := sample("one")
			if err := accept(s, t, a); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context()); err != nil {
				t.Fatalf("while all is well: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			keys := map[string]string{
				"key": string(a.Record.Key[:]), "alert": a.Record.AlertID, "delivery": string(a.Deliveries[0].ID[:]),
				"due": bolt.DueKey(&a.Deliveries[0]),
			}
			key, ok := keys[c.key]
			if !ok {
				key = c.key
			}
			edit(t, path, c.bucket, key, c.value)
			_, _, err := bolt.Inspect(t.Context(), path)
			if !errors.Is(err, bolt.ErrRecords) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("inspect: got %v, want %q", err, c.want)
			}
			s = open(t, path)
			if err := s.Verify(t.Context()); !errors.Is(err, bolt.ErrRecords) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("verify: got %v, want %q", err, c.want)
			}
		})
	}
}

func TestVerify_SeesABodyThatChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	a := sample("one")
	a.Record.Body[len(a.Record.Body)-10] ^= 1
	if err := accept(s, t, a); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "the digest differs") {
		t.Errorf("got %v", err)
	}
}

func TestCompact_MakesTheFileSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	fill(t, s, 10, "one")
	fillSettled(t, s, 5000)
	waits := sample("one")
	waits.Deliveries[0].FallbackAt = later()
	if err := accept(s, t, waits); err != nil {
		t.Fatal(err)
	}
	var after delivery.Key
	for more := true; more; {
		step, err := s.RemoveAlerts(t.Context(), later(), after, 200)
		if err != nil {
			t.Fatal(err)
		}
		after, more = step.Next, step.More
	}
	if _, _, err := bolt.Compact(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another process has the store open") {
		t.Errorf("while it is open: got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	was, _, err := bolt.Inspect(t.Context(), path)
	if err != nil || was.Open != 11 {
		t.Fatalf("got %+v, %v", was, err)
	}
	before, small, err := bolt.Compact(t.Context(), path)
	if err != nil || small*10 > before {
		t.Errorf("got %d bytes of %d, %v", small, before, err)
	}
	is, _, err := bolt.Inspect(t.Context(), path)
	was.Bytes, is.Bytes = 0, 0
	if err != nil || is != was {
		t.Errorf("got %+v, %v, want %+v", is, err, was)
	}
	s = open(t, path)
	if due, err := s.DueFallbacks(t.Context(), later().Add(time.Hour), 10); err != nil || len(due) != 1 {
		t.Errorf("got %d fallbacks, %v", len(due), err)
	}
	fill(t, s, 100, "one")
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	onlyTheStoreIn(t, filepath.Dir(path))
}

func TestCompact_LeavesTheOldFileWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	fill(t, s, 100, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := bolt.Compact(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the store changed (%v)", err)
	}
	onlyTheStoreIn(t, filepath.Dir(path))
	if _, _, err := bolt.Compact(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a store: got %v", err)
	}
}

// onlyTheStoreIn fails when temporary files are left.
func onlyTheStoreIn(tb testing.TB, dir string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			tb.Errorf("%s is left", e.Name())
		}
	}
}
