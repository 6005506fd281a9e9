// SPDX-License-Identifier: MPL-2.0

package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

var id = wal.ID{1, 2, 3}

func TestLog_GivesBackWhatWasAppended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, wal.Options{})
	recovers(t, l, 0)
	want := []string{"one", "", "two", "three"}
	number := add(t, l, want[0], want[1])
	if next := add(t, l, want[2]); next != number+1 {
		t.Errorf("frame %d follows %d", next, number)
	}
	add(t, l, want[3])
	closes(t, l)

	l = open(t, path, wal.Options{})
	recovers(t, l, 0, want...)
	closes(t, l)
	l = open(t, path, wal.Options{})
	recovers(t, l, number, want[2:]...)
	if next := add(t, l, "four"); next != number+3 {
		t.Errorf("got frame %d, want %d", next, number+3)
	}
	closes(t, l)
	l = open(t, path, wal.Options{})
	recovers(t, l, number+2, "four")
	if err := l.Remove(); err != nil {
		t.Error(err)
	}
	for _, p := range wal.Paths(path) {
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", p, err)
		}
	}
}

func TestLog_IsOfOneStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, wal.Options{})
	recovers(t, l, 0)
	add(t, l, "one")
	closes(t, l)
	if _, err := wal.Open(path, wal.ID{9}, wal.Options{}); !errors.Is(err, wal.ErrOtherStore) {
		t.Errorf("got %v", err)
	}
}

// Whatever of the last frame reached the disk, what was appended before it is given back, and the frame wholly or not.
func TestLog_GivesBackWholeFramesWhereverItIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	l := open(t, path, wal.Options{})
	recovers(t, l, 0)
	add(t, l, "one", "two")
	before, err := os.ReadFile(wal.Paths(path)[l.Active()])
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, "three", "four")
	whole, err := os.ReadFile(wal.Paths(path)[l.Active()])
	if err != nil {
		t.Fatal(err)
	}
	closes(t, l)
	for cut := len(before); cut < len(whole); cut++ {
		for name, damaged := range map[string][]byte{
			"cut":     whole[:cut],
			"zeroed":  append(slices.Clone(whole[:cut]), make([]byte, len(whole)-cut)...),
			"flipped": append(append(slices.Clone(whole[:cut]), whole[cut]^0x10), whole[cut+1:]...),
		} {
			path := filepath.Join(dir, fmt.Sprint(name, cut))
			if err := os.WriteFile(wal.Paths(path)[0], damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, path, wal.Options{})
			recovers(t, l, 0, "one", "two")
			add(t, l, "five")
			closes(t, l)
			l = open(t, path, wal.Options{})
			recovers(t, l, 1, "five")
			closes(t, l)
		}
	}
}

func TestLog_TakesTurnsWhenWhatItHoldsIsApplied(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, wal.Options{SegmentSize: 1000})
	recovers(t, l, 0)
	entry := string(bytes.Repeat([]byte("x"), 300))
	var last uint64
	for n := range 100 {
		last = add(t, l, fmt.Sprint(n, entry))
		if n > 5 {
			l.Applied(last - 5)
		}
	}
	closes(t, l)
	for _, p := range wal.Paths(path) {
		if info, err := os.Stat(p); err != nil || info.Size() == 0 || info.Size() > 5000 {
			t.Errorf("%s: %d bytes, %v", p, info.Size(), err)
		}
	}
	l = open(t, path, wal.Options{SegmentSize: 1000})
	var want []string
	for n := 95; n < 100; n++ {
		want = append(want, fmt.Sprint(n, entry))
	}
	recovers(t, l, last-5, want...)
	closes(t, l)
}

func TestLog_SaysWhenFramesAreMissing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, wal.Options{})
	recovers(t, l, 0)
	add(t, l, "one")
	closes(t, l)
	l = open(t, path, wal.Options{})
	recovers(t, l, 5) // the store has more than the log: nothing is missing
	add(t, l, "seven")
	closes(t, l)
	l = open(t, path, wal.Options{})
	gap, err := l.Recover(3, func(uint64, []byte) error { return nil })
	if err != nil || !gap {
		t.Errorf("got %v, %v", gap, err)
	}
	closes(t, l)
}

// A frame that failed is written over, and leaves nothing that could be taken for a later one.
func TestLog_WritesOverAFrameThatFailed(t *testing.T) {
	t.Parallel()
	disk := newDisk()
	o := wal.Options{Open: disk.open}
	l := open(t, "log", o)
	recovers(t, l, 0)
	add(t, l, "one")
	for _, failure := range []*error{&disk.writeErr, &disk.syncErr} {
		*failure = errors.New("no room")
		l.Begin()
		l.Add(bytes.Repeat([]byte("lost"), 100))
		l.Add([]byte("lost"))
		if _, err := l.Append(true); !errors.Is(err, *failure) {
			t.Errorf("got %v", err)
		}
		*failure = nil
		add(t, l, "kept")
	}
	l = open(t, "log", o)
	recovers(t, l, 0, "one", "kept", "kept")
}

