// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// How much one commit, or one frame of the log, takes at most. It takes at least one operation.
const (
	commitOperations = 1024
	commitBytes      = 16 << 20
)

// What is in the log waits for so long, or until it is so much, before it gets to the database, unless somebody wants
// to read or to write there before.
const (
	commitDelay      = 250 * time.Millisecond
	commitUrgentlyAt = 4 << 20
)

// An operation is one caller's part of a commit.
//
//	queued     waiting; the caller may still give up
//	started    in the hands of the writer; the caller waits for the answer
//	abandoned  the caller gave up, and the writer passes over it
type operation struct {
	run      func(t *tx) error
	size     int // about how many bytes it writes
	state    atomic.Int32
	err      error      // what run returned last
	done     chan error // the answer; holds one
	readOnly bool
	logged   *logged // what this is a part of, if it was answered when it was logged
}

const (
	queued int32 = iota
	started
	abandoned
)

// writer is the queue in front of the one goroutine that writes the database.
type writer struct {
	mu     sync.Mutex
	wake   sync.Cond
	queue  []*operation
	size   int  // of the queue
	urgent bool // somebody waits for the queue
	timed  bool // it becomes urgent after a while
	closed bool
	ended  chan struct{} // closed when the last operation was answered
}

func (w *writer) init() {
	w.wake.L = &w.mu
	w.ended = make(chan struct{})
}

// add adds an operation that somebody waits for.
func (w *writer) add(op *operation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.queue = append(w.queue, op)
	w.size += op.size
	w.urge()
	return nil
}

// pass adds what was logged.
func (w *writer) pass(batch []*logged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, op := range batch {
		w.queue = append(w.queue, &op.operation)
		w.size += op.size
	}
	switch {
	case w.size >= commitUrgentlyAt:
		w.urge()
	case !w.timed && !w.urgent:
		w.timed = true
		time.AfterFunc(commitDelay, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.timed = false
			w.urge()
		})
	}
}

// urge has the queue taken. The lock is held.
func (w *writer) urge() {
	w.urgent = true
	w.wake.Signal()
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

// take waits until the queue is urgent and moves the operations that fit one commit to batch; none come after the
// close. Those that were logged need not fit: they are bounded by how much may be only in the log.
func (w *writer) take(batch []*operation) []*operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.urgent && !w.closed {
		w.wake.Wait()
	}
	size, others, n := 0, 0, 0
	for n < len(w.queue) {
		if op := w.queue[n]; op.logged == nil {
			if others++; others > 1 && (others > commitOperations || size+op.size > commitBytes) {
				break
			}
			size += op.size
		}
		n++
	}
	for _, op := range w.queue[:n] { // what batch holds already was counted off before
		w.size -= op.size
	}
	batch = append(batch, w.queue[:n]...)
	w.queue = slices.Delete(w.queue, 0, n)
	w.urgent = len(w.queue) > 0
	return batch
}

// update has the writer run an operation and returns once it is committed. run must check before it writes: an error
// it returns is the caller's answer, and if it had written by then, the whole commit is done again without it. It may
// therefore run more than once, and must leave the same behind each time. size is about how many bytes it writes.
func (s *Store) update(ctx context.Context, size int, run func(t *tx) error) error {
	return s.submit(ctx, size, false, run)
}

