// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

type serveCommand struct {
	File     string        `name:"config" env:"ALERTROUTER_CONFIG" placeholder:"FILE" help:"YAML file with settings; flags and the environment win over it."`
	Settings server.Config `embed:""`
}

// Run runs the control plane until a signal.
func (c *serveCommand) Run(ctx context.Context) error {
	c.Settings.SecretsFromEnvironment()
	c.Settings.Version = version
	tuneCollector()
	err := server.Run(ctx, c.Settings)
	if errors.Is(err, server.ErrSettings) {
		return usageError{err}
	}
	return err
}

// tuneCollector trades memory that a server has anyway for a tenth of its time: what a request leaves behind is small
// and short-lived, and most of the heap. GOGC and GOMEMLIMIT win over it.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(160 << 20) // beyond it the collector works as it would have
	}
}

type healthcheckCommand struct {
	output
	connection
	Endpoint string        `env:"ALERTROUTER_ENDPOINT" default:"http://127.0.0.1:8080" help:"Base URL of the control plane."`
	Timeout  time.Duration `default:"5s" help:"How long to wait for the answer."`
}

// Run asks for readiness; it needs no token.
func (c *healthcheckCommand) Run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.Endpoint, "/")+"/readyz", nil)
	if err != nil {
		return usageError{fmt.Errorf("--endpoint: %w", err)}
	}
	config, err := client.TLSConfig(c.CACert, c.ClientCert, c.ClientKey)
	if err != nil {
		return usageError{asFlag(err)}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if config != nil {
		transport.TLSClientConfig = config
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		return errors.New("not ready: it answers " + response.Status)
	}
	return c.print(s, map[string]string{"status": "ready"}, func(t *table) { t.row("ready") })
}

type versionCommand struct{ output }

// Run prints the version.
func (c versionCommand) Run(s streams) error {
	return c.print(s, map[string]string{"version": version}, func(t *table) { t.row("alertrouter " + version) })
}
