// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// engine is Terraform or OpenTofu, set up to use the plugins that were built.
type engine struct {
	path     string
	version  string
	settings string // the file that says where the plugins are
	accounts string // the file that plugins' accounts go to
}

// findEngine returns what TF_ACC_TERRAFORM_PATH names, else what is on PATH, else the one in bin/.
func findEngine(root string) (string, error) {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path, nil
	}
	for _, name := range []string{"terraform", "tofu", filepath.Join(root, "bin", "terraform")} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither terraform nor tofu is on PATH, and bin/ has none: install one of them (1.11 or later), or run `make terraform`")
}

// newEngine sets the engine up in dir, for the plugins in the directory plugins.
func newEngine(ctx context.Context, root, dir, plugins string) (*engine, error) {
	path, err := findEngine(root)
	if err != nil {
		return nil, err
	}
	e := &engine{path: path, settings: filepath.Join(dir, "terraform.rc"), accounts: filepath.Join(dir, "accounts")}
	var text strings.Builder
	text.WriteString("provider_installation {\n  dev_overrides {\n") // with these there is nothing to init
	for _, s := range subjects {
		if s.provider != "" {
			fmt.Fprintf(&text, "    \"registry.terraform.io/%[1]s\" = %[2]q\n    \"registry.opentofu.org/%[1]s\" = %[2]q\n", s.provider, plugins)
		}
	}
	text.WriteString("  }\n  direct {}\n}\n")
	if err := os.WriteFile(e.settings, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	version := exec.CommandContext(ctx, path, "version")
	version.Env = e.env()
	out, err := version.Output()
	if err != nil {
		return nil, fmt.Errorf("%s version: %w", path, err)
	}
	e.version, _, _ = strings.Cut(string(out), "\n")
	return e, nil
}

// env is the environment of all its commands.
func (e *engine) env() []string {
	return environment("CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+e.settings, accountVariable+"="+e.accounts)
}

// cost is what a command of the engine took.
type cost struct {
	wall   time.Duration
	cpu    time.Duration // processor time of the engine and its plugins
	plugin time.Duration // that of the plugins alone
	starts int           // how often a plugin was started
	memory int64         // the most that one plugin's process had resident, in bytes
}

// run runs a command of the engine. Ctrl-C interrupts it, so that it stops its plugins.
func (e *engine) run(ctx context.Context, dir string, env []string, args ...string) (cost, error) {
	if err := os.RemoveAll(e.accounts); err != nil {
		return cost{}, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, e.path, args...)
	cmd.Dir = dir
	cmd.Env = append(e.env(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s %s: %w\n%s", filepath.Base(e.path), args[0], err, last(out.Bytes(), 4000))
	}
	c := cost{wall: time.Since(began), cpu: processorTime(cmd.ProcessState)}
	return c, e.addAccounts(&c)
}

// addAccounts adds what the plugins noted.
func (e *engine) addAccounts(c *cost) error {
	raw, err := os.ReadFile(e.accounts)
	if errors.Is(err, os.ErrNotExist) { // what is built into the engine has none
		return nil
	}
	for decoder := json.NewDecoder(bytes.NewReader(raw)); err == nil && decoder.More(); {
		var a account
		err = decoder.Decode(&a)
		c.cpu -= a.StandIn
		c.plugin += a.Plugin
		c.starts++
		c.memory = max(c.memory, a.Memory)
	}
	return err
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

// last returns the end of a text.
func last(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
