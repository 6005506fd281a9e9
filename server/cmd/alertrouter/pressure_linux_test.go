// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/faulttest"
)

// maxBody is the largest body, as the contract has it.
const maxBody = 8 << 20

// wantWithin sees that a program holds no more memory than so many megabytes.
func wantWithin(t *testing.T, bytes int64, megabytes int64) {
	t.Helper()
	if bytes > memoryFactor*megabytes<<20 {
		t.Errorf("got %d MB of memory, want no more than %d", bytes>>20, memoryFactor*megabytes)
	}
}

func smallAlert(id string) string {
	return fmt.Sprintf(`{"alert_id":%q,"type":"RULE","detection":{"id":"Pressure.Test","severity":"LOW"}}`, id)
}

// alertOf is an alert of exactly so many bytes.
func alertOf(id string, size int) string {
	start := fmt.Sprintf(`{"alert_id":%q,"type":"RULE","detection":{"id":"Pressure.Test","severity":"LOW"},"context":{"noise":"`, id)
	const end = `"}}`
	return start + strings.Repeat("x", size-len(start)-len(end)) + end
}

// hangingServer answers nothing until the test ends, or the caller leaves.
func hangingServer(t *testing.T) *httptest.Server {
	t.Helper()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(over)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func TestPressure_AFullBacklogIsRefusedUntilItDrains(t *testing.T) {
	t.Parallel()
	const limit = 40
	r := newReceiver(t)
	r.refuses.Store(true)
	p := launch(t.TempDir(), fmt.Sprintf("--backlog-limit=%d", limit)).Start(t)
	p.AddDestination(t, "receiver", r.URL, true, 0, "LOW")
	post := func(id string) faulttest.Answer {
		t.Helper()
		answer, err := p.Post("/v1/alerts", smallAlert(id))
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for n := range limit {
		if answer := post(fmt.Sprint("before-", n)); answer.Status != http.StatusAccepted {
			t.Fatalf("alert %d of %d: got %d %s, want 202", n, limit, answer.Status, answer.Body)
		}
	}
	wantUnavailable(t, post("over"))
	ready, err := p.Call(http.MethodGet, "/readyz", "", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, ready)
	r.refuses.Store(false)
	wantReady(t, p)
	if answer := post("over"); answer.Status != http.StatusAccepted {
		t.Errorf("with room again: got %d %s, want 202", answer.Status, answer.Body)
	}
	p.Terminate(t)
	wantSound(t, p)
}

func TestPressure_TheBodyLimitIsExact(t *testing.T) {
	t.Parallel()
	p := launch(t.TempDir()).Start(t)
	half := alertOf("half", maxBody/2-1) + "\n"
	for _, c := range []struct {
		name, path, contentType, body string
		want                          int
	}{
		{"an alert of 8 MiB", "/v1/alerts", "application/json", alertOf("one", maxBody), http.StatusAccepted},
		{"an alert of a byte more", "/v1/alerts", "application/json", alertOf("two", maxBody+1), http.StatusRequestEntityTooLarge},
		{"a batch of 8 MiB", "/v1/alerts/batch", "application/x-ndjson", half + alertOf("other", maxBody/2), http.StatusOK},
		{"a batch of a byte more", "/v1/alerts/batch", "application/x-ndjson", half + alertOf("another", maxBody/2+1), http.StatusRequestEntityTooLarge},
		{"a batch of one alert of 8 MiB", "/v1/alerts/batch", "application/x-ndjson", alertOf("three", maxBody), http.StatusOK},
	} {
		for _, sized := range []bool{true, false} {
			var body io.Reader = strings.NewReader(c.body)
			if !sized {
				body = io.MultiReader(body) // of a length the client does not know
			}
			answer, err := p.Call(http.MethodPost, c.path, c.contentType, body)
			if err == nil && answer.Status == http.StatusOK && c.want == http.StatusAccepted && !sized {
				answer.Status = http.StatusAccepted // it is a repeat
			}
			if err != nil || answer.Status != c.want {
				t.Errorf("%s, length known: %t: got %d %.200s %v, want %d", c.name, sized, answer.Status, answer.Body, err, c.want)
			}
			if c.want == http.StatusOK && strings.Count(string(answer.Body), `"status":20`) != strings.Count(c.body, "alert_id") {
				t.Errorf("%s: got %.300s, want every line accepted", c.name, answer.Body)
			}
		}
	}
	for path, kept := range map[string]int{"one": http.StatusOK, "two": http.StatusNotFound, "another": http.StatusNotFound} {
		if answer, err := p.Call(http.MethodGet, "/v1/alerts/"+path, "", http.NoBody); err != nil || answer.Status != kept {
			t.Errorf("read %s: got %d %v, want %d", path, answer.Status, err, kept)
		}
	}
	p.Terminate(t)
	wantSound(t, p)
}

// dial opens a connection to the program, which is closed when the test ends.
func dial(t *testing.T, p *faulttest.Program) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// wantAccepted sends alerts one by one and returns how long the slowest of 99 of 100 took, for the log: machines differ.
func wantAccepted(t *testing.T, p *faulttest.Program, prefix string, n int) time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		answer, err := p.Post("/v1/alerts", smallAlert(fmt.Sprint(prefix, i)))
		if err != nil || answer.Status != http.StatusAccepted {
			t.Fatalf("alert %d: got %d %s %v, want 202", i, answer.Status, answer.Body, err)
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// closedAfter waits until the program closes a connection, and returns how long that took since a time.
func closedAfter(conn net.Conn, since time.Time, limit time.Duration) (time.Duration, error) {
	_ = conn.SetReadDeadline(since.Add(limit))
	_, err := io.Copy(io.Discard, conn)
	if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // it comes straight from the connection
		return 0, fmt.Errorf("the connection is still open after %s", limit)
	}
	return time.Since(since), nil
}

// 500 clients that send a byte a second, some of them in the headers, do not delay others, and are cut off.
func TestPressure_SlowClientsDelayNobody(t *testing.T) {
	t.Parallel()
	const clients, inHeaders = 500, 50
	p := launch(t.TempDir()).Start(t)
	wantAccepted(t, p, "warm-", 50)
	alone := wantAccepted(t, p, "alone-", 100)

	began, over := time.Now(), make(chan struct{})
	t.Cleanup(func() { close(over) })
	conns := make([]net.Conn, clients)
	for i := range conns {
		conns[i] = dial(t, p)
		text := "POST /v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
		if i < inHeaders {
			text = "POST /v1/alerts HTTP/1.1\r\nHost: x\r\nX-Slow: "
		}
		if _, err := io.WriteString(conns[i], text); err != nil {
			t.Fatal(err)
		}
	}
	var dripping atomic.Int64
	for _, conn := range conns {
		dripping.Add(1)
		go func() {
			defer dripping.Add(-1)
			for tick := time.NewTicker(time.Second); ; {
				select {
				case <-tick.C:
				case <-over:
					return
				}
				if _, err := io.WriteString(conn, " "); err != nil {
					return
				}
			}
		}()
	}
	beside := wantAccepted(t, p, "beside-", 100)
	now, peak := p.Memory(t)
	t.Logf("99 of 100 alerts are accepted within %s alone, %s beside %d slow clients; %d MB of memory, %d MB at most", alone, beside, dripping.Load(), now>>20, peak>>20)
	if still := dripping.Load(); still < clients-inHeaders { // the others had to wait until these were gone
		t.Errorf("%d of %d slow clients are there still", still, clients)
	}
	wantWithin(t, peak, 200)
	if took, err := closedAfter(conns[0], began, 5*time.Minute); err != nil || took < 5*time.Second {
		t.Errorf("a client that is slow in its headers: closed after %s %v, want about 10s", took, err)
	}
	if *soak > 0 { // a body may take a minute
		if took, err := closedAfter(conns[clients-1], began, 5*time.Minute); err != nil || took < 50*time.Second {
			t.Errorf("a client that is slow in its body: closed after %s %v, want about a minute", took, err)
		}
	}
	p.Kill()
	wantSound(t, p)
}

// Clients that ask for large answers and read none hold no more than those answers, and delay nobody.
func TestPressure_ClientsThatNeverReadDelayNobody(t *testing.T) {
	t.Parallel()
	const clients = 40
	p := launch(t.TempDir()).Start(t)
	if answer, err := p.Post("/v1/alerts", alertOf("large", 1<<20)); err != nil || answer.Status != http.StatusAccepted {
		t.Fatalf("got %d %s %v, want 202", answer.Status, answer.Body, err)
	}
	request := "GET /v1/alerts/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	for range clients {
		conn := dial(t, p)
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, strings.Repeat(request, 6)); err != nil { // more than the sockets hold
			t.Fatal(err)
		}
	}
	beside := wantAccepted(t, p, "beside-", 300)
	now, peak := p.Memory(t)
	t.Logf("99 of 100 alerts are accepted within %s beside %d clients that never read; %d MB of memory, %d MB at most", beside, clients, now>>20, peak>>20)
	wantWithin(t, peak, 800)
	p.Kill()
	wantSound(t, p)
}

