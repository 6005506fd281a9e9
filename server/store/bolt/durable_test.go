// SPDX-License-Identifier: MPL-2.0

//go:build linux

package bolt_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// The helpers are this test binary, started again with the path of a store in the variable of their name.
const (
	acceptHelper = "BOLT_TEST_ACCEPT"
	fullHelper   = "BOLT_TEST_FULL"
	compactFull  = "BOLT_TEST_COMPACT_FULL"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(acceptHelper); path != "" {
		acceptUntilKilled(path)
	}
	if path := os.Getenv(fullHelper); path != "" {
		runFull(path)
	}
	if path := os.Getenv(compactFull); path != "" {
		compactWithoutRoom(path)
	}
	os.Exit(m.Run())
}

// ack is what a helper says after the store said so.
type ack struct {
	AlertID string
	ID      delivery.ID
	Settled bool
}

func acceptUntilKilled(path string) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for {
				a := sample("one")
				said := ack{AlertID: fmt.Sprintf("%s-%d", a.Record.AlertID, os.Getpid()), ID: a.Deliveries[0].ID}
				a.Record.AlertID, a.Deliveries[0].AlertID = said.AlertID, said.AlertID
				_, err := s.Accept(ctx, []intake.Acceptance{a})
				say(said, err)
				if n%2 == 0 {
					said.Settled = true
					say(said, s.Settle(ctx, delivered(said.ID)))
				}
			}
		})
	}
	all.Wait()
}

func say(what any, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line, _ := json.Marshal(what)
	_, _ = os.Stdout.Write(append(line, '\n')) // whole lines: they are short
}

func TestStore_KeepsWhatWasAcknowledgedWhenKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	last := make(map[delivery.ID]ack)
	for round := range 4 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), acceptHelper+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 100+137*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			var a ack
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				t.Fatal(err)
			}
			last[a.ID] = a
		}
		_ = cmd.Wait()
		checkAcknowledged(t, path, last)
	}
	sound(t, path)
}

func checkAcknowledged(t *testing.T, path string, last map[delivery.ID]ack) {
	t.Helper()
	s := open(t, path)
	for id, a := range last {
		_, deliveries, err := s.Alert(t.Context(), a.AlertID)
		if err != nil || len(deliveries) != 1 || deliveries[0].ID != id {
			t.Fatalf("acknowledged alert %s: got %+v, %v", a.AlertID, deliveries, err)
		}
		if a.Settled && deliveries[0].State != delivery.Delivered {
			t.Errorf("acknowledged settlement of %s is lost", id)
		}
	}
	open := 0
	for cursor := ""; ; {
		list, next, err := s.Deliveries(t.Context(), delivery.Filter{}, cursor, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.State.Open() {
				open++
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	if got := s.Backlog().Open(); got != int64(open) {
		t.Errorf("got a backlog of %d, counted %d", got, open)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestStore_RecoversWhenThereIsRoomAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fullHelper+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v: %s", err, out)
	}
	sound(t, path)
}

// runFull runs out of room, which is a limit on the size of files here, and gets some again.
func runFull(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := full(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
	os.Exit(0)
}

func full(path string) error {
	ctx := context.Background()
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	var stored []intake.Acceptance
	for round := range 3 {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if err := limitFiles(uint64(info.Size()) + 1<<20); err != nil {
			return err
		}
		refused, err := acceptUntilFull(ctx, s, &stored)
		if !errors.Is(err, store.ErrUnavailable) {
			return fmt.Errorf("round %d: accepted %d, then got %w", round, len(stored), err)
		}
		if _, _, err := s.Alert(ctx, stored[len(stored)-1].Record.AlertID); err != nil {
			return fmt.Errorf("read while full: %w", err)
		}
		if got := s.Backlog().Open(); got != int64(len(stored)) {
			return fmt.Errorf("a backlog of %d, stored %d", got, len(stored))
		}
		if err := checkFull(ctx, s); err != nil {
			return err
		}
		if err := limitFiles(^uint64(0)); err != nil {
			return err
		}
		if err := s.Check(ctx); err != nil {
			return fmt.Errorf("check with room again: %w", err)
		}
		verdicts, err := s.Accept(ctx, []intake.Acceptance{refused})
		if err != nil || verdicts[0].Duplicate {
			return fmt.Errorf("accept with room again: %+v, %w", verdicts, err)
		}
		stored = append(stored, refused)
	}
	jobs, err := s.Claim(ctx, "one", later(), len(stored)+1, plenty)
	if err != nil || len(jobs) != len(stored) {
		return fmt.Errorf("claimed %d of %d: %w", len(jobs), len(stored), err)
	}
	return s.Close()
}

// checkFull sees that a store which has room for small commits only does not count as writable.
func checkFull(ctx context.Context, s *bolt.Store) error {
	for range 3 {
		if err := s.Check(ctx); !errors.Is(err, store.ErrUnavailable) {
			return fmt.Errorf("check while full: %w", err)
		}
		// A small commit may succeed, if there is room for it and for all that is in the log.
		if err := s.SaveTestOutcome(ctx, "small", registry.TestOutcome{}); err != nil && !errors.Is(err, store.ErrUnavailable) {
			return fmt.Errorf("a small commit while full: %w", err)
		}
	}
	return nil
}

// acceptUntilFull returns the first acceptance that is refused, and why.
func acceptUntilFull(ctx context.Context, s *bolt.Store, stored *[]intake.Acceptance) (intake.Acceptance, error) {
	for range 1_000_000 {
		a := sample("one")
		a.Record.Body = append(a.Record.Body, bytes.Repeat([]byte(" "), 256<<10)...)
		a.Claimed = []bool{len(*stored)%2 == 0}
		if _, err := s.Accept(ctx, []intake.Acceptance{a}); err != nil {
			if s.Check(ctx) == nil {
				continue // pages of commits before have become free meanwhile
			}
			a.Claimed = nil
			return a, err
		}
		if a.Claimed[0] {
			if err := s.Release(ctx, a.Deliveries[0].ID); err != nil {
				return a, err
			}
		}
		*stored = append(*stored, a)
	}
	return intake.Acceptance{}, nil
}

func limitFiles(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
