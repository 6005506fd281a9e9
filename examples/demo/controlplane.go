// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// moduleRoot returns the directory of the repository the demo is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	if _, err := os.Stat(filepath.Join(root, "examples", "quickstart")); err != nil {
		return "", errors.New("run this inside the alertrouter repository")
	}
	return root, nil
}

// build builds both programs into dir.
func build(ctx context.Context, root, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), ".", "./server/cmd/alertrouter")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// environment is what children inherit: not what would change how Terraform and alertrouter work.
func environment(more ...string) []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "TF_") && !strings.HasPrefix(pair, "ALERTROUTER_") {
			env = append(env, pair)
		}
	}
	return append(env, more...)
}

// controlPlane is a running `alertrouter serve`.
type controlPlane struct {
	url     string
	token   string // of an admin
	api     *client.ClientWithResponses
	program string
	log     string // path

	interrupt context.CancelFunc
	exited    chan error
}

// startControlPlane starts the program in bin on an empty store below dir and waits until it is ready.
func startControlPlane(ctx context.Context, bin, dir string) (*controlPlane, error) {
	p := &controlPlane{
		token:   "alertrouter_" + rand.Text() + rand.Text(),
		program: filepath.Join(bin, "alertrouter"),
		log:     filepath.Join(dir, "alertrouter.log"),
		exited:  make(chan error, 1),
	}
	running, interrupt := context.WithCancel(context.WithoutCancel(ctx)) // it ends in stop
	p.interrupt = interrupt
	cmd := exec.CommandContext(running, p.program, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--allow-network", "127.0.0.1/32", "--log-format", "json")
	cmd.Env = environment("ALERTROUTER_ADMIN_TOKEN=" + p.token)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	lines, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		interrupt()
		return nil, fmt.Errorf("start the control plane: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		err := follow(lines, p.log, ready)
		p.exited <- errors.Join(err, cmd.Wait())
	}()
	return p, p.await(ctx, ready)
}

// follow copies log lines to a file, and the URL of the first line "ready" to the channel.
func follow(lines io.Reader, path string, ready chan<- string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(io.TeeReader(lines, file))
	for scanner.Scan() {
		var entry struct{ Msg, URL string }
		if json.Unmarshal(scanner.Bytes(), &entry) == nil && entry.Msg == "ready" {
			ready <- entry.URL
			break
		}
	}
	_, err = io.Copy(file, lines)
	return err
}

// await waits for the URL and makes the client.
func (p *controlPlane) await(ctx context.Context, ready <-chan string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	select {
	case p.url = <-ready:
		p.api, err = client.New(p.url, p.token)
		return err
	case err = <-p.exited:
		p.exited <- err // for stop
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), p.stop())
	}
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("the control plane did not start: %w\n%s", err, text)
}

// stop stops it as Ctrl-C would, and waits. A second call does nothing.
func (p *controlPlane) stop() error {
	if p.exited == nil {
		return nil
	}
	p.interrupt()
	err := <-p.exited
	p.exited = nil
	if errors.Is(err, context.Canceled) { // it was asked to
		return nil
	}
	if err != nil {
		return fmt.Errorf("the control plane: %w", err)
	}
	return nil
}

// cli runs a client command of the program as an admin and returns what it prints.
func (p *controlPlane) cli(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Env = environment("ALERTROUTER_ENDPOINT="+p.url, "ALERTROUTER_TOKEN="+p.token)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("alertrouter %s: %w\n%s", strings.Join(args, " "), err, &errs)
	}
	return strings.TrimSpace(out.String()), nil
}
