// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestDirect_LeavesTheUnusualToTheTransport(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", maxDirectBody+1)
	for name, c := range map[string]struct {
		method, url, body string
		change            func(*http.Request)
		want              bool
	}{
		"a GET":                      {http.MethodGet, "http://public.example/a?b", "", nil, true},
		"a POST":                     {http.MethodPost, "http://public.example:8080", "x", nil, true},
		"the largest body":           {http.MethodPost, "http://public.example", large[1:], nil, true},
		"a common header":            {http.MethodPost, "http://[::1]", "x", header("X-Any_1", "é\tx"), true},
		"TLS":                        {http.MethodGet, "https://public.example", "", nil, false},
		"a larger body":              {http.MethodPost, "http://public.example", large, nil, false},
		"a body that is read once":   {http.MethodPost, "http://public.example", "x", func(r *http.Request) { r.GetBody = nil }, false},
		"a body of unknown length":   {http.MethodPost, "http://public.example", "x", func(r *http.Request) { r.ContentLength = -1 }, false},
		"a chunked body":             {http.MethodPost, "http://public.example", "x", func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, false},
		"a trailer":                  {http.MethodPost, "http://public.example", "x", func(r *http.Request) { r.Trailer = http.Header{"X": nil} }, false},
		"the last on its connection": {http.MethodGet, "http://public.example", "", func(r *http.Request) { r.Close = true }, false},
		"a word on the connection":   {http.MethodGet, "http://public.example", "", header("connection", "upgrade"), false},
		"an expectation":             {http.MethodPost, "http://public.example", "x", header("Expect", "100-continue"), false},
		"a header of two lines":      {http.MethodGet, "http://public.example", "", header("X", "a\r\nY: b"), false},
		"a header's broken name":     {http.MethodGet, "http://public.example", "", header("X y", "a"), false},
		"an international name":      {http.MethodGet, "http://bücher.example", "", nil, false},
		"another method":             {http.MethodConnect, "http://public.example", "", nil, false},
	} {
		req, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(req)
		}
		if got := new(direct).takes(req); got != c.want {
			t.Errorf("%s: got taken %t, want %t", name, got, c.want)
		}
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = []string{value} }
}

// TestDirect_StopsWriting uses pipes, which take nothing that is not read at once.
func TestDirect_StopsWriting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		context func(context.Context) (context.Context, context.CancelFunc)
		want    error
		after   time.Duration
	}{
		"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(3*time.Second, cancel)
			return ctx, cancel
		}, context.Canceled, 3 * time.Second},
		"the time is over": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 4*time.Second)
		}, context.DeadlineExceeded, 4 * time.Second},
		"no deadline": {context.WithCancel, context.DeadlineExceeded, maxExchange},
	} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			d := &direct{dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
			began := time.Now()
			ctx, cancel := c.context(t.Context())
			defer cancel()
			_, sent, err := d.exchange(ctx, post(t, strings.Repeat("x", maxDirectBody)))
			if took := time.Since(began); sent || !errors.Is(err, c.want) || took != c.after {
				t.Errorf("%s: got error %v (sent %t) after %s, want an unsent %v after %s", name, err, sent, took, c.want, c.after)
			}
			if _, err := io.Copy(io.Discard, theirs); err != nil || d.idle.all.Len() != 0 {
				t.Errorf("%s: the connection was not closed: %v", name, err)
			}
		})
	}
}

func TestDirect_SendsAgainWhatWasNotWritten(t *testing.T) {
	t.Parallel()
	dialled := 0
	d := &direct{dial: func(context.Context, string, string) (net.Conn, error) {
		dialled++
		return answering(t), nil
	}}
	for range 3 { // without a sign that they are broken
		d.idle.put("public.example", newDirectConn(broken{answering(t)}))
	}
	resp, _, err := d.exchange(t.Context(), post(t, "hello"))
	if err != nil || string(resp.Body) != "hello" || dialled != 1 {
		t.Errorf("got %v, error %v, after dialling %d times, want hello after one", resp, err, dialled)
	}
	// A new connection that does no better is not tried once more.
	d.dial = func(context.Context, string, string) (net.Conn, error) {
		dialled++
		return broken{answering(t)}, nil
	}
	d.idle.close()
	if _, sent, err := d.exchange(t.Context(), post(t, "hello")); err == nil || sent || dialled != 2 {
		t.Errorf("got error %v (sent %t) after dialling %d times, want an unsent one after 2", err, sent, dialled)
	}
}