// 64 clients that each send the largest body there is, to a destination that hangs, do not cost memory without bound.
// About half of what is measured belongs to the eight attempts under way, each with its alert and its payload.
func TestPressure_ManyLargeBodiesStayWithinMemory(t *testing.T) {
	t.Parallel()
	p := launch(t.TempDir()).Start(t)
	p.AddDestination(t, "hanging", hangingServer(t).URL, true, 0, "LOW")
	before, _ := p.Memory(t)
	var all sync.WaitGroup
	var accepted, refused atomic.Int64
	clients, rounds := 64, 1
	if testing.Short() {
		clients = 16
	}
	if *soak > 0 {
		rounds = 4
	}
	for n := range clients {
		all.Go(func() {
			for range rounds {
				answer, err := p.Post("/v1/alerts", alertOf(fmt.Sprint("large-", n), maxBody))
				switch {
				case err != nil: // it was refused unread, which not every client hears
					refused.Add(1)
				case answer.Status == http.StatusAccepted || answer.Status == http.StatusOK:
					accepted.Add(1)
				case answer.Status == http.StatusServiceUnavailable:
					refused.Add(1)
					wantUnavailable(t, answer)
				default:
					t.Errorf("client %d: got %d %.200s, want 202 or 503", n, answer.Status, answer.Body)
				}
			}
		})
	}
	all.Wait()
	now, peak := p.Memory(t)
	t.Logf("%d MB before; %d accepted, %d refused; %d MB after, %d MB at most", before>>20, accepted.Load(), refused.Load(), now>>20, peak>>20)
	wantWithin(t, peak, 1500)
	if accepted.Load() == 0 {
		t.Error("none was accepted")
	}
	if answer, err := p.Post("/v1/alerts", smallAlert("small")); err != nil || answer.Status != http.StatusAccepted {
		t.Errorf("a small alert: got %d %s %v, want 202", answer.Status, answer.Body, err)
	}
	p.Kill()
	wantSound(t, p)
}

