// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// The answers are bytes on real connections, as what matters is how they are cut and what comes after them.
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestDirect_KeepsTheConnectionAfterACompleteAnswer(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", outbound.MaxBody)
	for name, c := range map[string]struct {
		method, answer string
		body           string
		opened         int64
	}{
		"with a length":         {"POST", ok, "ok", 1},
		"without a body":        {"POST", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1},
		"in chunks":             {"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "ok", 1},
		"with trailers":         {"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", "ok", 1},
		"to HEAD":               {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "", 1},
		"204":                   {"POST", "HTTP/1.1 204 No Content\r\n\r\n", "", 1},
		"304":                   {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", "", 1},
		"after 100":             {"POST", "HTTP/1.1 100 Continue\r\n\r\n" + ok, "ok", 1},
		"after 103 and 102":     {"POST", "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok, "ok", 1},
		"the most that is read": {"GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(full), full), full, 1},
		"more than that":        {"GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sy", len(full)+1, full), full, 3},
		"1.0 that stays":        {"POST", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "ok", 1},
		"1.0":                   {"POST", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 3},
		"the last":              {"POST", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 3},
		"with an extra line":    {"POST", ok + "\r\n", "ok", 3},
		"and another":           {"POST", ok + "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "ok", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pieces := range []int{1 << 20, 1, 7} {
				if pieces < 100 && len(c.answer) > 1000 {
					continue
				}
				var opened atomic.Int64
				address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
					opened.Add(1)
					for readRequest(requests) == nil {
						for rest := c.answer; rest != ""; {
							n := min(pieces, len(rest))
							if _, err := io.WriteString(conn, rest[:n]); err != nil {
								return
							}
							rest = rest[n:]
							runtime.Gosched()
						}
					}
				})
				client := newClient(t)
				for range 3 {
					resp, err := send(t.Context(), t, client, c.method, address, "hello")
					if err != nil {
						t.Fatal(err)
					}
					if string(resp.Body) != c.body || resp.StatusCode/100 == 1 || resp.StatusCode == 500 {
						t.Fatalf("got %d with %d bytes, want %d bytes of the first final answer", resp.StatusCode, len(resp.Body), len(c.body))
					}
					if c.opened > 1 {
						eventually(t, "the connection is found unusable", func() bool { return client.Alive() == 0 })
					}
				}
				if n := opened.Load(); n != c.opened {
					t.Errorf("in pieces of %d: opened %d connections for 3 requests, want %d", pieces, n, c.opened)
				}
			}
		})
	}
}

// An answer without a length ends with its connection, which a server need not announce.
func TestDirect_ReadsToTheEndOfTheConnection(t *testing.T) {
	t.Parallel()
	address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
		_ = readRequest(requests)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nto the end")
	})
	client := newClient(t)
	for range 3 {
		resp, err := send(t.Context(), t, client, "POST", address, "hello")
		if err != nil || string(resp.Body) != "to the end" {
			t.Fatalf("got %v, error %v, want what was sent", resp, err)
		}
	}
}

func TestDirect_NoticesThatAConnectionWasClosedWhileIdle(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"announced", "closed", "reset"} {
		for _, each := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("%s after %d", how, each), func(t *testing.T) {
				t.Parallel()
				var opened, served atomic.Int64
				gone := make(chan struct{}, 1)
				address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
					opened.Add(1)
					for i := 1; readRequest(requests) == nil; i++ {
						served.Add(1)
						answer := ok
						if how == "announced" && i == each {
							answer = strings.Replace(ok, "\r\n", "\r\nConnection: close\r\n", 1)
						}
						_, _ = io.WriteString(conn, answer)
						if i == each {
							if how == "reset" {
								time.Sleep(time.Millisecond) // a reset overtakes what was not read
								_ = conn.(*net.TCPConn).SetLinger(0)
							}
							_ = conn.Close()
							gone <- struct{}{}
							return
						}
					}
				})
				client := newClient(t)
				for i := 1; i <= 200; i++ {
					if resp, err := send(t.Context(), t, client, "POST", address, "hello"); err != nil || string(resp.Body) != "ok" {
						t.Fatalf("exchange %d: got %v, error %v, want ok", i, resp, err)
					}
					if i%each == 0 {
						<-gone // what was sent takes a moment to arrive, on a busy machine
						eventually(t, "the end of the connection is seen", func() bool { return client.Alive() == 0 })
					}
				}
				if want := int64((199 + each) / each); opened.Load() != want || served.Load() != 200 {
					t.Errorf("opened %d connections and served %d requests, want %d and 200", opened.Load(), served.Load(), want)
				}
			})
		}
	}
}

