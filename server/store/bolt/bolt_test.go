// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Opener {
		path := filepath.Join(t.TempDir(), "store.db")
		return func() (store.Store, error) { return bolt.Open(path, bolt.Options{}) }
	})
}

func TestStore_PassesTheSuiteWithShortPages(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Opener {
		path := filepath.Join(t.TempDir(), "store.db")
		return func() (store.Store, error) {
			s, err := bolt.Open(path, bolt.Options{})
			if err == nil {
				s.SetScan(2)
			}
			return s, err
		}
	})
}

func TestOpen_IsForOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, path)
	_, err := bolt.Open(path, bolt.Options{})
	if err == nil || !strings.Contains(err.Error(), "another process has the store open: "+path) {
		t.Errorf("got %v", err)
	}
}

func TestOpen_MakesAFileForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

func TestOpen_RefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"a newer schema": {
			func(t *testing.T, path string) { edit(t, path, "meta", "schema", []byte("7")) }, "newer version",
		},
		"a damaged schema": {
			func(t *testing.T, path string) { edit(t, path, "meta", "schema", []byte("x")) }, "cannot be read",
		},
		"somebody else's file": {
			func(t *testing.T, path string) { edit(t, path, "things", "a", []byte("b")) }, "not a store",
		},
		"no bbolt file": {
			func(t *testing.T, path string) {
				if err := os.WriteFile(path, make([]byte, 100_000), 0o600); err != nil {
					t.Fatal(err)
				}
			}, "invalid database",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store.db")
			c.make(t, path)
			for range 2 { // it lets go of the file
				if _, err := bolt.Open(path, bolt.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want an error with %q", err, c.want)
				}
			}
		})
	}
}

func TestOpen_IsUnavailableWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	_, err := bolt.Open(filepath.Join(t.TempDir(), "missing", "store.db"), bolt.Options{})
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestClaim_DropsADeliveryWhoseRecordIsDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	ids := fill(t, s, 4, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "deliveries", string(ids[0][:]), []byte("damaged"))
	edit(t, path, "deliveries", string(ids[1][:]), nil)
	alertKey := ids[2].Alert()
	edit(t, path, "alerts", string(alertKey[:]), nil)
	s = open(t, path)
	jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty)
	if err != nil || len(jobs) != 1 || jobs[0].Delivery.ID != ids[3] {
		t.Fatalf("got %+v, %v", jobs, err)
	}
	if b := s.Backlog(); b.Open() != 1 {
		t.Errorf("got backlog %+v", b)
	}
	d, err := s.Delivery(t.Context(), ids[2])
	if err != nil || d.State != delivery.Failed || len(d.Attempts) != 1 || !strings.Contains(d.Attempts[0].Message, "missing") {
		t.Errorf("without its alert: got %+v, %v", d, err)
	}
}

func TestFailOpen_DropsADeliveryWhoseRecordIsDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	ids := fill(t, s, 2, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "deliveries", string(ids[0][:]), []byte("damaged"))
	s = open(t, path)
	for _, want := range []int{2, 0} {
		if n, err := s.FailOpen(t.Context(), "one", later(), 10); err != nil || n != want {
			t.Errorf("got %d, %v; want %d", n, err, want)
		}
	}
	if b := s.Backlog(); b.Open() != 0 {
		t.Errorf("got backlog %+v", b)
	}
}

func TestAccept_ADamagedRepeatHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	damaged, sound, fresh := sample("one"), sample("one"), sample("one")
	if err := errors.Join(accept(s, t, damaged, sound), s.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "alerts", string(damaged.Record.Key[:]), []byte("damaged"))
	s = open(t, path)
	again := damaged
	again.Claimed = []bool{true}
	verdicts, err := s.Accept(t.Context(), []intake.Acceptance{fresh, again, sound})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdicts[0]; v.Duplicate || v.Err != nil {
		t.Errorf("the new one: got %+v", v)
	}
	if v := verdicts[1]; !v.Duplicate || v.Err == nil || v.Stored.Key != damaged.Record.Key || v.Stored.AlertID != damaged.Record.AlertID {
		t.Errorf("the damaged one: got %+v", v)
	}
	if v := verdicts[2]; !v.Duplicate || v.Err != nil || v.Stored.Digest != sound.Record.Digest {
		t.Errorf("the repeat: got %+v", v)
	}
	if b := s.Backlog(); b.Open() != 3 {
		t.Errorf("got backlog %+v", b)
	}
}

