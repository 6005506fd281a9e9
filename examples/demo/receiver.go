// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// receiver stands in for the outside world: one path plays a SOAR, one Slack, one PagerDuty. It answers as they do and
// keeps what it accepted.
type receiver struct {
	soarURL      string
	slackURL     string
	pagerdutyURL string
	routingKey   string

	server http.Server

	mu       sync.Mutex
	accepted []message
	busy     map[string]bool // the ids of detections whose next alert the SOAR refuses
}

// message is what one destination got.
type message struct {
	destination string
	at          time.Time
	alertID     string // not in a Slack message's text
	title       string
}

// startReceiver starts it on a free port.
func startReceiver(ctx context.Context) (*receiver, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	url := "http://" + listener.Addr().String()
	slackPath := "/services/T00000000/B00000000/" + rand.Text()
	r := &receiver{
		soarURL: url + "/hooks/alerts", slackURL: url + slackPath, pagerdutyURL: url,
		routingKey: strings.ToLower(rand.Text() + rand.Text())[:32], busy: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/alerts", r.soar)
	mux.HandleFunc("POST "+slackPath, r.slack)
	mux.HandleFunc("POST /v2/enqueue", r.pagerduty)
	r.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // until close
	return r, nil
}

func (r *receiver) close() error { return r.server.Close() }

// makeBusy makes the SOAR refuse the next alert of a detection, once.
func (r *receiver) makeBusy(detectionID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[detectionID] = true
}

func (r *receiver) soar(w http.ResponseWriter, req *http.Request) {
	var body struct {
		DetectionID string `json:"id"`
		AlertID     string `json:"alertId"`
		Title       string `json:"title"`
	}
	if !read(w, req, &body) {
		return
	}
	r.mu.Lock()
	busy := r.busy[body.DetectionID]
	delete(r.busy, body.DetectionID)
	r.mu.Unlock()
	if busy {
		http.Error(w, "come back later", http.StatusServiceUnavailable)
		return
	}
	r.accept(message{destination: soar, alertID: body.AlertID, title: body.Title})
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) slack(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Text string `json:"text"`
	}
	if !read(w, req, &body) {
		return
	}
	_, title, _ := strings.Cut(body.Text, ": ") // after the severity
	r.accept(message{destination: onCall, title: title})
	_, _ = io.WriteString(w, "ok")
}

func (r *receiver) pagerduty(w http.ResponseWriter, req *http.Request) {
	var body struct {
		RoutingKey string `json:"routing_key"`
		DedupKey   string `json:"dedup_key"`
		Payload    struct {
			Summary string `json:"summary"`
		} `json:"payload"`
	}
	if !read(w, req, &body) {
		return
	}
	if body.RoutingKey != r.routingKey {
		http.Error(w, `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`, http.StatusBadRequest)
		return
	}
	r.accept(message{destination: duty, alertID: body.DedupKey, title: body.Payload.Summary})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "success", "message": "Event processed", "dedup_key": body.DedupKey})
}

// read reads a JSON body, or refuses the request.
func read(w http.ResponseWriter, req *http.Request, body any) bool {
	if err := json.NewDecoder(req.Body).Decode(body); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return false
	}
	return true
}

func (r *receiver) accept(m message) {
	m.at = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = append(r.accepted, m)
}

// count returns how many messages a destination accepted for an alert. A Slack message is known by its title.
func (r *receiver) count(destination, alertID, title string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, m := range r.accepted {
		known := m.alertID == alertID || m.destination == onCall
		if m.destination == destination && known && m.title == title {
			n++
		}
	}
	return n
}

// total returns how many messages were accepted.
func (r *receiver) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.accepted)
}
