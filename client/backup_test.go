// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

func TestBackup_MayBeLongAndTakeLong(t *testing.T) {
	t.Parallel()
	const timeout, size = 300 * time.Millisecond, 65 << 20
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/v1/backup" {
			t.Errorf("got a request for %s", r.URL.Path)
		}
		_, _ = w.Write(make([]byte, size/2))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * timeout)
		_, _ = w.Write(make([]byte, size-size/2))
	}))
	defer h.Close()
	c, err := client.New(h.URL+"/base", "", client.WithRequestTimeout(timeout), client.WithLongAnswers())
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := c.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); err != nil || n != size {
		t.Errorf("got %d bytes and %v, want %d", n, err, size)
	}
}

func TestBackup_MustBeginInTime(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer h.Close()
	c, err := client.New(h.URL, "", client.WithRequestTimeout(100*time.Millisecond), client.WithLongAnswers())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Backup(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the time is up", err)
	}
}
