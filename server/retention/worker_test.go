// SPDX-License-Identifier: MPL-2.0

package retention_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/retention"
)

const keep = 30 * 24 * time.Hour

// shelf is a store with nothing but times of acceptance, oldest first.
type shelf struct {
	mu     sync.Mutex
	alerts []time.Time
	took   time.Duration // by each step
	steps  []time.Time   // when each ended
	err    error         // of the next step
}

func (s *shelf) RemoveAlerts(_ context.Context, before time.Time, after delivery.Key, limit int) (retention.Step, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(s.took)
	if err := s.err; err != nil {
		s.err = nil
		return retention.Step{}, err
	}
	s.steps = append(s.steps, time.Now())
	step := retention.Step{Next: after}
	binary.BigEndian.PutUint64(step.Next[8:], uint64(len(s.steps)))
	for len(s.alerts) > 0 && s.alerts[0].Before(before) {
		if step.More = step.Removed == limit; step.More {
			break
		}
		s.alerts = s.alerts[1:]
		step.Removed++
	}
	return step, nil
}

func (s *shelf) NewestAlert(context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.alerts) == 0 {
		return time.Time{}, nil
	}
	return s.alerts[len(s.alerts)-1], nil
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.steps)
}

func (s *shelf) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.alerts)
}

// put adds alerts of an age.
func (s *shelf) put(n int, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.alerts = append(s.alerts, time.Now().Add(-age))
	}
}

// running is a worker, and what it said.
type running struct {
	*retention.Worker

	mu      sync.Mutex
	log     bytes.Buffer
	removed int
	ahead   time.Duration // of the clock
}

func start(t *testing.T, s retention.Store) *running {
	t.Helper()
	r := &running{}
	r.Worker = retention.New(s, retention.Options{
		Keep: keep, Now: r.now, Log: slog.New(slog.NewTextHandler(r, nil)), Removed: r.count,
	})
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return r
}

func (r *running) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.ahead)
}

func (r *running) leap(ahead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead = ahead
}

func (r *running) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(line)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *running) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removed += n
}

func (r *running) counted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.removed
}

func TestWorker_RemovesAtTheStartAndThenEveryMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put(3, keep+time.Second)
		s.put(2, keep-90*time.Second)
		s.put(1, 0)
		w := start(t, s)
		time.Sleep(time.Second)
		if s.left() != 3 || w.counted() != 3 {
			t.Errorf("at the start: %d are left, %d counted", s.left(), w.counted())
		}
		if !strings.Contains(w.said(), "alerts=3") {
			t.Errorf("it says %q", w.said())
		}
		time.Sleep(retention.Every)
		if s.left() != 3 {
			t.Errorf("after a minute: %d are left", s.left())
		}
		time.Sleep(retention.Every)
		if s.left() != 1 || w.counted() != 5 {
			t.Errorf("after two minutes: %d are left, %d counted", s.left(), w.counted())
		}
	})
}

func TestWorker_RestsInProportionToWhatAStepTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{took: 10 * time.Millisecond}
		s.put(250, keep+time.Second)
		s.put(1, 0)
		start(t, s)
		time.Sleep(10 * time.Second)
		if s.left() != 1 || s.count() != 5 {
			t.Fatalf("%d are left after %d steps", s.left(), s.count())
		}
		for i := range s.steps[1:] {
			if pause := s.steps[i+1].Sub(s.steps[i]) - s.took; pause != 4*s.took {
				t.Errorf("step %d: a rest of %s after %s", i, pause, s.took)
			}
		}
	})
}

func TestWorker_TakesSmallerStepsWhileTheyAreSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{took: time.Millisecond}
		s.put(1000, keep+time.Second)
		s.put(1, 0)
		start(t, s)
		time.Sleep(10 * time.Second)
		if s.left() != 1 || s.count() != 7 { // 50, 100, and then 200 at a time
			t.Errorf("quick ones: %d are left after %d steps", s.left(), s.count())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{took: time.Millisecond}
		s.put(350, keep+time.Second)
		s.put(600, keep-90*time.Second)
		s.put(1, 0)
		start(t, s)
		time.Sleep(retention.Every) // three quick steps
		s.mu.Lock()
		s.took = 20 * time.Millisecond
		s.mu.Unlock()
		time.Sleep(2 * retention.Every)
		if s.left() != 1 || s.count() != 3+1+8 { // one that finds none; then 200, 100, and 50 at a time
			t.Errorf("then slow ones: %d are left after %d steps", s.left(), s.count())
		}
	})
}

func TestWorker_StopsAfterTheStepUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{took: time.Second}
		s.put(10_000, keep+time.Second)
		s.put(1, 0)
		w := start(t, s)
		time.Sleep(7500 * time.Millisecond) // in the rest after the second step
		began := time.Now()
		if err := w.Stop(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("in a rest: %v after %s", err, time.Since(began))
		}
		if s.count() != 2 {
			t.Errorf("%d steps were made", s.count())
		}
	})
}

func TestWorker_GoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{err: errors.New("the disk is full")}
		s.put(1, keep+time.Second)
		s.put(1, 0)
		w := start(t, s)
		time.Sleep(time.Second)
		if s.left() != 2 || !strings.Contains(w.said(), "the disk is full") {
			t.Errorf("%d are left, it says %q", s.left(), w.said())
		}
		time.Sleep(retention.Every)
		if s.left() != 1 {
			t.Errorf("%d are left", s.left())
		}
	})
}

// A backup of long ago, or a clock that is wrong by months, looks the same: all that is there is old.
func TestWorker_HoldsBackWhereTheClockIsFarAheadOfTheNewestAlert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put(5, 2*keep)
		w := start(t, s)
		time.Sleep(retention.Grace - time.Minute)
		if s.left() != 5 || strings.Count(w.said(), "level=WARN") != 1 {
			t.Errorf("within the grace: %d are left, it says %q", s.left(), w.said())
		}
		time.Sleep(2 * time.Minute)
		if s.left() != 0 {
			t.Errorf("after it: %d are left", s.left())
		}
	})
}

func TestWorker_HoldsBackWhenTheClockLeaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put(5, 0)
		w := start(t, s)
		time.Sleep(10 * time.Minute)
		w.leap(2 * keep)
		time.Sleep(30 * time.Minute)
		if s.left() != 5 || strings.Count(w.said(), "level=WARN") != 1 {
			t.Errorf("after the leap: %d are left, it says %q", s.left(), w.said())
		}
		w.leap(0) // somebody set it right
		time.Sleep(24 * time.Hour)
		if s.left() != 5 {
			t.Errorf("after it was set right: %d are left", s.left())
		}
		w.leap(-2 * keep)
		time.Sleep(time.Hour)
		if s.left() != 5 {
			t.Errorf("with a clock that is behind: %d are left", s.left())
		}
	})
}