// One damaged frame costs what is in it, and nothing of what follows.
func TestLog_GoesOnBehindADamagedFrame(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path, wal.Options{SegmentSize: 2000})
	recovers(t, l, 0)
	for n := range 60 { // there are frames of earlier turns behind the last
		l.Applied(add(t, l, fmt.Sprint(n, string(bytes.Repeat([]byte("x"), 100)))))
	}
	begin, err := os.Stat(wal.Paths(path)[l.Active()])
	if err != nil {
		t.Fatal(err)
	}
	after := add(t, l, "before") - 1
	add(t, l, "damaged")
	add(t, l, "behind")
	add(t, l, "it")
	file := wal.Paths(path)[l.Active()]
	closes(t, l)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(data, []byte("damaged"))
	if at < 0 || begin.Size() == 0 {
		t.Fatal("the frame is not there")
	}
	data[at] ^= 0x40
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, path, wal.Options{})
	var got []string
	gap, err := l.Recover(after, func(_ uint64, entry []byte) error {
		got = append(got, string(entry))
		return nil
	})
	if want := []string{"before", "behind", "it"}; err != nil || !gap || !slices.Equal(got, want) {
		t.Errorf("got %q, gap %v, %v; want %q and a gap", got, gap, err, want)
	}
	closes(t, l)
}

// What Append says is synced is there after a loss of power, which takes any of the writes since the last sync with it,
// and keeps others, whole or in part.
func TestLog_KeepsWhatItSyncedThroughALossOfPower(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		disk := newDisk()
		o := wal.Options{Open: disk.open, SegmentSize: 400}
		written := map[uint64]string{} // what may be given back
		synced := map[uint64]bool{}    // what must be
		var applied uint64
		for range 1 + random.IntN(4) {
			l := open(t, "log", o)
			last := applied
			found := map[uint64]bool{}
			if _, err := l.Recover(applied, func(n uint64, entry []byte) error {
				if n <= last || written[n] != string(entry) {
					t.Fatalf("seed %d: frame %d after %d is %q, written was %q", seed, n, last, entry, written[n])
				}
				last, found[n] = n, true
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for n := range synced {
				if n > applied && !found[n] {
					t.Fatalf("seed %d: frame %d was synced and is lost", seed, n)
				}
			}
			maps.DeleteFunc(written, func(n uint64, _ string) bool { return n > applied && !found[n] })
			maps.Copy(synced, found)
			applied = last // as Recover demands before the next Append
			l.Applied(applied)
			for range random.IntN(60) {
				entry := fmt.Sprint(random.Uint64(), string(bytes.Repeat([]byte("."), random.IntN(90))))
				l.Begin()
				l.Add([]byte(entry))
				sync := random.IntN(3) > 0
				n, err := l.Append(sync)
				if err != nil || n != last+1 {
					t.Fatalf("seed %d: got frame %d after %d, %v", seed, n, last, err)
				}
				last, written[n] = n, entry
				if sync {
					for n := range written {
						synced[n] = true
					}
				}
				if random.IntN(4) == 0 && last > 5 { // the database is synced on its own
					applied = max(applied, last-uint64(random.IntN(5)))
					l.Applied(applied)
				}
			}
			disk.losePower(random)
		}
	}
}

// disk is files in memory that know what of them is synced.
type disk struct {
	files             map[string]*file
	writeErr, syncErr error
}

type file struct {
	disk    *disk
	synced  []byte
	data    []byte
	pending []write
}

type write struct {
	at   int64
	data []byte
}

func newDisk() *disk { return &disk{files: map[string]*file{}} }

func (d *disk) open(path string) (wal.File, error) {
	if d.files[path] == nil {
		d.files[path] = &file{disk: d}
	}
	return d.files[path], nil
}

// losePower keeps of the writes since the last sync what it likes.
func (d *disk) losePower(random *rand.Rand) {
	for _, path := range slices.Sorted(maps.Keys(d.files)) {
		f := d.files[path]
		f.data = slices.Clone(f.synced)
		for _, w := range f.pending {
			if random.IntN(2) == 0 {
				f.put(w.data[:random.IntN(len(w.data)+1)], w.at)
			}
		}
		f.synced, f.pending = slices.Clone(f.data), nil
	}
}

func (f *file) put(p []byte, at int64) {
	if end := at + int64(len(p)); int64(len(f.data)) < end {
		f.data = append(f.data, make([]byte, end-int64(len(f.data)))...)
	}
	copy(f.data[at:], p)
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	if f.disk.writeErr != nil {
		half := len(p) / 2
		f.put(p[:half], at)
		return half, f.disk.writeErr
	}
	f.pending = append(f.pending, write{at, slices.Clone(p)})
	f.put(p, at)
	return len(p), nil
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Sync() error {
	if f.disk.syncErr != nil {
		return f.disk.syncErr
	}
	f.synced, f.pending = slices.Clone(f.data), nil
	return nil
}

func (f *file) Truncate(size int64) error {
	f.data = f.data[:size]
	f.synced, f.pending = slices.Clone(f.data), nil
	return nil
}

func (f *file) Close() error { return nil }

func open(t *testing.T, path string, o wal.Options) *wal.Log {
	t.Helper()
	l, err := wal.Open(path, id, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, l *wal.Log, entries ...string) uint64 {
	t.Helper()
	l.Begin()
	for _, e := range entries {
		l.Add([]byte(e[:len(e)/2]), []byte(e[len(e)/2:]))
	}
	number, err := l.Append(true)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// recovers reads the log, and wants these entries and no gap.
func recovers(t *testing.T, l *wal.Log, after uint64, want ...string) {
	t.Helper()
	var got []string
	gap, err := l.Recover(after, func(_ uint64, entry []byte) error {
		got = append(got, string(entry))
		return nil
	})
	if err != nil || gap || !slices.Equal(got, want) {
		t.Errorf("after %d: got %q, gap %v, %v; want %q", after, got, gap, err, want)
	}
}

func closes(t *testing.T, l *wal.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
