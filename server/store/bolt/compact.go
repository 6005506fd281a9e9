// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// compactBytes is how much one transaction of a compaction writes, which it holds in memory.
const compactBytes = 8 << 20

// Compact makes the file of a store that nobody has open as small as what it holds, and returns its size before and
// after. The new file takes the old one's place when it is complete, checked and on disk; until then, and after any
// error, the old one is as it was. There must be room for both.
func Compact(ctx context.Context, path string) (before, after int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err // Open would make one
	}
	s, err := Open(path, Options{})
	if err != nil {
		return 0, 0, err
	}
	if err := s.Close(); err != nil { // what is beside the file is in it now
		return 0, 0, err
	}
	old, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return 0, 0, fmt.Errorf("another process has the store open: %s", path)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	if before, err = sizeOf(path); err != nil {
		return 0, 0, err
	}
	small, err := rewrite(ctx, old, path)
	if err != nil {
		return 0, 0, fmt.Errorf("compact the store %s: %w", path, err)
	}
	defer os.Remove(small)
	if after, err = sizeOf(small); err != nil {
		return 0, 0, err
	}
	if runtime.GOOS == "windows" { // where a file that is open cannot be replaced
		if err := old.Close(); err != nil {
			return 0, 0, err
		}
	}
	if err := os.Rename(small, path); err != nil {
		return 0, 0, err
	}
	syncDirectory(filepath.Dir(path))
	// A process that opened the old file waits for its lock. It must give up before it gets it: what it would write
	// there would be lost.
	time.Sleep(3 * lockTimeout)
	return before, after, nil
}

// rewrite copies what is in a store into a new file beside it, and returns that one's path.
func rewrite(ctx context.Context, old *bbolt.DB, path string) (_ string, err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return "", err
	}
	name := temporary.Name()
	defer func() {
		if err != nil {
			os.Remove(name)
		}
	}()
	if err := temporary.Close(); err != nil {
		return "", err
	}
	small, err := bbolt.Open(name, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return "", err
	}
	err = copyBuckets(ctx, small, old)
	if err == nil {
		err = small.Sync()
	}
	if err := errors.Join(err, small.Close()); err != nil {
		return "", err
	}
	if _, _, err = Inspect(ctx, name); errors.Is(err, ErrRecords) {
		err = nil // it was like that before
	}
	return name, err
}

// copyBuckets does what bbolt.Compact does, which cannot be interrupted.
func copyBuckets(ctx context.Context, to, from *bbolt.DB) error {
	return from.View(func(old *bbolt.Tx) error {
		return old.ForEach(func(name []byte, b *bbolt.Bucket) error {
			c := b.Cursor()
			key, value := c.First()
			for first := true; first || key != nil; first = false {
				err := to.Update(func(t *bbolt.Tx) (err error) {
					key, value, err = copySome(t, name, c, key, value)
					return err
				})
				if err := errors.Join(err, ctx.Err()); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// copySome copies entries from where a cursor stands, about compactBytes of them, and returns the one after.
func copySome(t *bbolt.Tx, name []byte, c *bbolt.Cursor, key, value []byte) (nextKey, nextValue []byte, err error) {
	b, err := t.CreateBucketIfNotExists(name)
	if err != nil {
		return nil, nil, err
	}
	b.FillPercent = 1 // they come in order
	for size := 0; key != nil && size < compactBytes; key, value = c.Next() {
		if value == nil {
			return nil, nil, fmt.Errorf("there is a bucket %x within %s", key, name)
		}
		if err := b.Put(key, value); err != nil {
			return nil, nil, err
		}
		size += len(key) + len(value)
	}
	return key, value, nil
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
