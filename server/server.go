// SPDX-License-Identifier: MPL-2.0

// Package server assembles and runs the control plane. It is the only package that knows all the others.
//
//	config.go  every setting
//	server.go  starting and stopping
//	data.go    the data directory without a server: restoring, compacting and checking the store
//	keys.go    the master key and the first admin token
//	observe.go telling several parts of the same
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/api"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/catalog"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/metrics"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/retention"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/watch"
)

// Server is a running control plane.
type Server struct {
	// URL is where it answers, such as http://127.0.0.1:8080.
	URL string

	log      *slog.Logger
	timeout  time.Duration
	pause    func()     // starts no more attempts
	failed   chan error // from serving
	cleanups []cleanup  // run in reverse
	stop     sync.Once
	stopErr  error
}

// cleanup ends one part of the server.
type cleanup struct {
	name string
	run  func(ctx context.Context) error
}

// Run starts a control plane and runs it until ctx ends or it fails, then stops it.
func Run(ctx context.Context, c Config) error {
	s, err := Start(ctx, c)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case err = <-s.failed:
	}
	return errors.Join(err, s.Stop())
}

// Start starts a control plane: open the store, recover what a crash left, then listen. It is ready when Start
// returns. ctx bounds the starting only.
func Start(ctx context.Context, c Config) (_ *Server, err error) {
	c.fillDefaults()
	read, err := c.read()
	if err != nil {
		return nil, err
	}
	s := &Server{log: c.logger(), timeout: c.ShutdownTimeout, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	handler, err := s.assemble(ctx, c, read)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // what reading the contract left behind is half of the memory of a server at rest
	return s, s.serve(ctx, c, handler)
}

// onStop registers how to end what was just begun.
func (s *Server) onStop(name string, run func(ctx context.Context) error) {
	s.cleanups = append(s.cleanups, cleanup{name, run})
}

// assemble builds every part, in the order of their dependence.
func (s *Server) assemble(ctx context.Context, c Config, read settings) (http.Handler, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	var meters *metrics.Metrics
	var dispatcher *delivery.Dispatcher
	store, err := bolt.Open(filepath.Join(c.Data, storeFile), bolt.Options{
		Log:      s.log,
		OnCommit: func(operations int, took time.Duration) { meters.Committed(operations, took) },
	})
	if err != nil {
		return nil, err
	}
	meters = metrics.New(metrics.Sources{ // before the first commit
		Backlog: store.Backlog, OldestOpen: store.OldestOpen, Now: c.Now,
		Health: func(id string) delivery.Health { return dispatcher.Health(id) },
	})
	s.onStop("store", func(context.Context) error { return store.Close() })

	sealer, err := openSealer(ctx, c, store, s.log)
	if err != nil {
		return nil, err
	}
	tokens, err := auth.NewKeeper(ctx, store, c.Now)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	if err := ensureAdminToken(ctx, c, tokens, s.log); err != nil {
		return nil, err
	}
	keeper := retention.New(store, retention.Options{Keep: c.Retention, Now: c.Now, Log: s.log, Removed: meters.Removed})
	s.onStop("retention", keeper.Stop)

	client := outbound.New(outbound.Options{Allow: read.allow, UserAgent: "alertrouter/" + c.Version})
	s.onStop("outbound connections", func(context.Context) error { client.Close(); return nil })

	schedule := delivery.DefaultSchedule()
	schedule.MaxAge = c.DeliveryMaxAge
	watcher := watch.New(store, watch.Options{Now: c.Now, Log: s.log, Raised: meters.Raised})
	s.onStop("watch", watcher.Stop)
	var config *registry.Registry
	dispatcher = delivery.NewDispatcher(store, delivery.Options{
		Schedule: schedule, Now: c.Now, Log: s.log, Observe: observers{meters, watcher}, Link: linker(read.publicURL),
		Orphaned: func(id string) { config.FailOrphans(id) }, // nothing is stored before config is there
	})
	s.onStop("dispatcher", dispatcher.Stop)
	s.pause = dispatcher.Pause

	config, err = registry.New(ctx, store, sealer, registry.Options{
		Types: catalog.Types(), Env: destination.Env{HTTP: client, Now: c.Now}, Lanes: lanes{dispatcher, meters, watcher}, Now: c.Now, Log: s.log,
		Failed: meters.Failed,
	})
	if err != nil {
		return nil, err
	}
	s.onStop("registry", func(context.Context) error { config.Close(); return nil })

	accept := intake.New(store, dispatcher, config.Table, intake.Options{
		BacklogLimit: c.BacklogLimit, Backlog: store.Backlog, Now: c.Now, Observe: meters,
		Fallback: func(id string) (string, time.Duration) { return config.Snapshot().Fallback(id) },
	})
	watcher.Start(accept)
	a := &api.API{
		Store: store, Intake: accept, Registry: config, Dispatcher: dispatcher, Tokens: tokens, Types: catalog.Types(),
		Metrics: meters.Handler(), Backup: store.Backup, Version: c.Version, Now: c.Now, Log: s.log,
		Ready: func(ctx context.Context) error {
			if err := store.Check(ctx); err != nil {
				return err
			}
			if store.Backlog().Open() >= c.BacklogLimit {
				return &problem.Error{Kind: problem.Unavailable, Detail: "the backlog is full", RetryAfter: 5 * time.Second}
			}
			return nil
		},
	}
	return a.Handler()
}

// linker makes the links of alerts that bring none; nil without a public URL.
func linker(publicURL string) func(string) string {
	if publicURL == "" {
		return nil
	}
	return func(alertID string) string { return publicURL + "/v1/alerts/" + url.PathEscape(alertID) }
}

// serve listens and answers until Stop.
func (s *Server) serve(ctx context.Context, c Config, handler http.Handler) error {
	tlsConfig, err := loadTLS(c)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on --listen %s: %w", c.Listen, err)
	}
	scheme := "http"
	if tlsConfig != nil {
		scheme, listener = "https", tls.NewListener(listener, tlsConfig)
	}
	s.URL = scheme + "://" + listener.Addr().String()
	h := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 3 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.onStop("listener", func(ctx context.Context) error { return stopListening(ctx, h) })
	s.onStop("starting of attempts", func(context.Context) error { s.pause(); return nil })
	go func() {
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve: %w", err)
		}
	}()
	s.log.Info("ready", "url", s.URL, "version", c.Version, "data", c.Data)
	return nil
}

