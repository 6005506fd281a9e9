// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mostDestinations is how many destinations the sink can stand for, each a path: /to/0, /to/1 and so on.
const mostDestinations = 5

// hangTime is how long a destination that hangs keeps a request before it refuses it: as long as an attempt may last.
const hangTime = 30 * time.Second

// orders tell the sink how to behave from now on; they also make it forget what arrived before.
type orders struct {
	Record bool `json:"record"`
	Hang   bool `json:"hang"` // the last destination
}

// arrival is an alert that reached a destination.
type arrival struct {
	AlertID     string    `json:"alert_id"`
	Destination int       `json:"destination"`
	At          time.Time `json:"at"`
}

// sinkState is the sink's side of orders.
type sinkState struct {
	orders   atomic.Pointer[orders]
	took     [mostDestinations]atomic.Int64
	mu       sync.Mutex
	arrivals []arrival
}

// sinkHandler reads what is delivered and drops it.
func sinkHandler() http.Handler {
	s := &sinkState{}
	s.orders.Store(&orders{})
	mux := http.NewServeMux()
	for n := range mostDestinations {
		mux.HandleFunc("POST /to/"+strconv.Itoa(n), func(w http.ResponseWriter, r *http.Request) { s.take(w, r, n) })
	}
	mux.HandleFunc("PUT /orders", s.obey)
	mux.HandleFunc("GET /took", func(w http.ResponseWriter, _ *http.Request) {
		var counts [mostDestinations]int64
		for n := range counts {
			counts[n] = s.took[n].Load()
		}
		_ = json.NewEncoder(w).Encode(counts) // whoever asked sees that it is cut off
	})
	mux.HandleFunc("GET /arrivals", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(s.arrivals) // the same
	})
	return mux
}

func (s *sinkState) take(w http.ResponseWriter, r *http.Request, n int) {
	at := time.Now()
	o := s.orders.Load()
	if o.Hang && n == mostDestinations-1 {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(hangTime):
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if !o.Record {
		_, _ = io.Copy(io.Discard, r.Body)
		s.took[n].Add(1)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	s.mu.Lock()
	s.arrivals = append(s.arrivals, arrival{alertIDIn(body), n, at})
	s.mu.Unlock()
	s.took[n].Add(1)
}

// alertIDIn finds the id in a webhook's body, which is cheaper than decoding it.
func alertIDIn(body []byte) string {
	_, rest, _ := bytes.Cut(body, []byte(`"alertId":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}

func (s *sinkState) obey(w http.ResponseWriter, r *http.Request) {
	var o orders
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.arrivals = nil
	s.mu.Unlock()
	for n := range s.took {
		s.took[n].Store(0)
	}
	s.orders.Store(&o)
}

// sink is the sink's process as the measurements see it.
type sink struct{ *helper }

func startSink(ctx context.Context) (*sink, error) {
	h, err := startHelper(ctx, roleSink)
	return &sink{h}, err
}

// url is where destination n delivers to.
func (s *sink) url(n int) string { return fmt.Sprintf("http://%s/to/%d", s.address, n) }

// order tells the sink how to behave, and to count from 0.
func (s *sink) order(ctx context.Context, o orders) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = call(ctx, http.MethodPut, "http://"+s.address+"/orders", "", string(body))
	return err
}

// took returns how many deliveries the first destinations took, together.
func (s *sink) took(ctx context.Context, destinations int) (sum int64, err error) {
	var counts [mostDestinations]int64
	if err := s.get(ctx, "/took", &counts); err != nil {
		return 0, err
	}
	for _, n := range counts[:destinations] {
		sum += n
	}
	return sum, nil
}

func (s *sink) arrivals(ctx context.Context) (all []arrival, err error) {
	return all, s.get(ctx, "/arrivals", &all)
}

func (s *sink) get(ctx context.Context, path string, value any) error {
	raw, err := call(ctx, http.MethodGet, "http://"+s.address+path, "", "")
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, value)
}

// await waits until the first destinations took n deliveries together, or time is up, and returns how many they took.
func (s *sink) await(ctx context.Context, destinations int, n int64, within time.Duration) (int64, error) {
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		took, err := s.took(ctx, destinations)
		if err != nil || took >= n || time.Now().After(deadline) {
			return took, err
		}
	}
}

// call makes a request with a body of JSON and returns the answer; a status that is not 2xx is an error.
func call(ctx context.Context, method, url, token, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: got %s: %.500s", method, request.URL.Path, response.Status, raw)
	}
	return raw, err
}
