// SPDX-License-Identifier: MPL-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret/seal"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// In the data directory: the store, and what the files beside it that belong to it begin with.
const (
	storeFile = "alertrouter.db"
	logPrefix = "alertrouter.wal"
)

// Contents counts what a store or a backup holds.
type Contents = bolt.Contents

// ErrRecords marks a store or a backup that can be used, though some records in it are damaged.
var ErrRecords = bolt.ErrRecords

// CheckBackup looks at a backup: whether it is complete, and everything in it fits together.
func CheckBackup(ctx context.Context, file string) (Contents, error) {
	contents, _, err := bolt.Inspect(ctx, file)
	return contents, err
}

// CheckStore does the same for the store in c.Data, which no server may have open.
func CheckStore(ctx context.Context, c Config) (Contents, error) {
	path, err := existingStore(&c)
	if err != nil {
		return Contents{}, err
	}
	s, err := bolt.Open(path, bolt.Options{}) // what is beside the file belongs to it
	if err != nil {
		return Contents{}, err
	}
	if err := s.Close(); err != nil {
		return Contents{}, err
	}
	return CheckBackup(ctx, path)
}

// CompactStore makes the store's file in c.Data as small as what it holds, and returns its size before and after. No
// server may have it open.
func CompactStore(ctx context.Context, c Config) (before, after int64, err error) {
	path, err := existingStore(&c)
	if err != nil {
		return 0, 0, err
	}
	return bolt.Compact(ctx, path)
}

// existingStore returns the path of the store, which must be there.
func existingStore(c *Config) (string, error) {
	c.fillDefaults()
	path := filepath.Join(c.Data, storeFile)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no store in --data %s: %w", c.Data, err)
	}
	return path, nil
}

// Restored is what Restore made.
type Restored struct {
	Contents

	Path       string `json:"path"`        // of the store
	KeyChecked bool   `json:"key_checked"` // the master key is there, and opens it
}

// Restore makes the store in c.Data from a backup. It refuses a directory that has a store, a backup that is damaged,
// and one that the master key, where there is one, does not open. damaged lets it take one of which only some records
// are. Nothing is removed, and nothing is there until all of it is.
func Restore(ctx context.Context, c Config, file string, damaged bool) (Restored, error) {
	c.fillDefaults()
	r := Restored{Path: filepath.Join(c.Data, storeFile)}
	if err := refuseStore(c.Data, r.Path); err != nil {
		return r, err
	}
	contents, keyset, err := bolt.Inspect(ctx, file)
	if usable := damaged && errors.Is(err, ErrRecords); err != nil && !usable {
		return r, fmt.Errorf("the backup is damaged: %w", err)
	}
	r.Contents = contents
	if r.KeyChecked, err = checkKey(c, keyset); err != nil {
		return r, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return r, fmt.Errorf("make the data directory: %w", err)
	}
	if err := place(ctx, file, r.Path); err != nil {
		return r, fmt.Errorf("restore %s: %w", r.Path, err)
	}
	return r, nil
}

// refuseStore says what is in a restored store's way.
func refuseStore(dir, path string) error {
	if _, err := os.Lstat(path); err == nil {
		if bolt.InUse(path) {
			return fmt.Errorf("a server has the store %s open: stop it, and move its files away first", path)
		}
		return fmt.Errorf("there is a store already: move %s away first, and every %s* beside it", path, logPrefix)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	left, err := filepath.Glob(filepath.Join(dir, logPrefix+"*"))
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("the directory holds what belongs to another store: move %s away first", strings.Join(left, ", "))
	}
	return nil
}

// checkKey opens a keyset with the master key, if there is one.
func checkKey(c Config, keyset []byte) (checked bool, err error) {
	if len(keyset) == 0 {
		return false, nil
	}
	master, err := masterKey(c, false, slog.New(slog.DiscardHandler))
	if errors.Is(err, fs.ErrNotExist) && c.MasterKeyFile == "" && !c.MasterKey.IsSet() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := seal.Open(master, keyset); err != nil {
		return false, fmt.Errorf("the backup is of a server with another master key: %w", err)
	}
	return true, nil
}

// place copies a file to a path where none may be, whole or not at all.
func place(ctx context.Context, from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	temporary, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = io.Copy(temporary, &interruptible{ctx, source})
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), to); errors.Is(err, fs.ErrExist) {
		return err // a rename would replace it
	} else if err != nil { // not every file system has links
		if err := os.Rename(temporary.Name(), to); err != nil {
			return err
		}
	}
	return syncDirectory(filepath.Dir(to))
}

// interruptible reads until its context ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// syncDirectory makes a new file's name survive a loss of power, where the system can.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // not every system can, and none needs it to go on
	return nil
}
