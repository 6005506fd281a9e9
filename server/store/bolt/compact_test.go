// SPDX-License-Identifier: MPL-2.0

//go:build linux

package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

func TestCompact_LeavesTheOldFileWhenThereIsNoRoom(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	fill(t, s, 2000, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), compactFull+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v: %s", err, out)
	}
	onlyTheStoreIn(t, filepath.Dir(path))
	sound(t, path)
}

// compactWithoutRoom is the helper: no file may be as large as the compact one would be.
func compactWithoutRoom(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := compactTwice(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
	os.Exit(0)
}

func compactTwice(path string) error {
	want, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	contents, _, err := bolt.Inspect(context.Background(), path)
	if err != nil {
		return err
	}
	if err := limitFiles(uint64(contents.Bytes) / 2); err != nil {
		return err
	}
	if _, _, err := bolt.Compact(context.Background(), path); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("without room: got %w", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("the store changed (%w)", err)
	}
	if err := limitFiles(^uint64(0)); err != nil {
		return err
	}
	_, _, err = bolt.Compact(context.Background(), path)
	return err
}