// What waits, waits on disk: memory does not follow, and a restart takes no longer than a person notices.
func TestMemory_StaysFlatWhileDeliveriesWait(t *testing.T) {
	t.Parallel()
	const batch = 1000
	waiting := 20_000
	if *soak > 0 {
		waiting = 1_000_000
	}
	start := launch(t.TempDir(), fmt.Sprintf("--backlog-limit=%d", 2*waiting))
	p := start.Start(t)
	p.AddDestination(t, "hanging", hangingServer(t).URL, true, 120, "LOW")
	before, _ := p.Memory(t)
	routed := fmt.Sprintf(`"type":"RULE","detection":{"id":"Pressure.Test","severity":"LOW"},"context":{"noise":%q}}`, strings.Repeat("x", 300))
	began := time.Now()
	for n := 0; n < waiting; n += batch {
		var lines strings.Builder
		for i := range batch {
			fmt.Fprintf(&lines, "{\"alert_id\":\"w-%d\",%s\n", n+i, routed)
		}
		answer, err := p.Call(http.MethodPost, "/v1/alerts/batch", "application/x-ndjson", strings.NewReader(lines.String()))
		if err != nil || strings.Count(string(answer.Body), `"status":202`) != batch {
			t.Fatalf("batch at %d: got %d %.300s %v, want all accepted", n, answer.Status, answer.Body, err)
		}
	}
	took := time.Since(began)
	now, peak := p.Memory(t)
	p.Kill()
	p = start.Begin(t)
	restart := p.WaitReady(t)
	again, _ := p.Memory(t)
	t.Logf("%d deliveries wait, stored in %s: %d MB before, %d MB now, %d MB at most; ready %s after kill -9, with %d MB",
		waiting, took.Round(time.Millisecond), before>>20, now>>20, peak>>20, restart.Round(time.Millisecond), again>>20)
	wantWithin(t, max(now, again), 300)
	if open := openDeliveries(t, p); open != waiting {
		t.Errorf("the metrics tell of %d open deliveries, want %d", open, waiting)
	}
	p.Kill()
	wantSound(t, p)
}

// openDeliveries reads from the metrics how many deliveries are owed.
func openDeliveries(t *testing.T, p *faulttest.Program) (open int) {
	t.Helper()
	metrics, err := p.Call(http.MethodGet, "/metrics", "", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^alertrouter_deliveries_open\{.*\} (.+)$`).FindAllSubmatch(metrics.Body, -1)
	if len(found) != 2 {
		t.Fatalf("got %d states of open deliveries in the metrics, want 2:\n%s", len(found), metrics.Body)
	}
	for _, line := range found {
		n, err := strconv.ParseFloat(string(line[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		open += int(n)
	}
	return open
}
