// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// endpoint is where load goes.
type endpoint struct {
	address string
	path    string
	token   string
}

// load says what is sent.
type load struct {
	alerts []template
	member string // see stream
	conns  int
	batch  int // alerts in a request; 0 is one, not in a batch
}

// result is what came of load.
type result struct {
	alerts    int // accepted within the window
	window    time.Duration
	latencies []time.Duration // of requests answered within the window; sorted
}

// rate is in alerts a second.
func (r result) rate() float64 { return float64(r.alerts) / r.window.Seconds() }

// join adds what came of the same load at another time.
func (r *result) join(other result) {
	r.alerts, r.window = r.alerts+other.alerts, r.window+other.window
	r.latencies = append(r.latencies, other.latencies...)
	slices.Sort(r.latencies)
}

// connection is one keep-alive connection with as little HTTP as the other side needs, so that making load costs
// little of the machine that is measured.
type connection struct {
	net    net.Conn
	reader *bufio.Reader
	head   []byte // of a request, up to the value of Content-Length
	stream *stream
	batch  int
	alerts []byte // of the last request
	buf    []byte
	answer bytes.Buffer
}

func dial(ctx context.Context, e endpoint, l load) (*connection, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	kind := "application/json"
	if l.batch > 0 {
		kind = "application/x-ndjson"
	}
	head := "POST " + e.path + " HTTP/1.1\r\nHost: " + e.address + "\r\nContent-Type: " + kind + "\r\n"
	if e.token != "" {
		head += "Authorization: Bearer " + e.token + "\r\n"
	}
	return &connection{
		net: c, reader: bufio.NewReader(c), head: []byte(head + "Content-Length: "), stream: newStream(l.alerts, l.member), batch: l.batch,
	}, nil
}

// send sends the next alerts and reads the answer. Anything but an acceptance of all is an error.
func (c *connection) send() error {
	c.alerts = c.alerts[:0]
	for range max(1, c.batch) {
		c.alerts = append(c.stream.add(c.alerts), '\n')
	}
	c.buf = strconv.AppendInt(append(c.buf[:0], c.head...), int64(len(c.alerts)), 10)
	c.buf = append(append(c.buf, "\r\n\r\n"...), c.alerts...)
	if _, err := c.net.Write(c.buf); err != nil {
		return err
	}
	status, err := c.receive()
	if err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	accepted := status == "202"
	if c.batch > 0 {
		accepted = status == "200" && bytes.Count(c.answer.Bytes(), []byte(`"status":202`)) == c.batch
	}
	if !accepted {
		return fmt.Errorf("got status %s: %.500s", status, c.answer.Bytes())
	}
	return nil
}

// receive reads one answer and returns its status.
func (c *connection) receive() (string, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil || len(line) < len("HTTP/1.1 200") {
		return "", errors.Join(fmt.Errorf("the status line is %q", line), err)
	}
	status := string(line[9:12])
	var length int64
	chunked := false
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err != nil {
				return "", err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	c.answer.Reset()
	if !chunked {
		_, err = io.CopyN(&c.answer, c.reader, length)
		return status, err
	}
	if _, err := c.answer.ReadFrom(httputil.NewChunkedReader(c.reader)); err != nil {
		return "", err
	}
	_, err = c.reader.ReadSlice('\n') // the empty line after the last chunk
	return status, err
}

// connections is all of a load's connections.
type connections []*connection

// connect opens them; they close when ctx ends, which ends whatever waits on them.
func connect(ctx context.Context, e endpoint, l load) (connections, func(), error) {
	var all connections
	closeAll := func() {
		for _, c := range all {
			c.net.Close()
		}
	}
	for range l.conns {
		c, err := dial(ctx, e, l)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		all = append(all, c)
	}
	forget := context.AfterFunc(ctx, closeAll)
	return all, func() { forget(); closeAll() }, nil
}

// each runs f for every connection at once and returns the first errors.
func (all connections) each(f func(n int, c *connection) error) error {
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for n, c := range all {
		running.Go(func() { errs[n] = f(n, c) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// leastWindow is how long a yardstick is measured at least, so that a quick run on a busy machine sees it do something.
const leastWindow = 150 * time.Millisecond

// warmUp is how long a load lasts before it counts.
func warmUp(window time.Duration) time.Duration { return min(window/4, time.Second) }

// saturate sends the next request as soon as the last one is answered, over every connection. edge, if not nil, is
// called when the window that counts begins and when it ends.
func saturate(ctx context.Context, e endpoint, l load, window time.Duration, edge func() error) (result, error) {
	all, closeAll, err := connect(ctx, e, l)
	if err != nil {
		return result{}, err
	}
	defer closeAll()
	begin := time.Now().Add(warmUp(window))
	end := begin.Add(window)
	edges := make(chan error, 1)
	go func() { edges <- atBoth(begin, end, edge) }()
	latencies := make([][]time.Duration, len(all))
	err = all.each(func(n int, c *connection) error {
		for sent := time.Now(); sent.Before(end); {
			if err := c.send(); err != nil {
				return err
			}
			answered := time.Now()
			if answered.After(begin) && answered.Before(end) {
				latencies[n] = append(latencies[n], answered.Sub(sent))
			}
			sent = answered
		}
		return nil
	})
	if err := errors.Join(err, <-edges); err != nil {
		return result{}, err
	}
	r := result{window: window, latencies: slices.Concat(latencies...)}
	slices.Sort(r.latencies)
	r.alerts = len(r.latencies) * max(1, l.batch)
	if r.alerts == 0 {
		return r, errors.New("nothing was answered within the window")
	}
	return r, nil
}

func atBoth(begin, end time.Time, edge func() error) error {
	if edge == nil {
		return nil
	}
	time.Sleep(time.Until(begin))
	if err := edge(); err != nil {
		return err
	}
	time.Sleep(time.Until(end))
	return edge()
}

// sending is one request of a load at a fixed rate.
type sending struct {
	due, answered time.Time
	counts        bool // it was due after the warm-up
}

// pace sends alerts when they are due, rate a second, whatever becomes of those before, and returns them by id. A
// request that is late because its connection is busy counts from when it was due.
func pace(ctx context.Context, e endpoint, l load, rate int, window time.Duration) (map[string]sending, error) {
	all, closeAll, err := connect(ctx, e, l)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	start := time.Now().Add(10 * time.Millisecond)
	begin := start.Add(warmUp(window))
	end := begin.Add(window)
	apart := time.Second / time.Duration(rate)
	var mu sync.Mutex
	sent := map[string]sending{}
	err = all.each(func(n int, c *connection) error {
		for i := n; ; i += len(all) {
			due := start.Add(time.Duration(i) * apart)
			if !due.Before(end) {
				return nil
			}
			time.Sleep(time.Until(due))
			if err := c.send(); err != nil {
				return err
			}
			answered := time.Now()
			mu.Lock()
			sent[c.stream.idOf(c.alerts)] = sending{due, answered, !due.Before(begin)}
			mu.Unlock()
		}
	})
	return sent, err
}

// fill sends n alerts in batches.
func fill(ctx context.Context, e endpoint, alerts []template, n int) error {
	const size = 500
	all, closeAll, err := connect(ctx, e, load{alerts: alerts, member: "alert_id", conns: 4, batch: size})
	if err != nil {
		return err
	}
	defer closeAll()
	var taken atomic.Int64
	return all.each(func(_ int, c *connection) error {
		for {
			if c.batch = min(size, n-int(taken.Add(size)-size)); c.batch <= 0 {
				return nil
			}
			if err := c.send(); err != nil {
				return err
			}
		}
	})
}
