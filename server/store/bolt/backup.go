// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// How often a backup looks whether it holds somebody up, and for how long that may be.
const (
	yieldEvery    = 100 * time.Millisecond
	yieldPatience = time.Second
)

// errGrowing ends a backup that holds others up.
var errGrowing = fmt.Errorf("%w: the store has to grow while it is copied, and waits for the copy: try again, or read it faster", store.ErrUnavailable)

// Backup writes a copy of the running store: all that was acknowledged before the call, and nothing of what begins
// after it. begin is called once, with the size in bytes, and returns where to write; its error is returned as it is.
//
// Everybody else goes on meanwhile. What a slow reader costs is room: pages that are given up while it reads cannot be
// used again until it ends, so the file grows by what is written meanwhile. When it outgrows its mapping, though, bbolt
// has to wait for every reader; then the copy is given up after a second, with store.ErrUnavailable. What was written
// by then is no backup. The same holds when ctx ends. A write that is under way then holds up nobody but the caller.
func (s *Store) Backup(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	var out chunks
	defer out.under.Wait()
	caughtUp, err := s.catchUp(ctx)
	if err == nil && !caughtUp { // what is only in the log would not be in the copy
		err = errStuck
	}
	if err != nil {
		return err
	}
	return s.read(ctx, func(t *tx) error {
		w, err := begin(t.Size())
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go s.yield(ctx, cancel)
		out.ctx, out.w = ctx, w
		if _, err := t.WriteTo(&out); err != nil {
			return fmt.Errorf("copy the store: %w", cmp.Or(context.Cause(ctx), out.err, err))
		}
		return nil
	})
}

// yield gives a backup up when the writer waits for it. Nobody can begin to read then, either.
func (s *Store) yield(ctx context.Context, giveUp context.CancelCauseFunc) {
	for ctx.Err() == nil {
		late := time.AfterFunc(yieldPatience, func() { giveUp(errGrowing) })
		if t, err := s.db.Begin(false); err == nil {
			_ = t.Rollback()
		}
		late.Stop()
		select {
		case <-time.After(yieldEvery):
		case <-ctx.Done():
		}
	}
}

// chunks writes until its context ends, when it does not wait for the chunk under way.
type chunks struct {
	ctx   context.Context
	w     io.Writer
	under sync.WaitGroup // way
	err   error          // of w; bbolt tells only its text
}

func (c *chunks) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	var n int
	var err error
	done := make(chan struct{})
	c.under.Go(func() {
		defer close(done)
		n, err = c.w.Write(p) // nobody changes p after a Write that failed
	})
	select {
	case <-done:
		c.err = err
		return n, err
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	}
}

// Inspect looks at a store's file that nobody uses, such as a backup, without changing it: whether it is complete,
// whether this package can read it, and whether all in it fits together. It returns what is in it and the sealed
// keyset, these also with ErrRecords.
func Inspect(ctx context.Context, path string) (Contents, []byte, error) {
	c, keyset, err := inspect(ctx, path)
	if err != nil && !errors.Is(err, ErrRecords) {
		return Contents{}, nil, fmt.Errorf("%s is no sound store: %w", path, err)
	}
	return c, keyset, err
}

// inspect looks at the length before anything else: what is mapped beyond the end of the file must not be touched.
func inspect(ctx context.Context, path string) (c Contents, keyset []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, nil, err
	}
	if !info.Mode().IsRegular() {
		return c, nil, errors.New("it is no regular file")
	}
	err = openToRead(path, false, func(t *bbolt.Tx) error {
		if t.Size() > info.Size() {
			return fmt.Errorf("it is cut short: it has %d bytes of %d", info.Size(), t.Size())
		}
		return nil
	})
	if err != nil {
		return c, nil, err
	}
	err = openToRead(path, true, func(t *bbolt.Tx) error {
		if err := known(t); err != nil {
			return err
		}
		// The records first: in this goroutine a page that leads nowhere can be caught.
		records := error(nil)
		if c, records = checkRecords(ctx, t); records != nil && !errors.Is(records, ErrRecords) {
			return records
		}
		keyset = bytes.Clone(t.Bucket(bucketMeta).Get(metaKeyset))
		return cmp.Or(checkPages(ctx, t), records)
	})
	return c, keyset, err
}

var errInUse = errors.New("another process has it open")

// InUse reports whether a process has a store's file open to write.
func InUse(path string) bool {
	return errors.Is(openToRead(path, false, func(*bbolt.Tx) error { return nil }), errInUse)
}

// openToRead opens a file for one look; free says whether to read the list of free pages, too. Where a damaged page
// leads, only the processor can tell, and what it says becomes an error.
func openToRead(path string, free bool, look func(t *bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its pages are damaged: %v", p)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockTimeout, PreLoadFreelist: free})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return errInUse
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.View(look)
}

// known refuses what this package cannot read.
func known(t *bbolt.Tx) error {
	meta := t.Bucket(bucketMeta)
	if meta == nil {
		return errors.New("the file is not a store of this server")
	}
	version, err := strconv.Atoi(string(meta.Get(metaSchema)))
	switch {
	case err != nil:
		return fmt.Errorf("its schema version cannot be read: %w", err)
	case version > schema:
		return fmt.Errorf("it was written by a newer version of the server (schema %d, this one knows %d)", version, schema)
	case version < schema:
		return fmt.Errorf("it was written by an older version of the server (schema %d, this one has %d): start this one on a copy of it first", version, schema)
	}
	return nil
}
