// SPDX-License-Identifier: MPL-2.0

// Package servertest runs a whole control plane for a test: a real listener, a real store in a temporary directory.
// It also makes certificates.
package servertest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Server is a running control plane that stops when its test ends.
type Server struct {
	URL    string
	Token  string // of an admin
	Config server.Config

	running *server.Server
}

// Start runs a control plane that may reach this machine's loopback addresses. change, if given, edits the settings.
func Start(t testing.TB, change ...func(*server.Config)) *Server {
	t.Helper()
	s := &Server{Token: "alertrouter_test-token-0123456789"}
	s.Config = server.Config{
		Listen: "127.0.0.1:0", Data: t.TempDir(), AllowNetworks: []string{"127.0.0.0/8", "::1/128"},
		AdminToken: secret.New(s.Token), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, edit := range change {
		edit(&s.Config)
	}
	s.start(t)
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	running, err := server.Start(context.Background(), s.Config)
	if err != nil {
		t.Fatalf("start the control plane: %v", err)
	}
	s.running, s.URL = running, running.URL
}

// Stop stops the control plane as a SIGTERM would.
func (s *Server) Stop() { _ = s.running.Stop() }

// Restart stops the control plane and starts it again on the same data, at another URL.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.running.Stop(); err != nil {
		t.Fatalf("stop the control plane: %v", err)
	}
	s.start(t)
}
