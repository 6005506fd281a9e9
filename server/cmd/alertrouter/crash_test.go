// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the real program in a process of its own.
type program struct {
	*exec.Cmd
	url string
}

const token = "alertrouter_crash-test-token"

// start runs `alertrouter serve` on a data directory and waits until it is ready.
func start(t *testing.T, data string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", data, "--allow-network", "127.0.0.0/8", "--log-format", "json")
	cmd.Env = append(os.Environ(), asProgram+"=1", "ALERTROUTER_ADMIN_TOKEN="+token)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return &program{cmd, line.URL}
		}
	}
	t.Fatalf("it did not get ready:\n%s", said.String())
	return nil
}

// kill ends the program as a power cut would end it.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}

func (p *program) call(method, path, body string) (int, string, error) {
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// flaky is a receiver that refuses the first attempt at every third alert, and remembers how often it took each.
type flaky struct {
	*httptest.Server
	mu      sync.Mutex
	refused map[string]bool
	took    map[string]int
}

func newFlaky(t *testing.T) *flaky {
	f := &flaky{refused: map[string]bool{}, took: map[string]int{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var payload struct {
			AlertID string `json:"alertId"`
		}
		_ = json.NewDecoder(r.Body).Decode(&payload)
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.refused[payload.AlertID] && rand.IntN(3) == 0 && f.took[payload.AlertID] == 0 {
			f.refused[payload.AlertID] = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		f.took[payload.AlertID]++
	}))
	t.Cleanup(f.Close)
	return f
}

// After kill -9 at random moments under load every acknowledged alert is delivered, and no more deliveries are made
// twice than attempts were in flight.
func TestCrash_LosesNothingThatWasAccepted(t *testing.T) {
	t.Parallel()
	const kills, senders, inFlight = 5, 8, 8
	data, got := t.TempDir(), newFlaky(t)
	hang := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(func() { close(hang); hanging.Close() })

	p := start(t, data)
	for name, url := range map[string]string{"flaky": got.URL, "hanging": hanging.URL} {
		body := fmt.Sprintf(`{"display_name":%q,"severities":["LOW"],"config":{"webhook":{"url":%q}}}`, name, url)
		if status, answer, err := p.call("POST", "/v1/destinations", body); status != 201 {
			t.Fatal(status, answer, err)
		}
	}
	var mu sync.Mutex
	var acknowledged []string
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	for round := range kills {
		var load sync.WaitGroup
		running := p
		for sender := range senders {
			load.Go(func() {
				for i := 0; ; i++ {
					id := fmt.Sprintf("%d-%d-%d", round, sender, i)
					status, _, err := running.call("POST", "/v1/alerts", `{"alert_id":"`+id+`","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
					if err != nil {
						return // it was killed
					}
					if status != 202 {
						t.Errorf("alert %s: got %d, want 202", id, status)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, id)
					mu.Unlock()
				}
			})
		}
		enough := (round + 1) * 25 // on a slow machine, too, there is a load to kill it under
		for deadline := time.Now().Add(30 * time.Second); count() < enough && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond) // a random moment
		p.kill(t)
		load.Wait()
		p = start(t, data)
	}
	if len(acknowledged) < 100 {
		t.Fatalf("only %d alerts were acknowledged: that is no load", len(acknowledged))
	}
	missing := func() (n int) {
		got.mu.Lock()
		defer got.mu.Unlock()
		for _, id := range acknowledged {
			if got.took[id] == 0 {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); missing() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d acknowledged alerts were not delivered", missing(), len(acknowledged))
		}
	}
	got.mu.Lock()
	twice := 0
	for _, n := range got.took {
		twice += n - 1
	}
	got.mu.Unlock()
	if twice > kills*inFlight {
		t.Errorf("%d deliveries were made again after %d kills; at most %d were in flight", twice, kills, kills*inFlight)
	}
	t.Logf("%d alerts acknowledged over %d kills, all delivered, %d twice", len(acknowledged), kills, twice)

	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func TestCrash_ASecondProcessIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	began := time.Now()
	second := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", data)
	second.Env = append(os.Environ(), asProgram+"=1")
	out, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "another process") {
		t.Errorf("got %v and %s, want exit code 1 and that another process has the store", err, out)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to say so", took)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want a clean exit", err)
	}
}