// broken is a connection nothing can be written to.
type broken struct{ net.Conn }

func (broken) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// TestDirect_DropsAConnectionThatWasToBeInterrupted: giving up may come too late for the exchange, but must not hit
// the next.
func TestDirect_DropsAConnectionThatWasToBeInterrupted(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		d := &direct{dial: func(context.Context, string, string) (net.Conn, error) {
			conn := answering(t)
			if late {
				return cancelling{conn, cancel}, nil
			}
			return conn, nil
		}}
		resp, _, err := d.exchange(ctx, post(t, "hello"))
		if err != nil || string(resp.Body) != "hello" {
			t.Errorf("given up late %t: got %v, error %v, want hello", late, resp, err)
		}
		if kept := size(&d.idle, "") == 1; kept == late {
			t.Errorf("given up late %t: got the connection kept %t", late, kept)
		}
		d.idle.close()
		cancel()
	}
}

// cancelling is a connection that gives up when the answer has just arrived.
type cancelling struct {
	net.Conn
	cancel func()
}

func (c cancelling) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cancel()
	return n, err
}

func TestDirect_DoesNotUseConnectionsThatWereIdleForLong(t *testing.T) {
	t.Parallel()
	for idle, want := range map[time.Duration]int{time.Second / 2: 1, 2 * time.Second: 2} { // without peeking
		synctest.Test(t, func(t *testing.T) {
			dialled := 0
			d := &direct{dial: func(context.Context, string, string) (net.Conn, error) {
				dialled++
				return answering(t), nil
			}}
			for range 2 {
				if _, _, err := d.exchange(t.Context(), post(t, "hello")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(idle)
			}
			d.idle.close()
			if dialled != want {
				t.Errorf("idle for %s: dialled %d times, want %d", idle, dialled, want)
			}
		})
	}
}

func TestIdlePool_KeepsTheYoungest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p idlePool
		put := func(host string) *directConn {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			c := newDirectConn(ours)
			p.put(host, c)
			time.Sleep(time.Millisecond)
			return c
		}
		first := put("a")
		for range idlePerHost {
			put("a")
		}
		if n := size(&p, "a"); n != idlePerHost || !closed(first) {
			t.Errorf("got %d connections to a host, the oldest closed %t, want %d and true", n, closed(first), idlePerHost)
		}
		for i := range idleInAll {
			put(fmt.Sprint("host-", i%100))
		}
		if n, all := size(&p, "a"), size(&p, ""); all != idleInAll || n > 0 {
			t.Errorf("got %d connections, %d to the host that had the oldest, want %d and 0", all, n, idleInAll)
		}
		youngest := put("b")
		if c := p.pop("b"); c != youngest {
			t.Error("got another connection than the youngest")
		}
		time.Sleep(idleTimeout - 200*time.Millisecond)
		if n := size(&p, ""); n == 0 || n == idleInAll {
			t.Errorf("got %d connections before the last is too old, want some", n)
		}
		p.put("b", youngest)
		time.Sleep(idleTimeout - time.Millisecond)
		if n := size(&p, ""); n != 1 {
			t.Errorf("got %d connections, want the youngest", n)
		}
		time.Sleep(2 * time.Millisecond)
		p.mu.Lock()
		if !closed(youngest) || p.all.Len()+len(p.byHost) != 0 || p.sweep != nil {
			t.Errorf("got %d connections after all are too old, want none", p.all.Len())
		}
		p.mu.Unlock()
		p.close()
		late := put("c") // was in use when the others were closed
		if !closed(late) || size(&p, "") != 0 {
			t.Error("a connection that came back after the end was kept")
		}
	})
}

// size returns how many connections are kept to a host, or to all.
func size(p *idlePool, host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if host == "" {
		return p.all.Len()
	}
	return len(p.byHost[host])
}

func closed(c *directConn) bool { return errors.Is(c.SetDeadline(time.Time{}), io.ErrClosedPipe) }

func post(t *testing.T, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://public.example", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// answering returns a connection to a server that sends back what it gets.
func answering(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for in := bufio.NewReader(theirs); ; {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			_, _ = fmt.Fprintf(theirs, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}()
	return ours
}
