// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// slowly is a body of so many chunks, each of which takes half a minute.
type slowly struct {
	ctx  context.Context
	left int
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-time.After(2 * time.Minute):
	}
	s.left--
	return len(p), nil
}

func (s *slowly) Close() error { return nil }

func TestBackup_HasNoLimitOfSizeOrTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, tries := newClient(t, func(n int, req *http.Request) (*http.Response, error) {
			if n == 0 {
				return response(503, "text/plain", "not yet"), nil
			}
			r := response(200, "application/octet-stream", "")
			r.Body = &slowly{req.Context(), 9000} // of 8 KiB: 74 MB
			return r, nil
		})
		n, err := c.Backup(t.Context(), io.Discard)
		if err != nil || n < 65<<20 || *tries != 2 {
			t.Errorf("got %d bytes in %d tries and %v, want more than other answers may have", n, *tries, err)
		}
	})
}

func TestBackup_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, func(_ int, req *http.Request) (*http.Response, error) {
			r := response(200, "application/octet-stream", "")
			r.Body = &slowly{req.Context(), 3000}
			return r, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if n, err := c.Backup(ctx, io.Discard); !errors.Is(err, context.DeadlineExceeded) || n == 0 {
			t.Errorf("got %d bytes and %v, want some, and that the time is up", n, err)
		}
	})
}

func TestBackup_TellsACopyFromWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // of the error
	}{
		"whole": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = io.WriteString(w, "copy")
		}, ""},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "copy")
		}, "broke off after 4 bytes"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"type":"urn:alertrouter:problem:forbidden","title":"The token may not do this","status":403,"detail":"this needs the permission backup:read"}`)
		}, "The token may not do this (403): this needs the permission backup:read"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Sign in</html>") }, "(200)"},
	} {
		s := httptest.NewServer(c.answer)
		api, err := client.New(s.URL, "token")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		_, err = api.Backup(t.Context(), &got)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if err == nil && got.String() != "copy" {
			t.Errorf("%s: got %q", name, got.String())
		}
		s.Close()
	}
}
