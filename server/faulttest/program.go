// SPDX-License-Identifier: MPL-2.0

package faulttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Token is the admin token of every program that is started here.
const Token = "alertrouter_fault-test-token" //nolint:gosec // it opens a program that lives as long as its test

// How long a program may take for what it does, on a machine that does much else.
const (
	readyTimeout = 3 * time.Minute
	endTimeout   = 3 * time.Minute
	callTimeout  = 3 * time.Minute
)

// Launch says how the program is started.
type Launch struct {
	Path  string   // the executable
	Env   []string // besides this process's own
	Data  string   // the data directory
	Flags []string // besides --data and those that every test needs
}

// Program is the real program in a process of its own.
type Program struct {
	URL     string    // where it answers; known once it is ready
	Begun   time.Time // when it was started
	Process *os.Process

	cmd   *exec.Cmd
	http  *http.Client
	ready chan struct{} // closed when it says so
	ended chan struct{} // closed when it is gone and all it said was read
	err   error         // how it ended; to be read after that

	mu   sync.Mutex
	said []string // the last lines it logged
	bad  []string // those that no program should log
}

// Begin starts the program and does not wait. It is killed when the test ends.
func (l Launch) Begin(t testing.TB) *Program {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", l.Data, "--allow-network", "127.0.0.0/8", "--log-format", "json"}, l.Flags...)
	cmd := exec.Command(l.Path, args...) //nolint:gosec,noctx // a test names what it runs, and kills it itself
	tie(cmd)
	cmd.Env = append(append(os.Environ(), "ALERTROUTER_ADMIN_TOKEN="+Token), l.Env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{
		Begun: time.Now(), cmd: cmd, ready: make(chan struct{}), ended: make(chan struct{}),
		http: &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.Process = cmd.Process
	go p.listen(stderr)
	t.Cleanup(p.Kill)
	return p
}

// Start starts the program and waits until it is ready.
func (l Launch) Start(t testing.TB) *Program {
	t.Helper()
	p := l.Begin(t)
	p.WaitReady(t)
	return p
}

// listen takes down what the program logs until it is gone.
func (p *Program) listen(stderr io.Reader) {
	defer close(p.ended)
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			p.hear(line)
		}
		if err != nil {
			break
		}
	}
	p.err = p.cmd.Wait()
}

// broken finds what a program says when it is wrong in itself.
var broken = regexp.MustCompile(`^panic: |^fatal error: |WARNING: DATA RACE|panic in |"msg":"a sender panicked`)

func (p *Program) hear(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said = append(p.said, line); len(p.said) > 500 {
		p.said = p.said[100:]
	}
	if broken.MatchString(line) {
		p.bad = append(p.bad, line)
	}
	var entry struct{ Msg, URL string }
	if p.URL == "" && json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "ready" {
		p.URL = entry.URL
		close(p.ready)
	}
}

// WaitReady waits until the program says that it is ready, and returns how long it took since it was started.
func (p *Program) WaitReady(t testing.TB) time.Duration {
	t.Helper()
	select {
	case <-p.ready:
	case <-p.ended:
		t.Fatalf("the program ended before it was ready:\n%s", p.Log())
	case <-time.After(readyTimeout):
		t.Fatalf("the program was not ready after %s:\n%s", readyTimeout, p.Log())
	}
	return time.Since(p.Begun)
}

// ReadyOrEnded waits until the program is ready, which is true, or has ended.
func (p *Program) ReadyOrEnded(t testing.TB) bool {
	t.Helper()
	select {
	case <-p.ready:
		return true
	case <-p.ended:
	case <-time.After(readyTimeout):
		t.Fatalf("the program is neither ready nor gone after %s:\n%s", readyTimeout, p.Log())
	}
	return false
}

// Kill ends the program as kill -9 does, and returns when it is gone. It may be called twice.
func (p *Program) Kill() {
	_ = p.Process.Kill()
	<-p.ended
	p.http.CloseIdleConnections()
}

// Terminate ends the program with SIGTERM, which must be clean.
func (p *Program) Terminate(t testing.TB) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ExitCode(t); code != 0 {
		t.Errorf("after SIGTERM: got exit code %d, want 0:\n%s", code, p.Log())
	}
}

// ExitCode waits for the program to end by itself.
func (p *Program) ExitCode(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(endTimeout):
		t.Fatalf("the program did not end within %s:\n%s", endTimeout, p.Log())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Log returns the last lines the program logged.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

// Broken returns what it logged that no program should: panics, data races.
func (p *Program) Broken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bad
}

// Answer is what the program answered to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call makes a request of the API. An error means that there was no answer, or not all of it.
func (p *Program) Call(method, path, contentType string, body io.Reader) (Answer, error) {
	request, err := http.NewRequest(method, p.URL+path, body) //nolint:noctx // the client has a timeout
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+Token)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := p.http.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	return Answer{Status: response.StatusCode, Header: response.Header, Body: raw}, err
}

// Post sends JSON.
func (p *Program) Post(path, body string) (Answer, error) {
	return p.Call(http.MethodPost, path, "application/json", strings.NewReader(body))
}

// Get reads into value what it says at path.
func (p *Program) Get(path string, value any) error {
	answer, err := p.Call(http.MethodGet, path, "", http.NoBody)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, answer.Status, answer.Body)
	}
	return json.Unmarshal(answer.Body, value)
}

// AddDestination creates a webhook destination for alerts of type RULE with these severities, and returns its id. Every
// attempt may take so many seconds; 0 is the program's default.
func (p *Program) AddDestination(t testing.TB, name, url string, enabled bool, timeoutSeconds int, severities ...string) string {
	t.Helper()
	webhook := map[string]any{"url": url}
	if timeoutSeconds > 0 {
		webhook["timeout_seconds"] = timeoutSeconds
	}
	body, err := json.Marshal(map[string]any{
		"display_name": name, "enabled": enabled, "severities": severities, "alert_types": []string{"RULE"},
		"config": map[string]any{"webhook": webhook},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Post("/v1/destinations", string(body))
	if err != nil || answer.Status != http.StatusCreated {
		t.Fatalf("create the destination %s: got %d %s %v, want 201", name, answer.Status, answer.Body, err)
	}
	var created struct{ ID string }
	if err := json.Unmarshal(answer.Body, &created); err != nil {
		t.Fatal(err)
	}
	return created.ID
}

// Wait waits for the program to end by itself, and returns nil if it did so in order.
func (p *Program) Wait() error {
	select {
	case <-p.ended:
		return p.err
	case <-time.After(endTimeout):
		return fmt.Errorf("it did not end within %s", endTimeout)
	}
}

// Memory reads how many bytes of memory the program holds, and the most it ever did, from the kernel's own account.
func (p *Program) Memory(t testing.TB) (now, peak int64) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatalf("read how much memory the program holds: %v", err)
	}
	return kilobytes(t, raw, "VmRSS"), kilobytes(t, raw, "VmHWM")
}

func kilobytes(t testing.TB, status []byte, name string) int64 {
	t.Helper()
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("there is no %s in\n%s", name, status)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