func TestLists_LeaveOutWhatIsDamagedAndLogIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	ids := fill(t, s, 3, "one")
	destinations, overrides, tokens := storeSettings(t, s, "good", "bad")
	if destinations+overrides+tokens != 6 {
		t.Fatalf("got %d, %d, %d before the damage", destinations, overrides, tokens)
	}
	for _, id := range ids {
		settlement := delivered(id)
		settlement.State, settlement.Reason = delivery.Failed, delivery.Permanent
		if err := s.Settle(t.Context(), settlement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"destinations", "overrides", "tokens"} {
		edit(t, path, bucket, "bad", []byte("\xff"))
	}
	alertKey := ids[0].Alert()
	edit(t, path, "alerts", string(alertKey[:]), []byte("\xff"))
	edit(t, path, "deliveries", string(ids[1][:]), []byte("\xff"))

	var log bytes.Buffer
	s, err := bolt.Open(path, bolt.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	destinations, overrides, tokens = storeSettings(t, s)
	alerts, _, err := s.Alerts(t.Context(), intake.Filter{}, "", 10)
	if err != nil {
		t.Error(err)
	}
	deliveries, _, err := s.Deliveries(t.Context(), delivery.Filter{}, "", 10)
	if err != nil {
		t.Error(err)
	}
	failed, _, err := s.Deliveries(t.Context(), delivery.Filter{States: []delivery.State{delivery.Failed}}, "", 10)
	if err != nil {
		t.Error(err)
	}
	got := []int{destinations, overrides, tokens, len(alerts), len(deliveries), len(failed)}
	if want := []int{1, 1, 1, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := s.CreateDestination(t.Context(), destination.Destination{ID: "one", DisplayName: "one"}); err != nil {
		t.Error(err)
	}
	replayed, _, err := s.Replay(t.Context(), delivery.Filter{}, later(), 10)
	if err != nil || len(replayed) != 2 {
		t.Errorf("replayed %d, %v", len(replayed), err)
	}
	for _, key := range []string{
		"bucket=destinations key=bad", "bucket=overrides key=bad", "bucket=tokens key=bad",
		fmt.Sprintf("bucket=alerts key=%x", alertKey), fmt.Sprintf("bucket=deliveries key=%s", ids[1]),
	} {
		if !strings.Contains(log.String(), key) {
			t.Errorf("the log does not have %s: %s", key, log.String())
		}
	}
}

// storeSettings stores a destination, an override and a token under each key, and returns how many of them are listed.
func storeSettings(t *testing.T, s *bolt.Store, keys ...string) (destinations, overrides, tokens int) {
	t.Helper()
	for _, key := range keys {
		_, err := s.PutOverride(t.Context(), key, func(*registry.Override) (registry.Override, error) {
			return registry.Override{DetectionID: key}, nil
		})
		err = errors.Join(err, s.CreateToken(t.Context(), auth.Token{ID: key}),
			s.CreateDestination(t.Context(), destination.Destination{ID: key, DisplayName: key}))
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err1 := s.Destinations(t.Context())
	o, err2 := s.Overrides(t.Context())
	k, err3 := s.Tokens(t.Context())
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return len(d), len(o), len(k)
}

// A claim that finds a damaged record must not wait for the claims while it reads: their holder may wait to read,
// behind a writer that moves the mapping and waits for all readers.
func TestClaim_OfADamagedRecordStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	small := bolt.SmallMap(bolt.Options{})
	s, err := bolt.Open(path, small)
	if err != nil {
		t.Fatal(err)
	}
	slow := sample("one")
	slow.Record.Route.Warnings = make([]route.Warning, 400_000) // takes a while to read
	if err := accept(s, t, slow); err != nil {
		t.Fatal(err)
	}
	damaged := fill(t, s, 1, "one")[0].Alert()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "alerts", string(damaged[:]), []byte("damaged"))
	if s, err = bolt.Open(path, small); err != nil {
		t.Fatal(err)
	}
	large := sample("two")
	large.Record.Body = append(large.Record.Body, bytes.Repeat([]byte(" "), 12<<20)...)
	var all sync.WaitGroup
	claimed := make(chan struct{})
	all.Go(func() {
		defer close(claimed)
		if jobs, err := s.Claim(t.Context(), "one", later(), 10, plenty); err != nil || len(jobs) != 1 {
			t.Errorf("got %d jobs, %v", len(jobs), err)
		}
	})
	for due := true; due; { // until it is reading
		_, due, _ = s.NextDue(t.Context(), "one")
	}
	all.Go(func() {
		if err := accept(s, t, large); err != nil {
			t.Error(err)
		}
		if _, err := s.Delivery(t.Context(), large.Deliveries[0].ID); err != nil { // it is committed by then
			t.Error(err)
		}
	})
	all.Go(func() {
		for {
			select {
			case <-claimed:
				return
			default:
				_, _, _ = s.NextDue(t.Context(), "one")
			}
		}
	})
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a claim, the writer and another claim wait for one another")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func open(tb testing.TB, path string) *bolt.Store {
	tb.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// edit changes a closed store's file; a nil value deletes.
func edit(tb testing.TB, path, bucket, key string, value []byte) {
	tb.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		tb.Fatal(err)
	}
	err = db.Update(func(t *bbolt.Tx) error {
		b, err := t.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		if value == nil {
			return b.Delete([]byte(key))
		}
		return b.Put([]byte(key), value)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		tb.Fatal(err)
	}
}

// sound checks a closed store's file page by page.
func sound(tb testing.TB, path string) {
	tb.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		tb.Fatal(err)
	}
	err = db.View(func(t *bbolt.Tx) error {
		var all []error
		for err := range t.Check() {
			all = append(all, err)
		}
		return errors.Join(all...)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		tb.Error(err)
	}
}

func accept(s *bolt.Store, tb testing.TB, batch ...intake.Acceptance) error {
	_, err := s.Accept(tb.Context(), batch)
	return err
}

// plenty is room for all that a test stores.
const plenty = 1 << 30

// later is when everything a test stores is due.
func later() time.Time { return time.Now().Add(time.Hour) }

// waitQueued returns when n operations wait for the writer, or more.
func waitQueued(s *bolt.Store, n int) {
	for s.Queued() < n {
		runtime.Gosched()
	}
}

func TestSettle_ADamagedNeighbourIsInNobodysWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.CreateDestination(t.Context(), destination.Destination{ID: "two", DisplayName: "two"}); err != nil {
		t.Fatal(err)
	}
	a := sample("one")
	other := a.Deliveries[0]
	other.ID = delivery.NewID(a.Record.Key, 1)
	a.Deliveries = append(a.Deliveries, other)
	if err := errors.Join(accept(s, t, a), s.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "deliveries", string(other.ID[:]), []byte("damaged"))
	s = open(t, path)
	failed := delivered(a.Deliveries[0].ID)
	failed.State, failed.Reason, failed.Fallback = delivery.Failed, delivery.Permanent, delivery.Fallback{DestinationID: "two"}
	if err := s.Settle(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	jobs, err := s.Claim(t.Context(), "two", later(), 10, plenty)
	if err != nil || len(jobs) != 1 || jobs[0].Delivery.ID.Number() != 2 {
		t.Errorf("got %+v, %v", jobs, err)
	}
	if err := s.Settle(t.Context(), delivered(other.ID)); err != nil { // its claim must not stay
		t.Error(err)
	}
}
