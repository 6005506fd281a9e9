// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Arrival is one request that reached a sink.
type Arrival struct {
	DeliveryID string
	AlertID    string
	Generation int // of the program that made it
	At         time.Time
	Status     int    // what the sink decided to answer; 0 is nothing
	What       string // what it did, in words
}

// Taken reports whether the sink accepted the delivery and said so.
func (a Arrival) Taken() bool { return a.Status >= 200 && a.Status <= 299 }

// A manner is how a sink treats the nth request (from 0) for a delivery. It answers, or not, by itself.
type manner func(s *Sink, w http.ResponseWriter, r *http.Request, nth int, note func(status int, what string))

// Sink is a real HTTP server that deliveries are made to. It remembers every request.
type Sink struct {
	Name       string
	Severities []string // of the alerts it gets
	ID         string   // of its destination, once it has one

	server     *httptest.Server
	manner     manner
	generation *atomic.Int64
	recovered  chan struct{} // closed when it is to behave from now on
	open       atomic.Int64  // connections

	mu       sync.Mutex
	random   *rand.Rand
	arrivals map[string][]*Arrival // by delivery
	total    int
}

func newSink(t testing.TB, name string, seed uint64, generation *atomic.Int64, m manner, severities ...string) *Sink {
	s := &Sink{
		Name: name, Severities: severities, manner: m, generation: generation, recovered: make(chan struct{}),
		random: rand.New(rand.NewPCG(seed, 1)), arrivals: map[string][]*Arrival{}, //nolint:gosec // to be repeated from its seed
	}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed, http.StateHijacked: // who hijacks one closes it at once
			s.open.Add(-1)
		default:
		}
	}
	s.server.Start()
	t.Cleanup(func() {
		s.recover()
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// recover makes the sink behave from now on. It may be called twice.
func (s *Sink) recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isRecovered() {
		close(s.recovered)
	}
}

func (s *Sink) isRecovered() bool {
	select {
	case <-s.recovered:
		return true
	default:
		return false
	}
}

// chance is true in so many of a hundred cases.
func (s *Sink) chance(percent int) bool { return s.number(100) < percent }

func (s *Sink) number(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // the harness's own
		return
	}
	a := &Arrival{DeliveryID: r.Header.Get("Webhook-Id"), Generation: int(s.generation.Load()), At: time.Now()}
	body, err := io.ReadAll(r.Body)
	var payload struct {
		AlertID string `json:"alertId"`
	}
	if err == nil {
		err = json.Unmarshal(body, &payload)
	}
	a.AlertID = payload.AlertID
	s.mu.Lock()
	nth := len(s.arrivals[a.DeliveryID])
	s.arrivals[a.DeliveryID] = append(s.arrivals[a.DeliveryID], a)
	s.total++
	s.mu.Unlock()
	note := func(status int, what string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		a.Status, a.What = status, what
	}
	if err != nil {
		note(0, "the request broke off: "+err.Error())
		return
	}
	if s.isRecovered() {
		note(http.StatusOK, "took it")
		return
	}
	s.manner(s, w, r, nth, note)
}

// steady takes everything at once.
func steady(_ *Sink, _ http.ResponseWriter, _ *http.Request, _ int, note func(int, string)) {
	note(http.StatusOK, "took it")
}

// flaky refuses three in ten requests in various ways, but none of a delivery three times.
func flaky(s *Sink, w http.ResponseWriter, _ *http.Request, nth int, note func(int, string)) {
	if nth >= 2 || !s.chance(30) {
		note(http.StatusOK, "took it")
		return
	}
	switch s.number(4) {
	case 0:
		note(http.StatusInternalServerError, "failed")
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		note(http.StatusServiceUnavailable, "was not available")
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2:
		note(http.StatusTooManyRequests, "had too much, for a second")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		note(0, "reset the connection")
		hangUp(w, true)
	}
}

// slow takes everything after 50 to 500 ms.
func slow(s *Sink, _ http.ResponseWriter, r *http.Request, _ int, note func(int, string)) {
	wait := time.Duration(50+s.number(450)) * time.Millisecond
	note(0, "was thinking")
	select {
	case <-time.After(wait):
		note(http.StatusOK, "took it after "+wait.String())
	case <-r.Context().Done():
		note(0, "was thinking when the caller left")
	}
}

// hanging answers none of the first three requests for a delivery. More would make the last ones wait for hours.
func hanging(s *Sink, w http.ResponseWriter, r *http.Request, nth int, note func(int, string)) {
	if nth >= 3 {
		note(http.StatusOK, "took it")
		return
	}
	note(0, "hung")
	select {
	case <-s.recovered:
		note(http.StatusServiceUnavailable, "hung, then was not available")
		w.WriteHeader(http.StatusServiceUnavailable)
	case <-r.Context().Done():
		note(0, "hung until the caller left")
	}
}

// losing hangs up on the first request of every second delivery, which it has read.
func losing(s *Sink, w http.ResponseWriter, _ *http.Request, nth int, note func(int, string)) {
	if nth > 0 || !s.chance(50) {
		note(http.StatusOK, "took it")
		return
	}
	note(0, "read it and hung up")
	hangUp(w, false)
}

// refusing refuses one delivery in ten for good.
func refusing(s *Sink, w http.ResponseWriter, _ *http.Request, nth int, note func(int, string)) {
	if nth > 0 || !s.chance(10) {
		note(http.StatusOK, "took it")
		return
	}
	note(http.StatusGone, "refused it for good")
	w.WriteHeader(http.StatusGone)
}

// hangUp closes the connection without an answer; with a reset, or in order.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// settle returns when the sink has seen everything that a program which is gone had sent: whatever arrives later comes
// from another.
func (s *Sink) settle(t testing.TB) {
	t.Helper()
	// Connections are accepted in order, so once this one was, so were all before it.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: callTimeout}).Head(s.server.URL) //nolint:noctx // the client has a timeout
	if err != nil {
		t.Fatalf("the sink %s: %v", s.Name, err)
	}
	_ = response.Body.Close()
	for deadline := time.Now().Add(callTimeout); s.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the sink %s still has %d connections of a program that is gone", s.Name, s.open.Load())
		}
	}
}

// of returns the requests for a delivery, oldest first.
func (s *Sink) of(deliveryID string) []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Arrival, len(s.arrivals[deliveryID]))
	for i, a := range s.arrivals[deliveryID] {
		list[i] = *a
	}
	return list
}

// deliveries returns the ids of all deliveries the sink ever saw.
func (s *Sink) deliveries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.arrivals))
	for id := range s.arrivals {
		ids = append(ids, id)
	}
	return ids
}

func (s *Sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}