// TestDirect_NeverSendsTwiceWhatMayHaveArrived: net/http would repeat a GET here, and whoever asked has to know.
func TestDirect_NeverSendsTwiceWhatMayHaveArrived(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		var served atomic.Int64
		address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
			for readRequest(requests) == nil {
				if served.Add(1)%2 == 0 {
					return
				}
				_, _ = io.WriteString(conn, ok)
			}
		})
		client := newClient(t)
		if _, err := send(t.Context(), t, client, method, address, "hello"); err != nil {
			t.Fatal(err)
		}
		_, err := send(t.Context(), t, client, method, address, "hello")
		if !outbound.WasSent(err) || served.Load() != 2 {
			t.Errorf("%s: got error %v (sent %t) after %d requests, want a sent one after 2", method, err, outbound.WasSent(err), served.Load())
		}
	}
}

func TestDirect_DoesNotTakeAnAnswerNobodyAskedFor(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	waiting := make(chan struct{}, 1)
	address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
		n := opened.Add(1)
		for readRequest(requests) == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n)
			time.Sleep(10 * time.Millisecond) // until the connection is idle
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
			waiting <- struct{}{}
		}
	})
	client := newClient(t)
	for want := range 3 {
		resp, err := send(t.Context(), t, client, "POST", address, "hello")
		if err != nil || string(resp.Body) != fmt.Sprint(want+1) {
			t.Fatalf("got %v, error %v, want the answer of connection %d", resp, err, want+1)
		}
		<-waiting
		eventually(t, "the answer nobody asked for is seen", func() bool { return client.Alive() == 0 })
	}
}

// What is over the cap may look like an answer, and come when the next request does.
func TestDirect_DoesNotTakeTheRestOfAnAnswerForTheNext(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
		opened.Add(1)
		for readRequest(requests) == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", outbound.MaxBody+len(ok), strings.Repeat("x", outbound.MaxBody))
			if readRequest(requests) == nil {
				_, _ = io.WriteString(conn, ok)
			}
		}
	})
	client := newClient(t)
	for range 4 {
		resp, err := send(t.Context(), t, client, "POST", address, "hello")
		if err != nil || len(resp.Body) != outbound.MaxBody {
			t.Fatalf("got %v, error %v, want the beginning of the answer", resp, err)
		}
	}
	if n := opened.Load(); n != 4 {
		t.Errorf("opened %d connections for 4 answers over the cap, want 4", n)
	}
}

func TestClient_HearsAnAnswerToAnUnreadRequest(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		for _, size := range []int{10, 32 << 10, 33 << 10, 8 << 20} {
			release := make(chan struct{})
			address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
				_, _ = requests.ReadString('\n')
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
				<-release // nothing more is read
			})
			resp, err := send(t.Context(), t, client, "POST", address, strings.Repeat("x", size))
			close(release)
			if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || string(resp.Body) != "no" {
				t.Errorf("%d bytes: got %v, error %v, want 413 no", size, resp, err)
			}
		}
	})
}

