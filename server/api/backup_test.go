// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/api"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// begin is what a store's Backup calls when it knows the size.
type begin = func(size int64) (io.Writer, error)

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

const backupToken = "alertrouter_backup-token-0123456789"

// serveBackup runs the API, with its time limits cut short, on a store whose copying is replaced.
func serveBackup(t *testing.T, backup func(context.Context, begin) error) (url string, log *journal) {
	t.Helper()
	tokenStore, err := bolt.Open(filepath.Join(t.TempDir(), "store"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tokenStore.Close() })
	tokens, err := auth.NewKeeper(t.Context(), tokenStore, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := tokenStore.CreateToken(t.Context(), auth.Token{
		ID: "1", Name: "night watch", Hash: auth.HashOf(secret.New(backupToken)), Permissions: []auth.Permission{auth.BackupRead}, CreatedAt: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	log = &journal{}
	a := api.API{Tokens: tokens, Backup: backup, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))}
	handler, err := a.Handler()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Config.ReadTimeout, s.Config.WriteTimeout = shortly, shortly
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, log
}

// shortly is the time limit of a request, which a backup is not to be held to.
const shortly = 200 * time.Millisecond

// getBackup returns what arrived; the error is that it is not whole.
func getBackup(t *testing.T, url string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+backupToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body}, err
}

func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	return content
}

func TestBackup_IsSentWholeHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	content := random(3<<20 + 1)
	url, log := serveBackup(t, func(ctx context.Context, begin begin) error {
		time.Sleep(2 * shortly) // a real clock: the limits are the connection's
		w, err := begin(int64(len(content)))
		if err != nil {
			return err
		}
		half := len(content) / 2
		if _, err := w.Write(content[:half]); err != nil {
			return err
		}
		time.Sleep(2 * shortly)
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err = io.Copy(w, bytes.NewReader(content[half:]))
		return err
	})
	got, err := getBackup(t, url)
	if err != nil || got.status != 200 || !bytes.Equal(got.body, content) {
		t.Fatalf("got %d bytes of %d and %v", len(got.body), len(content), err)
	}
	if h := got.header; h.Get("Content-Length") != "3145729" || h.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="alertrouter-2`) {
		t.Errorf("got %v", h)
	}
	if text := log.String(); !strings.Contains(text, "a backup was taken") || !strings.Contains(text, `token="night watch"`) || !strings.Contains(text, "bytes=3145729") {
		t.Errorf("the log says %q", text)
	}
}

func TestBackup_ThatFailsBeforeItBeginsIsAProblem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"internal":      {errors.New("the disk is on fire"), 500},
		"a store error": {fmt.Errorf("read page 7: %w", store.ErrUnavailable), 503},
		"no begin":      {nil, 500},
	} {
		url, log := serveBackup(t, func(context.Context, begin) error { return c.err })
		got, err := getBackup(t, url)
		if err != nil || got.status != c.status || got.header.Get("Content-Type") != "application/problem+json" || bytes.Contains(got.body, []byte("fire")) {
			t.Errorf("%s: got %d, %s and %v, want a problem document with %d", name, got.status, got.body, err, c.status)
		}
		if !strings.Contains(log.String(), "back up the store") {
			t.Errorf("%s: the log says %q", name, log)
		}
	}
}

func TestBackup_ThatFailsOnTheWayIsSeenToBeBroken(t *testing.T) {
	t.Parallel()
	content := random(1 << 20)
	for name, write := range map[string]func(w io.Writer) error{
		"after a part":  func(w io.Writer) error { _, _ = w.Write(content[:1000]); return errors.New("oh no") },
		"after all":     func(w io.Writer) error { _, _ = w.Write(content); return errors.New("oh no") },
		"with less":     func(w io.Writer) error { _, err := w.Write(content[1:]); return err },
		"with more":     func(w io.Writer) error { _, _ = w.Write(content); _, err := w.Write([]byte{1}); return err },
		"with nothing":  func(io.Writer) error { return nil },
		"with an error": func(io.Writer) error { return errors.New("oh no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, log := serveBackup(t, func(_ context.Context, begin begin) error {
				w, err := begin(int64(len(content)))
				if err != nil {
					return err
				}
				return write(w)
			})
			if got, err := getBackup(t, url); err == nil {
				t.Errorf("got %d bytes as if they were all", len(got.body))
			}
			if !strings.Contains(log.String(), "a backup broke off") {
				t.Errorf("the log says %q", log)
			}
		})
	}
}
