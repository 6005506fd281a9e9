// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// roleVariable makes this program play a role in the measurement instead of making it.
const roleVariable = "ALERTROUTER_BENCH_ROLE"

// The roles.
const (
	roleEcho = "echo"
	roleSink = "sink"
)

// helper is this program in another process, in a role.
type helper struct {
	cmd     *exec.Cmd
	input   io.Closer
	address string
}

// startHelper starts a role and waits for its address.
func startHelper(ctx context.Context, role string) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	tie(cmd)
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &helper{cmd: cmd, input: input}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		h.stop()
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	h.address = strings.TrimSpace(line)
	return h, nil
}

// stop ends the process, which ends with its input.
func (h *helper) stop() {
	h.input.Close()
	_ = h.cmd.Wait() // how it ended says nothing
}

// play is the other side of startHelper: it serves until its input ends, so that it never outlives who started it.
func play(role string, in io.Reader, out, errs io.Writer) int {
	handlers := map[string]func() http.Handler{roleEcho: echoHandler, roleSink: sinkHandler}
	handler, ok := handlers[role]
	if !ok {
		fmt.Fprintf(errs, "bench: %s=%s is not a role\n", roleVariable, role)
		return 2
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	server := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	fmt.Fprintln(out, listener.Addr())
	_ = server.Serve(listener) // it ends by Close
	return 0
}