func TestClient_RefusesWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		for name, answer := range map[string]string{
			"garbage":               "/services/T000/hidden-token\r\n\r\n",
			"no header":             "HTTP/1.1 200 OK\r\nhidden-token\r\n\r\n",
			"no status":             "HTTP/1.1 hidden-token\r\n\r\n",
			"two lengths":           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
			"a negative length":     "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
			"an unknown encoding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: hidden-token\r\n\r\n",
			"half a header":         "HTTP/1.1 200 OK\r\nX-Half: ",
			"an endless header":     "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 80<<10),
			"too many headers":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: hidden-token\r\n", 4<<10) + "\r\n",
			"only early hints":      strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 4<<10),
			"nothing but a newline": "\r\n",
		} {
			address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
				if readRequest(requests) == nil {
					_, _ = io.WriteString(conn, answer)
				}
			})
			_, err := send(t.Context(), t, client, "POST", address, "hello")
			if err == nil || !outbound.WasSent(err) {
				t.Errorf("%s: got error %v (sent %t), want a sent one", name, err, outbound.WasSent(err))
				continue
			}
			if text := err.Error(); !strings.HasPrefix(text, address+": ") || strings.Contains(text, "hidden") || strings.Contains(text, "services") {
				t.Errorf("%s: got error %q, want it to name the host and nothing else", name, text)
			}
		}
	})
}

func TestClient_RefusesInvalidHeaders(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
		for name, value := range map[string]string{"X-Two": "a\r\nX-More: b", "X Space": "a", "": "a", "X-Bell": "\a"} {
			req, err := http.NewRequest(http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header[name] = []string{value}
			if _, err := client.Do(t.Context(), req); err == nil || outbound.WasSent(err) {
				t.Errorf("%q: got error %v (sent %t), want an unsent one", name, err, outbound.WasSent(err))
			}
		}
	})
}

func TestClient_GivesUpInEveryPhase(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		for name, c := range map[string]struct {
			size   int
			serve  func(conn net.Conn, requests *bufio.Reader, reached func())
			answer bool // the status arrives
			sent   bool
		}{
			"writing": {8 << 20, func(_ net.Conn, requests *bufio.Reader, reached func()) {
				_, _ = requests.ReadString('\n')
				reached()
			}, false, false},
			"waiting": {10, func(_ net.Conn, requests *bufio.Reader, reached func()) {
				_ = readRequest(requests)
				reached()
			}, false, true},
			"reading the header": {10, func(conn net.Conn, requests *bufio.Reader, reached func()) {
				_ = readRequest(requests)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Half: ")
				reached()
			}, false, true},
			"reading the body": {10, func(conn net.Conn, requests *bufio.Reader, reached func()) {
				_ = readRequest(requests)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
				time.Sleep(50 * time.Millisecond) // until the header has been read, or the answer does not count
				reached()
			}, true, true},
		} {
			for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
				returned, hungUp := make(chan struct{}), make(chan struct{})
				var reach atomic.Pointer[func()]
				address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
					c.serve(conn, requests, func() { (*reach.Load())() })
					if c.sent {
						_, _ = requests.ReadByte()
					} else { // what is not read has no end to be seen
						<-returned
						_, _ = io.Copy(io.Discard, requests)
					}
					close(hungUp)
				})
				ctx, cancel := context.WithCancel(t.Context())
				reached := func() { cancel() }
				if errors.Is(cause, context.DeadlineExceeded) {
					ctx, cancel = context.WithTimeout(t.Context(), time.Second)
					reached = func() {}
				}
				reach.Store(&reached)
				resp, err := send(ctx, t, client, "POST", address, strings.Repeat("x", c.size))
				close(returned)
				switch {
				case c.answer && (err != nil || string(resp.Body) != "part"):
					t.Errorf("%s: got %v, error %v, want the part that arrived", name, resp, err)
				case !c.answer && (!errors.Is(err, cause) || outbound.WasSent(err) != c.sent):
					t.Errorf("%s: got error %v (sent %t), want %v (sent %t)", name, err, outbound.WasSent(err), cause, c.sent)
				}
				select {
				case <-hungUp: // the connection is not kept
				case <-time.After(2 * time.Minute):
					t.Errorf("%s: the connection was kept, or never made", name)
				}
				cancel()
			}
		}
	})
}

