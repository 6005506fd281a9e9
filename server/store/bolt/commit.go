// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// How much one commit takes at most. It takes at least one operation.
const (
	commitOperations = 1024
	commitBytes      = 16 << 20
)

// An operation is one caller's part of a commit.
//
//	queued     waiting; the caller may still give up
//	started    in the hands of the writer; the caller waits for the answer
//	abandoned  the caller gave up, and the writer passes over it
type operation struct {
	run   func(t *tx) error
	size  int // about how many bytes it writes
	state atomic.Int32
	err   error      // what run returned last
	done  chan error // the answer; holds one
}

const (
	queued int32 = iota
	started
	abandoned
)

// writer is the queue in front of the one goroutine that writes.
type writer struct {
	mu     sync.Mutex
	wake   sync.Cond
	queue  []*operation
	closed bool
	ended  chan struct{} // closed when the last operation was answered
}

func (w *writer) init() {
	w.wake.L = &w.mu
	w.ended = make(chan struct{})
}

func (w *writer) add(op *operation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.queue = append(w.queue, op)
	w.wake.Signal()
	return nil
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake.Signal()
}

func (w *writer) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// take waits for operations and moves those that fit one commit to batch; none come after the close.
func (w *writer) take(batch []*operation) []*operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.closed {
		w.wake.Wait()
	}
	size, n := 0, 0
	for n < len(w.queue) && n < commitOperations && (n == 0 || size+w.queue[n].size <= commitBytes) {
		size += w.queue[n].size
		n++
	}
	batch = append(batch, w.queue[:n]...)
	w.queue = slices.Delete(w.queue, 0, n)
	return batch
}

// update has the writer run an operation and returns once it is committed. run must check before it writes: an error
// it returns is the caller's answer, and if it had written by then, the whole commit is done again without it. It may
// therefore run more than once, and must leave the same behind each time. size is about how many bytes it writes.
func (s *Store) update(ctx context.Context, size int, run func(t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := s.newOperation()
	op.run, op.size = run, size
	op.state.Store(queued)
	if err := s.writer.add(op); err != nil {
		return err
	}
	select {
	case err := <-op.done:
		return s.recycle(op, err)
	case <-ctx.Done():
	}
	if op.state.CompareAndSwap(queued, abandoned) {
		return ctx.Err() // the writer still holds op
	}
	return s.recycle(op, <-op.done)
}

// newOperation takes an operation from the store's own pool: channels must not move between stores, which may live in
// different bubbles of virtual time.
func (s *Store) newOperation() *operation {
	if op, ok := s.operations.Get().(*operation); ok {
		return op
	}
	return &operation{done: make(chan error, 1)}
}

func (s *Store) recycle(op *operation, err error) error {
	op.run, op.err = nil, nil
	s.operations.Put(op)
	return err
}

// write is the writer: it commits whoever waits, until the store is closed and nobody does.
func (s *Store) write() {
	defer close(s.writer.ended)
	var batch []*operation
	var trimmed time.Time
	for {
		batch = s.writer.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		live := slices.DeleteFunc(batch, func(op *operation) bool { return !op.state.CompareAndSwap(queued, started) })
		if len(live) > 0 {
			s.commit(live)
		}
		clear(batch)
		if now := time.Now(); now.Sub(trimmed) >= trimEvery {
			trimmed = now
			s.trim()
		}
	}
}

// commit runs the operations in one transaction and answers them.
func (s *Store) commit(batch []*operation) {
	began, all := time.Now(), len(batch)
	for len(batch) > 0 {
		spoiler, err := s.try(batch)
		if spoiler >= 0 {
			batch[spoiler].done <- batch[spoiler].err
			batch = slices.Delete(batch, spoiler, spoiler+1)
			continue
		}
		if s.onCommit != nil {
			s.onCommit(all, time.Since(began))
		}
		for _, op := range batch {
			if err != nil {
				op.err = err
			}
			op.done <- op.err
		}
		return
	}
}

// try makes one transaction of the batch. A spoiler is the index of an operation that failed after it had written:
// nothing was committed then, and the others have to be tried without it.
func (s *Store) try(batch []*operation) (spoiler int, err error) {
	t, err := s.begin()
	if err != nil {
		s.stuck.Store(max(s.stuck.Load(), 1))
		return -1, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	written, size := false, 0
	for i, op := range batch {
		before := t.mark()
		t.written = false
		op.err = attempt(op.run, t)
		switch {
		case op.err == nil:
			written = written || t.written
			size += op.size
		case t.written:
			_ = t.Rollback()
			s.claims.release(t.claimed...)
			return i, nil
		default:
			t.back(before)
		}
	}
	t.written = written
	if err := s.finish(t, size); err != nil {
		s.claims.release(t.claimed...)
		return -1, err
	}
	return -1, nil
}

// attempt runs an operation; a panic is its error, so that it harms nobody else.
func attempt(run func(t *tx) error, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.written = true // for all we know
			err = fmt.Errorf("panic in a store operation: %v\n%s", p, debug.Stack())
		}
	}()
	return run(t)
}

// finish commits what was written, if anything was, and then lets memory follow. size is about how much it was.
func (s *Store) finish(t *tx, size int) error {
	if !t.written {
		_ = t.Rollback()
	} else if err := s.sync(t, size); err != nil {
		// When it was the last sync that failed, the transaction may be there all the same.
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errors.Join(err, s.recount()))
	}
	s.pending.Add(t.backlog.Pending)
	s.retrying.Add(t.backlog.Retrying)
	s.claims.release(t.released...)
	return nil
}

// sync commits, and keeps in mind how large a commit it was that failed.
func (s *Store) sync(t *tx, size int) error {
	err := t.Commit()
	stats := t.Stats()
	wrote, stuck := max(int64(size), stats.GetPageAlloc()), s.stuck.Load()
	switch {
	case err != nil:
		s.stuck.Store(max(stuck, wrote))
	case wrote >= stuck:
		s.stuck.Store(0)
	}
	return err
}