// submit is update, or with readOnly the same for an operation that writes nothing, whose answer is its own though the
// commit fails.
func (s *Store) submit(ctx context.Context, size int, readOnly bool, run func(t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := s.newOperation()
	op.run, op.size, op.readOnly = run, size, readOnly
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

// write is the writer: it commits whoever waits, until the store is closed and nobody does. What was logged and could
// not be committed goes before what comes next.
func (s *Store) write() {
	defer close(s.writer.ended)
	batch := s.recovered
	s.recovered = nil
	var trimmed time.Time
	for {
		kept := len(batch)
		if batch = s.writer.take(batch); len(batch) == kept && s.writer.isClosed() {
			return
		}
		live := slices.DeleteFunc(batch, func(op *operation) bool {
			return op.logged == nil && !op.state.CompareAndSwap(queued, started)
		})
		failed, _ := s.commit(live)
		clear(batch[len(failed):])
		batch = failed
		if now := time.Now(); now.Sub(trimmed) >= trimEvery {
			trimmed = now
			s.trim()
		}
	}
}

// commit runs the operations in one transaction and answers them. It returns those that were logged and have to be
// tried again, and why.
func (s *Store) commit(batch []*operation) (failed []*operation, err error) {
	began, all := time.Now(), len(batch)
	var spoilers []*operation
	for spoiler := 0; len(batch) > 0; {
		if spoiler, err = s.try(batch); spoiler < 0 {
			break
		}
		spoilers = append(spoilers, batch[spoiler])
		batch = slices.Delete(batch, spoiler, spoiler+1)
	}
	if s.onCommit != nil && len(batch) > 0 {
		s.onCommit(all, time.Since(began))
	}
	failed = batch[:0]
	for _, op := range batch {
		switch {
		case err == nil, op.readOnly:
			s.answer(op, op.err)
		case op.logged != nil:
			failed = append(failed, op)
		default:
			s.answer(op, err)
		}
	}
	for _, op := range spoilers { // last: what was logged before them is in the database by now, or failed
		if err != nil && op.logged != nil {
			failed = append(failed, op)
		} else {
			s.answer(op, op.err)
		}
	}
	return failed, err
}

// answer tells the caller; one that was answered when it was logged is let go.
func (s *Store) answer(op *operation, err error) {
	if op.logged == nil {
		op.done <- err
		return
	}
	if err != nil {
		s.log.Error("what was logged cannot be brought to the database and is left out", "frame", op.logged.number, "error", err)
		if settlement := op.logged.settlement; settlement != nil {
			s.claims.release(settlement.ID)
		}
	}
	s.applied(op.logged)
}

// try makes one transaction of the batch. A spoiler is the index of an operation that failed after it had written:
// nothing was committed then, and the others have to be tried without it.
func (s *Store) try(batch []*operation) (spoiler int, err error) {
	t, err := s.begin()
	if err != nil {
		s.fail(1)
		return -1, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	written, size := false, 0
	for i, op := range batch {
		if op.logged == nil { // it sees what was logged
			if err := t.storeFresh(); err != nil {
				return -1, s.giveUp(t, err)
			}
			written = written || t.written
		}
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
	if err := t.bringLogged(); err != nil {
		return s.giveUp(t, err)
	}
	s.fresh = t.fresh
	if !t.written {
		_ = t.Rollback()
	} else if err := s.sync(t, size); err != nil {
		// When it was the last sync that failed, the transaction may be there all the same.
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errors.Join(err, s.recount()))
	}
	s.pending.Add(t.backlog.Pending)
	s.retrying.Add(t.backlog.Retrying)
	s.oldest.opened(t.lowest)
	s.claims.release(t.released...)
	return nil
}

// sync commits, and keeps in mind how large a commit it was that failed.
func (s *Store) sync(t *tx, size int) error {
	err := s.toDisk(t)
	stats := t.Stats()
	wrote, stuck := max(int64(size), stats.GetPageAlloc()), s.stuck.Load()
	switch {
	case err != nil:
		s.fail(wrote)
	case wrote >= stuck:
		s.stuck.Store(0)
	}
	return err
}

func (s *Store) toDisk(t *tx) error {
	if s.beforeCommit != nil {
		if err := s.beforeCommit(); err != nil {
			_ = t.Rollback()
			return err
		}
	}
	stop := make(chan struct{})
	if t.alerts > touchAtMost {
		go s.trimUntil(stop)
	}
	err := t.Commit()
	close(stop)
	if s.afterCommit != nil {
		err = errors.Join(err, s.afterCommit())
	}
	return err
}

// bringLogged completes a transaction that has operations which were logged.
func (t *tx) bringLogged() error {
	err := t.storeFresh()
	for log, number := range t.logged {
		if err == nil && number > 0 {
			err = t.put(bucketMeta, metaLogged[log], binary.BigEndian.AppendUint64(nil, number))
		}
	}
	return err
}

// giveUp ends a transaction that cannot be completed.
func (s *Store) giveUp(t *tx, err error) error {
	_ = t.Rollback()
	s.claims.release(t.claimed...)
	s.fail(1)
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// fail keeps in mind that a commit of a size failed. It counts as no larger than one operation's share, so that
// finding out again does not cost ever more.
func (s *Store) fail(size int64) {
	s.stuck.Store(max(s.stuck.Load(), min(size, commitBytes)))
	s.probeLater()
}

// touchAtMost is how many alerts are looked up or stored before the memory they touched is trimmed: each by its id,
// which leads anywhere in the file, and with each page the system maps those around it, 64 KiB.
const touchAtMost = 256

// trimUntil trims every now and then while a large commit touches each page that it replaces.
func (s *Store) trimUntil(stop <-chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.trim()
		case <-stop:
			return
		}
	}
}

// touch counts an alert that touches the file.
func (t *tx) touch() {
	if t.alerts++; t.alerts%touchAtMost == 0 {
		t.trim(t.Tx)
	}
}
