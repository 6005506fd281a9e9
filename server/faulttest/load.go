// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// sent is one alert, with each time it was sent.
type sent struct {
	id       string
	severity string

	mu           sync.Mutex
	tries        []try
	acknowledged bool
	uncertain    bool // it was sent once without an answer
}

// try is one time an alert was sent.
type try struct {
	at         time.Time
	generation int
	answer     string
}

// running is the program of the moment; nil in between.
type running struct {
	*Program
	generation int
}

// load is a number of clients that send alerts, one by one and in batches, and do with lost answers what an honest
// engine does: most send the same alert again, some forget it.
type load struct {
	prefix   string
	current  atomic.Pointer[running]
	complain func(alertID, format string, args ...any)
	all      *rate.Limiter
	rare     map[string]*rate.Limiter // by severity; INFO is what remains

	stopping context.Context
	stop     context.CancelFunc
	clients  sync.WaitGroup

	mu    sync.Mutex
	sent  map[string]*sent
	order []*sent // those that were acknowledged, to repeat
	next  int
	count struct{ acknowledged, repeated, conflicting, uncertain, forgotten int }
}

func newLoad(seed uint64, clients int, perSecond float64, complain func(string, string, ...any)) *load {
	l := &load{
		prefix: fmt.Sprintf("fault-%d-", seed), complain: complain, sent: map[string]*sent{},
		all: rate.NewLimiter(rate.Limit(perSecond), 50),
		rare: map[string]*rate.Limiter{ // so that the sinks which take their time are not left with hours of work
			"CRITICAL": rate.NewLimiter(2, 2), "MEDIUM": rate.NewLimiter(8, 4),
			"HIGH": rate.NewLimiter(20, 10), "LOW": rate.NewLimiter(60, 20),
		},
	}
	l.stopping, l.stop = context.WithCancel(context.Background())
	for n := range clients {
		random := rand.New(rand.NewPCG(seed, uint64(100+n))) //nolint:gosec // to be repeated from its seed
		l.clients.Go(func() { l.send(random) })
	}
	return l
}

// end stops the clients, once each has an answer or has met a program that is gone.
func (l *load) end() {
	l.stop()
	l.clients.Wait()
}

// item is one alert in a request, and what answers it may have.
type item struct {
	*sent
	body  string
	again bool // it was acknowledged before
	other bool // it says something else than what was acknowledged
}

func (l *load) send(random *rand.Rand) {
	for {
		n := 1
		if random.IntN(10) == 0 {
			n = 2 + random.IntN(30)
		}
		if l.all.WaitN(l.stopping, n) != nil {
			return
		}
		items := make([]item, n)
		for i := range items {
			items[i] = l.item(random)
		}
		for {
			if !l.await() {
				return
			}
			if l.request(items) {
				break
			}
			if random.IntN(5) == 0 {
				l.mu.Lock()
				l.count.forgotten += n
				l.mu.Unlock()
				break
			}
		}
	}
}