func TestClient_GivesUpDialling(t *testing.T) {
	t.Parallel()
	for _, path := range paths {
		for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
			asked := make(chan struct{}, 8)
			client := outbound.New(outbound.Options{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				asked <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}}})
			path.choose(client)
			ctx, cancel := context.WithCancel(t.Context())
			if errors.Is(cause, context.DeadlineExceeded) {
				ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			}
			go func() {
				<-asked
				if errors.Is(cause, context.Canceled) {
					cancel()
				}
			}()
			_, err := send(ctx, t, client, "POST", "unknown.example", "hello")
			if !errors.Is(err, cause) || outbound.WasSent(err) {
				t.Errorf("%s: got error %v (sent %t), want an unsent %v", path.name, err, outbound.WasSent(err), cause)
			}
			cancel()
			if _, err := send(ctx, t, client, "POST", "unknown.example", "hello"); err == nil || outbound.WasSent(err) {
				t.Errorf("%s: given up before: got error %v", path.name, err)
			}
		}
	}
}

// TestDirect_KeepsExchangesApart has many exchanges at a time on connections that the server closes now and then.
func TestDirect_KeepsExchangesApart(t *testing.T) {
	t.Parallel()
	const concurrent, each = 64, 30
	address := onWire(t, func(conn net.Conn, requests *bufio.Reader) {
		for i := 1; ; i++ {
			req, err := http.ReadRequest(requests)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			last := ""
			if i%5 == 0 {
				last = "Connection: close\r\n"
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", last, len(body), body)
			if last != "" {
				return
			}
		}
	})
	client := newClient(t)
	var all sync.WaitGroup
	for worker := range concurrent {
		all.Go(func() {
			for i := range each {
				ctx, cancel := context.WithCancel(t.Context())
				if i%10 == 9 {
					time.AfterFunc(time.Duration(worker)*20*time.Microsecond, cancel) // some in the middle
				}
				want := bytes.Repeat(fmt.Appendf(nil, "%d-%d ", worker, i), 100)
				resp, err := send(ctx, t, client, "POST", address, string(want))
				if i%10 != 9 && (err != nil || !bytes.Equal(resp.Body, want)) {
					t.Errorf("worker %d, exchange %d: got %v, error %v, want its own text", worker, i, resp, err)
				}
				if err == nil && !bytes.HasPrefix(want, resp.Body) {
					t.Errorf("worker %d, exchange %d: got the answer %q of another", worker, i, resp.Body)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// TestDirect_LeavesNothingBehind is not parallel, as it counts goroutines.
func TestDirect_LeavesNothingBehind(t *testing.T) { //nolint:paralleltest // see above
	before := runtime.NumGoroutine()
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	client := newClient(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, err := send(ctx, t, client, "POST", server.Listener.Addr().String(), "hello")
				if err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if client.Idle() == 0 {
		t.Error("no connection was kept")
	}
	client.Close()
	if n := client.Idle(); n != 0 {
		t.Errorf("%d connections are kept after the end", n)
	}
	eventually(t, "the server has no connection", func() bool { return open.Load() == 0 })
	server.Close()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := send(t.Context(), t, client, "POST", server.Listener.Addr().String(), "hello"); err == nil {
		t.Error("an exchange with a server that is gone succeeded")
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// onWire serves every connection by itself, and closes it when serve returns.
func onWire(t *testing.T, serve func(conn net.Conn, requests *bufio.Reader)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return listener.Addr().String()
}

// readRequest reads a request with its body.
func readRequest(in *bufio.Reader) error {
	req, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

func send(ctx context.Context, t *testing.T, client *outbound.Client, method, address, body string) (*outbound.Response, error) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(ctx, req)
}
