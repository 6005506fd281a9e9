// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// The whole program, as small as it can be: it measures the real server, so whatever it needs of it is still there.
func TestBench_MeasuresEveryRow(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "benchmarks.md")
	var complaints bytes.Buffer
	o, err := parse([]string{"-quick", "-duration", "500ms", "-dir", dir, "-out", page}, &complaints)
	if err != nil {
		t.Fatal(err, complaints.String())
	}
	made, err := measure(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if made.failed != nil {
		t.Error(made.failed)
	}
	if err := publish(t.Context(), o, made, t.Output()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{
		"accept, 1 connection, routed nowhere", "accept, 16 connections, routed nowhere", "accept, 64 connections, routed nowhere",
		"accept in batches of 500, 4 connections, routed nowhere", "accept and deliver to 1 destination, 64 connections", "memory, idle",
		"memory, accepting and delivering saturated", "deliver to 5 destinations, accepting over 64 connections",
		"accepted → delivered, 200 alerts/s, 1 destination", "accepted → delivered, 1,000 alerts/s, 5 destinations",
		"the other four's p99 beside a destination that hangs, 1,000 alerts/s", "drain 1,000 waiting deliveries to 1 destination",
		"start to ready, an empty store", "start to ready, 1,000 deliveries waiting", "start to ready, 2,000 deliveries waiting",
		"memory, 2,000 deliveries waiting", "accept, 64 connections, 2,000 alerts in the store, ids sent with the alerts",
		"accept, 64 connections, 2,000 alerts in the store, ids made by the server",
	} {
		if strings.Count(string(raw), "\n| "+what+" | ") != 1 {
			t.Errorf("the page has not one row %q:\n%s", what, raw)
		}
	}
	for _, r := range made.rows {
		if len(r.numbers) == 0 {
			t.Errorf("%s: no figure", r.what)
		}
		for _, n := range r.numbers {
			if n <= 0 || math.IsInf(n, 0) || math.IsNaN(n) {
				t.Errorf("%s: got %v in %v", r.what, n, r.numbers)
			}
		}
	}
	if strings.Contains(string(raw), dir) || strings.Contains(string(raw), "shared/corpus") || strings.Contains(string(raw), token) {
		t.Errorf("the page has a path of this machine or a token:\n%s", raw)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*-*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}

func TestMeasurement_ThatFailsHasARowThatSaysSo(t *testing.T) {
	for name, run := range map[string]func(context.Context) ([]row, error){
		"fails":       func(context.Context) ([]row, error) { return nil, errors.New("the disk is full") },
		"has no rows": func(context.Context) ([]row, error) { return nil, nil },
	} {
		rows, err := measurement{name, run}.make(t.Context(), t.Output())
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %q", err, name)
		}
		page := filepath.Join(t.TempDir(), "page.md")
		var table strings.Builder
		if err := publish(t.Context(), options{out: page}, &outcome{rows: rows, failed: err}, &table); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(table.String(), "| "+name+" | **failed** |") {
			t.Errorf("the table does not tell that %q failed:\n%s", name, table.String())
		}
		if _, err := os.Stat(page); err == nil {
			t.Errorf("a page was written although %q failed", name)
		}
	}
}

func TestBench_RefusesWhatIsNoMeasurement(t *testing.T) {
	for _, args := range [][]string{{"fast"}, {"-duration", "0s"}, {"-only", "("}, {"-large", "0"}} {
		var out, complaints bytes.Buffer
		if code := run(context.Background(), args, &out, &complaints); code != 2 || complaints.Len() == 0 {
			t.Errorf("%v: got %d %q, want 2 and a complaint", args, code, complaints.String())
		}
	}
}

func TestPercentile_IsExact(t *testing.T) {
	var sorted []time.Duration
	for n := range 200 {
		sorted = append(sorted, time.Duration(n+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 50: 100, 99: 198, 100: 200} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("p%v of 1 to 200: got %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: got %d, want 0", got)
	}
}

// Answers in chunks, with a length and without a body follow each other on a connection, and a refusal is told.
func TestConnection_ReadsEveryFormOfAnswer(t *testing.T) {
	got := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a echoAlert
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || len(a.AlertID) != idLength || a.Type != "RULE" {
			t.Errorf("request %d: got %+v, %v", got, a, err)
		}
		got++
		switch got {
		case 1, 3:
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "{}")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, strings.Repeat("x", 9000))
		case 2:
			w.WriteHeader(http.StatusAccepted)
		case 4:
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "{}")
		default:
			http.Error(w, "no more", http.StatusUnprocessableEntity)
		}
	}))
	defer s.Close()
	l := load{alerts: []template{[]byte(`"type":"RULE"}`)}, member: "alert_id", conns: 1}
	c, err := dial(t.Context(), endpoint{address: s.Listener.Addr().String(), path: "/"}, l)
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	for n, length := range []int{9002, 0, 9002, 2} {
		if err := c.send(); err != nil || c.answer.Len() != length {
			t.Fatalf("answer %d: got %d bytes and %v, want %d", n+1, c.answer.Len(), err, length)
		}
	}
	if err := c.send(); err == nil || !strings.Contains(err.Error(), "422: no more") {
		t.Errorf("got %v, want the refusal", err)
	}
}

// A yardstick that gets slower while it takes turns must not look like what is measured getting faster.
func TestAlternate_TakesTheMedianOfRatios(t *testing.T) {
	yardsticks, measured := []float64{100, 50, 10}, []float64{50, 25, 9}
	take := func(from *[]float64) func() (float64, error) {
		return func() (float64, error) {
			v := (*from)[0]
			*from = (*from)[1:]
			return v, nil
		}
	}
	got, err := alternate(3, take(&yardsticks), take(&measured))
	if want := (beside{figure: 25, yardstick: 50, ratio: 0.5}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("the median of 1 to 4: got %v, want 2.5", got)
	}
}
