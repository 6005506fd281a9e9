// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var raiseCases = []testCase{
	{"it is due once in a while, also after a reopening", func(t *testing.T, f *fixture) {
		now := f.now()
		f.wantRaise("a", now, true)
		f.wantRaise("a", now, false)
		f.wantRaise("a", now.Add(time.Hour-time.Microsecond), false)
		f.reopen()
		f.wantRaise("a", now.Add(time.Hour-time.Microsecond), false)
		f.wantRaise("a", now.Add(time.Hour), true)
		f.wantRaise("a", now.Add(2*time.Hour-time.Microsecond), false)
	}},
	{"each key is due by itself", func(t *testing.T, f *fixture) {
		now := f.now()
		for _, key := range []string{"a", "a/b", "b", "schema"} {
			f.wantRaise(key, now, true)
		}
		f.wantRaise("a/b", now, false)
		f.reopen()
	}},
	{"of many callers one hears that it is due", func(t *testing.T, f *fixture) {
		now := f.now()
		var due atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if yes, err := f.Raise(t.Context(), "a", now, time.Hour); err != nil {
					t.Error(err)
				} else if yes {
					due.Add(1)
				}
			})
		}
		all.Wait()
		equal(t, "callers that heard it is due", due.Load(), 1)
	}},
	{"what was forgotten for its age does not take others along", func(t *testing.T, f *fixture) {
		now := f.now()
		for i := range 20 {
			f.wantRaise(fmt.Sprint("old", i), now, true)
		}
		f.wantRaise("young", now.Add(time.Minute), true)
		f.wantRaise("new", now.Add(time.Hour), true)
		f.wantRaise("young", now.Add(time.Hour), false)
		f.wantRaise("old7", now.Add(time.Hour), true)
	}},
	{"a clock that was wrong does not silence it for ever", func(t *testing.T, f *fixture) {
		now := f.now()
		f.wantRaise("a", now.AddDate(10, 0, 0), true)
		f.wantRaise("a", now, true)
		f.wantRaise("b", now.Add(time.Minute), true)
		f.wantRaise("b", now, false)
	}},
}

func (f *fixture) wantRaise(key string, now time.Time, want bool) {
	f.t.Helper()
	got, err := f.Raise(f.t.Context(), key, now, time.Hour)
	if err != nil || got != want {
		f.t.Errorf("raise %q at %s: got %v, %v; want %v", key, now, got, err, want)
	}
}
