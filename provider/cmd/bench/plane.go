// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
)

// token is of the control plane's admin. That control plane ends with the measurement.
const token = "alertrouter_bench-token-0123456789"

// plane is the real control plane in a process of its own, on an empty store.
type plane struct {
	cmd *exec.Cmd
	url string
}

func startPlane(ctx context.Context, program, data string) (*plane, error) {
	cmd := exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-format", "json")
	cmd.Env = environment("ALERTROUTER_ADMIN_TOKEN=" + token)
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &plane{cmd: cmd}
	if p.url, err = machine.ReadReady(log); err != nil {
		p.stop()
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	return p, nil
}

func (p *plane) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait() // nobody needs its store any more
}

// env is what the provider needs to find a control plane.
func env(url string) []string {
	return []string{"ALERTROUTER_ENDPOINT=" + url, "ALERTROUTER_TOKEN=" + token}
}

// A counter stands before the control plane and takes down what is asked.
type counter struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // such as "GET /v1/destinations/…"
}

func newCounter(p *plane) (*counter, error) {
	to, err := url.Parse(p.url)
	if err != nil {
		return nil, err
	}
	c, onward := &counter{}, httputil.NewSingleHostReverseProxy(to)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		c.asked = append(c.asked, req.Method+" "+req.URL.Path)
		c.mu.Unlock()
		onward.ServeHTTP(w, req)
	}))
	return c, nil
}

// paths returns the destinations that were got, and what else was asked. It fails unless each of n destinations was got
// once, and nothing was asked to be done with one.
func (c *counter) paths(n int) (destinations, others []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, request := range c.asked {
		method, path, _ := strings.Cut(request, " ")
		switch {
		case !strings.HasPrefix(path, "/v1/destinations"):
			others = append(others, request)
		case method == http.MethodGet && !slices.Contains(destinations, path):
			destinations = append(destinations, path)
		default:
			return nil, nil, fmt.Errorf("a plan that changes nothing asked %s, or asked it twice", request)
		}
	}
	if len(destinations) != n {
		return nil, nil, fmt.Errorf("a plan that changes nothing got %d destinations, want %d", len(destinations), n)
	}
	return destinations, others, nil
}

// connections is how many requests the provider makes at once unless its configuration says otherwise.
const connections = 10

// times gets each path once over as many connections as the provider uses, and returns the sorted times.
func (p *plane) times(ctx context.Context, paths []string) ([]time.Duration, error) {
	agent := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer agent.CloseIdleConnections()
	queue := make(chan string)
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var working sync.WaitGroup
	for range connections {
		working.Go(func() {
			for path := range queue {
				began := time.Now()
				err := get(ctx, agent, p.url+path)
				mu.Lock()
				took, failed = append(took, time.Since(began)), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for _, path := range paths {
		queue <- path
	}
	close(queue)
	working.Wait()
	slices.Sort(took)
	return took, failed
}

func get(ctx context.Context, agent *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := agent.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
