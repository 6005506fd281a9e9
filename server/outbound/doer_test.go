// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// once is a body that can be read once, as libraries send them.
type once struct{ io.Reader }

func (once) Close() error { return nil }

func TestDoer_KeepsWhatTheClientPromises(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.URL.Path+" "+string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, strings.Repeat("x", outbound.MaxBody+1))
	}))
	defer server.Close()
	library := &http.Client{ // as strict as the client below it
		Transport:     newClient(t).Doer(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/a", once{strings.NewReader("hello")})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := library.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || len(body) != outbound.MaxBody || resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != "/elsewhere" {
		t.Errorf("got %d, %d bytes, header %v, error %v; want the redirect with a body that is capped", resp.StatusCode, len(body), resp.Header, err)
	}
	if len(got) != 1 || got[0] != "/a hello" {
		t.Errorf("the server got %q", got)
	}
}

func TestDoer_TellsWhetherTheRequestWasSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	defer server.Close()
	doer := newClient(t).Doer()
	do := func(ctx context.Context, url string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, once{strings.NewReader("hello")})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := doer.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			t.Fatalf("%s: got an answer", url)
		}
		return err
	}
	if err := do(t.Context(), server.URL); !outbound.WasSent(err) {
		t.Errorf("the answer was lost: got %v, which says that nothing was sent", err)
	}
	if err := do(t.Context(), "http://10.0.0.5/"); !errors.Is(err, outbound.ErrBlocked) || outbound.WasSent(err) {
		t.Errorf("a private address: got %v, want ErrBlocked", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := do(ended, server.URL); !errors.Is(err, context.Canceled) || outbound.WasSent(err) {
		t.Errorf("given up before: got %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (broken) Close() error             { return nil }

func TestDoer_ReportsABodyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1/", broken{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t).Doer().Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || outbound.WasSent(err) {
		t.Errorf("got %v, want the body's error", err)
	}
}