// await waits until there is a program to send to; false when there is none to come.
func (l *load) await() bool {
	for l.current.Load() == nil {
		select {
		case <-l.stopping.Done():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return true
}

// item makes a new alert, or takes one that was acknowledged.
func (l *load) item(random *rand.Rand) item {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) > 0 && random.IntN(30) == 0 {
		s := l.order[random.IntN(len(l.order))]
		if random.IntN(5) == 0 {
			l.count.conflicting++
			return item{sent: s, body: bodyOf(s.id, s.severity, "something else"), again: true, other: true}
		}
		l.count.repeated++
		return item{sent: s, body: bodyOf(s.id, s.severity, "what it is"), again: true}
	}
	s := &sent{id: fmt.Sprintf("%s%06d", l.prefix, l.next), severity: "INFO"}
	for _, severity := range []string{"CRITICAL", "MEDIUM", "HIGH", "LOW"} {
		if l.rare[severity].Allow() {
			s.severity = severity
			break
		}
	}
	l.next++
	l.sent[s.id] = s
	return item{sent: s, body: bodyOf(s.id, s.severity, "what it is")}
}

func bodyOf(id, severity, title string) string {
	return fmt.Sprintf(`{"alert_id":%q,"type":"RULE","detection":{"id":"Fault.Test","severity":%q},"generated":{"title":%q},"context":{"n":12345678901234567890.10}}`, id, severity, title)
}

// request sends items and reports whether there was an answer. An error to connect counts as none.
func (l *load) request(items []item) bool {
	p := l.current.Load()
	if p == nil {
		return false
	}
	at := time.Now()
	results, err := l.call(p.Program, items)
	for i, it := range items {
		it.mu.Lock()
		if err != nil {
			it.tries = append(it.tries, try{at, p.generation, "no answer: " + err.Error()})
			if !it.uncertain && !it.acknowledged {
				it.uncertain = true
				l.mu.Lock()
				l.count.uncertain++
				l.mu.Unlock()
			}
		} else {
			l.judge(it, results[i], at, p.generation)
		}
		it.mu.Unlock()
	}
	return err == nil
}

// call makes the request: one alert, or a batch.
func (l *load) call(p *Program, items []item) ([]client.BatchResult, error) {
	if len(items) == 1 {
		answer, err := p.Post("/v1/alerts", items[0].body)
		var result client.BatchResult
		if err == nil {
			err = json.Unmarshal(answer.Body, &result)
		}
		result.Status = answer.Status
		return []client.BatchResult{result}, err
	}
	var lines strings.Builder
	for _, it := range items {
		lines.WriteString(it.body + "\n")
	}
	answer, err := p.Call(http.MethodPost, "/v1/alerts/batch", "application/x-ndjson", strings.NewReader(lines.String()))
	if err != nil {
		return nil, err
	}
	results := make([]client.BatchResult, len(items))
	if answer.Status != http.StatusOK {
		for i := range results {
			results[i].Status = answer.Status
		}
		return results, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(answer.Body))
	for i := range results {
		if err := decoder.Decode(&results[i]); err != nil {
			return nil, fmt.Errorf("the answer to a batch of %d ends after %d: %w", len(items), i, err)
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		l.complain(items[0].id, "the answer to a batch of %d has more lines than that", len(items))
	}
	return results, nil
}

// judge takes down an answer and complains of one that should not be.
//
//	sent for the first time                     202
//	sent again after a lost answer              202, or 200 as a duplicate
//	sent again after it was acknowledged        200 as a duplicate; 409 if it says something else
//
// The item's lock is held.
func (l *load) judge(it item, r client.BatchResult, at time.Time, generation int) {
	repeated := r.Duplicate != nil && *r.Duplicate
	answer := fmt.Sprintf("%d (duplicate %t)", r.Status, repeated)
	it.tries = append(it.tries, try{at, generation, answer})
	known := it.acknowledged
	switch {
	case it.other && r.Status == http.StatusConflict:
	case it.again && !it.other && r.Status == http.StatusOK && repeated:
	case !it.again && r.Status == http.StatusAccepted && !repeated, !it.again && it.uncertain && r.Status == http.StatusOK && repeated:
		it.acknowledged = true
		l.checkRoute(it, r)
	default:
		l.complain(it.id, "it was answered %s; acknowledged before: %t, sent before without an answer: %t, other content: %t", answer, known, it.uncertain, it.other)
	}
	if it.acknowledged && !known {
		l.mu.Lock()
		l.order = append(l.order, it.sent)
		l.count.acknowledged++
		l.mu.Unlock()
	}
}

func (l *load) checkRoute(it item, r client.BatchResult) {
	if r.Route == nil || string(r.Route.Severity) != it.severity || r.AlertID == nil || *r.AlertID != it.id {
		l.complain(it.id, "the answer tells another alert or route: %+v", r)
	}
}
