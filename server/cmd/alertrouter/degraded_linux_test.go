// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// limitFiles keeps a program from writing files beyond a size, as a full disk would.
func (p *program) limitFiles(t *testing.T, size uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	_, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if e != 0 {
		t.Fatalf("limit the size of files: %v", e)
	}
}

// A store that took no writes for a while says so once it takes them again.
func TestDegraded_IsToldAfterwards(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- string(body)
	}))
	t.Cleanup(sink.Close)
	p := start(t, t.TempDir())
	if status, answer, err := p.call("POST", "/v1/destinations", `{"display_name":"ops","severities":[],"config":{"webhook":{"url":"`+sink.URL+`"}}}`); status != 201 {
		t.Fatal(status, answer, err)
	}
	const alert = `{"type":"RULE","detection":{"id":"d","severity":"LOW"}}`
	p.limitFiles(t, 1)
	began := time.Now()
	for time.Since(began) < 6*time.Second { // it is looked at every 5 s
		if status, answer, err := p.call("POST", "/v1/alerts", alert); status != 503 {
			t.Fatalf("got %d %s %v, want 503", status, answer, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	p.limitFiles(t, ^uint64(0))
	select {
	case body := <-heard:
		if !strings.Contains(body, "AlertRouter.StoreDegraded") || !strings.Contains(body, "file too large") {
			t.Errorf("got %s, want when the store was degraded, and why", body)
		}
	case <-time.After(2 * time.Minute):
		t.Error("nobody heard that the store was degraded")
	}
	if status, answer, err := p.call("POST", "/v1/alerts", alert); status != 202 {
		t.Errorf("got %d %s %v, want 202", status, answer, err)
	}
}
