// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
)

// token is of the measured server's admin. That server ends with the measurement.
const token = "alertrouter_bench-token-0123456789"

// server is the real server in a process of its own.
type server struct {
	cmd   *exec.Cmd
	data  string
	url   string
	ready time.Duration // from the start of the process until it said it was ready and /readyz agreed
}

// build builds the server as releases do; in a quick run as everything else is built, which the build cache may have.
func (b *bench) build(ctx context.Context) error {
	b.binary = filepath.Join(b.work, "alertrouter")
	cmd := exec.CommandContext(ctx, "go", "build", fmt.Sprintf("-trimpath=%t", !b.quick), "-o", b.binary, "./server/cmd/alertrouter")
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return nil
}

// startServer starts a server with an empty store.
func (b *bench) startServer(ctx context.Context) (*server, error) {
	data, err := os.MkdirTemp(b.work, "data-")
	if err != nil {
		return nil, err
	}
	return b.startServerOn(ctx, data)
}

// startServerOn starts a server on a data directory.
func (b *bench) startServerOn(ctx context.Context, data string) (*server, error) {
	cmd := exec.CommandContext(ctx, b.binary, "serve", "--listen", "127.0.0.1:0", "--data", data,
		"--allow-network", "127.0.0.0/8", "--backlog-limit", "1000000000", "--log-format", "json", "--log-level", "info")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ALERTROUTER_") }), // settings of another server
		"ALERTROUTER_ADMIN_TOKEN="+token)
	tie(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, data: data}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if s.url, err = machine.ReadReady(stderr); err == nil {
		go func() { _, _ = io.Copy(io.Discard, stderr) }()
		err = s.awaitReadiness(ctx)
	}
	if err != nil {
		s.discard()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	s.ready = time.Since(began)
	return s, nil
}

func (s *server) awaitReadiness(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		_, err := call(ctx, http.MethodGet, s.url+"/readyz", "", "")
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// stop stops it as an operator does, and keeps its data.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// discard ends it and removes its data. It may be called after stop.
func (s *server) discard() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	os.RemoveAll(s.data)
}

// endpoint is where alerts go.
func (s *server) endpoint() endpoint {
	return endpoint{address: strings.TrimPrefix(s.url, "http://"), path: "/v1/alerts", token: token}
}

func (s *server) batchEndpoint() endpoint {
	e := s.endpoint()
	e.path = "/v1/alerts/batch"
	return e
}

// destination is the request for one that takes every alert. One attempt an hour is as good as none: what is promised
// to a destination that is held waits.
func destination(url string, held bool) string {
	pace := ""
	if held {
		pace = `"rate_limit_per_second":0.0003,`
	}
	name := url[strings.LastIndex(url, "/")+1:]
	return fmt.Sprintf(`{"display_name":"destination %s","severities":["INFO","LOW","MEDIUM","HIGH","CRITICAL"],%s"config":{"webhook":{"url":%q}}}`, name, pace, url)
}

// addDestination makes a destination and returns its id.
func (s *server) addDestination(ctx context.Context, url string, held bool) (string, error) {
	raw, err := call(ctx, http.MethodPost, s.url+"/v1/destinations", token, destination(url, held))
	if err != nil {
		return "", err
	}
	var d struct{ ID string }
	err = json.Unmarshal(raw, &d)
	return d.ID, err
}

// setFree lets a held destination have what waits for it.
func (s *server) setFree(ctx context.Context, id, url string) error {
	_, err := call(ctx, http.MethodPut, s.url+"/v1/destinations/"+id, token, destination(url, false))
	return err
}

// backlog is how many deliveries are owed.
func (s *server) backlog(ctx context.Context) (int, error) {
	raw, err := call(ctx, http.MethodGet, s.url+"/metrics", token, "")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "alertrouter_deliveries_open{") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, errors.New("the metrics do not tell the backlog")
	}
	return int(sum), nil
}