// stopListening lets requests under way finish, but keeps half of the time for what comes after: one client that sends
// its request slowly must not cost the attempts under way theirs.
func stopListening(ctx context.Context, h *http.Server) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	if err := h.Shutdown(ctx); err != nil {
		return h.Close()
	}
	return nil
}

func loadTLS(c Config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("read --tls-cert and --tls-key: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if c.TLSClientCA != "" {
		pem, err := os.ReadFile(c.TLSClientCA)
		if err != nil {
			return nil, fmt.Errorf("read --tls-client-ca: %w", err)
		}
		t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !t.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-client-ca %s holds no certificate", c.TLSClientCA)
		}
	}
	return t, nil
}

// Stop stops listening, lets requests and attempts under way finish, and closes the store, all within the shutdown
// timeout. It may be called twice.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		defer cancel()
		var errs []error
		for _, c := range slices.Backward(s.cleanups) {
			if err := s.clean(ctx, c); err != nil {
				errs = append(errs, fmt.Errorf("stop the %s: %w", c.name, err))
			}
		}
		s.stopErr = errors.Join(errs...)
	})
	return s.stopErr
}

// clean ends one part. One whose turn comes when the time is up gets a little of its own: what took the time was
// another.
func (s *Server) clean(ctx context.Context, c cleanup) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
	}
	return c.run(ctx)
}
