// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
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
	jobs, err := s.Claim(t.Context(), "one", later(), 10)
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

// later is when everything a test stores is due.
func later() time.Time { return time.Now().Add(time.Hour) }

// waitQueued returns when n operations wait for the writer.
func waitQueued(s *bolt.Store, n int) {
	for s.Queued() != n {
		runtime.Gosched()
	}
}
