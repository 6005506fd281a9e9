// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"log"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
)

// vendor stands in for a vendor's server and keeps what it was asked.
type vendor struct {
	URL     string
	Close   func()
	arrived chan struct{} // has room for one, and one in it once there was a request
	mu      sync.Mutex
	seen    []request
}

type request struct {
	line   string // method and request URI
	header http.Header
	body   []byte
	gone   <-chan struct{} // closed when the client has hung up
}

func newVendor(t testing.TB, answer func(http.ResponseWriter, request)) *vendor {
	t.Helper()
	v := &vendor{arrived: make(chan struct{}, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the request broke off: %v", err)
		}
		req := request{line: r.Method + " " + r.URL.RequestURI(), header: r.Header, body: body, gone: r.Context().Done()}
		v.keep(req)
		answer(w, req)
	}))
	v.URL, v.Close = server.URL, server.Close
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) keep(r request) {
	v.mu.Lock()
	v.seen = append(v.seen, r)
	v.mu.Unlock()
	select {
	case v.arrived <- struct{}{}:
	default:
	}
}

func (v *vendor) requests() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.seen)
}

// first returns the first request; a type may send more for one message.
func (v *vendor) first(t testing.TB) request {
	t.Helper()
	requests := v.requests()
	if len(requests) == 0 {
		t.Fatal("got no request")
	}
	return requests[0]
}

// echo is all a request says, as careless servers put it into their answers.
func (r request) echo() []byte {
	var out bytes.Buffer
	out.WriteString(r.line + "\n")
	_ = r.header.Write(&out)
	out.Write(r.body)
	return out.Bytes()
}

// json returns the body, or the values of a form as JSON. The members of AWS's JSON come in any order and are sorted.
func (r request) json(t testing.TB) []byte {
	t.Helper()
	switch kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type")); kind {
	case "application/x-amz-json-1.0":
		return sorted(t, r.body)
	case "application/x-www-form-urlencoded":
	default:
		return r.body
	}
	form, err := url.ParseQuery(string(r.body))
	if err != nil {
		t.Fatalf("the body is not a form: %v", err)
	}
	values := map[string]string{}
	for name := range form {
		values[name] = form.Get(name)
	}
	return encode(t, values)
}

// sorted returns JSON with its members in order.
func sorted(t testing.TB, body []byte) []byte {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("the body is not JSON: %v", err)
	}
	return encode(t, value)
}

// encode writes JSON without escapes that nobody sent.
func encode(t testing.TB, value any) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}

// accept answers as the vendor does when all is well.
func (c Case) accept() func(http.ResponseWriter, request) {
	if c.Answer.Body == nil {
		return respond(http.StatusOK, "ok")
	}
	return respond(c.Answer.Status, string(c.answer()))
}

// answer is the body of the vendor's answer.
func (c Case) answer() []byte {
	var text string
	if json.Unmarshal(c.Answer.Body, &text) == nil {
		return []byte(text)
	}
	return c.Answer.Body
}

func respond(status int, body string) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, _ request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp closes the connection in place of an answer.
func hangUp(w http.ResponseWriter, _ request) { raw(w, nil) }

// raw answers with bytes that need not be HTTP, and hangs up.
func raw(w http.ResponseWriter, answer []byte) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = conn.Write(answer)
	_ = conn.Close()
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a JSON body with a file. The file is indented; nothing else of the body is changed.
func golden(t testing.TB, file string, body []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, body, "", "  "); err != nil {
		t.Fatalf("the body is not JSON: %v", err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; run with -update and look at the diff.\ngot:\n%s\nwant:\n%s", file, got.Bytes(), want)
	}
}

// logs holds what was logged since the first Run.
var logs struct {
	once sync.Once
	mu   sync.Mutex
	text bytes.Buffer
}

// watchLogs keeps what goes through packages log and slog, which by default ends there.
func watchLogs() { logs.once.Do(func() { log.SetOutput(io.MultiWriter(os.Stderr, logWriter{})) }) }

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logs.mu.Lock()
	defer logs.mu.Unlock()
	return logs.text.Write(p)
}

func logged() string {
	logs.mu.Lock()
	defer logs.mu.Unlock()
	return logs.text.String()
}
