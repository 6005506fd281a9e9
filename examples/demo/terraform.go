// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed demo_override.tf
var override []byte

// findTerraform returns the Terraform or OpenTofu to use: what TF_ACC_TERRAFORM_PATH names, else what is on PATH, else
// bin/terraform of the repository, where `make terraform` puts one.
func findTerraform(root string) (string, error) {
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

// terraform is a copy of examples/quickstart with what it needs to be run.
type terraform struct {
	path    string
	dir     string
	secrets []string          // must not be in the state
	vars    map[string]string // the environment variables it adds
}

// newTerraform prepares a directory for the provider in bin, the control plane and the receiver.
func newTerraform(root, bin, dir string, p *controlPlane, r *receiver) (*terraform, error) {
	path, err := findTerraform(root)
	if err != nil {
		return nil, err
	}
	t := &terraform{path: path, dir: filepath.Join(dir, "quickstart"), secrets: []string{r.slackURL, r.routingKey, p.token}}
	settings := filepath.Join(dir, "terraform.rc")
	t.vars = map[string]string{
		"CHECKPOINT_DISABLE":           "1",
		"TF_CLI_CONFIG_FILE":           settings,
		"TF_VAR_soar_url":              r.soarURL,
		"TF_VAR_slack_webhook_url":     r.slackURL,
		"TF_VAR_pagerduty_routing_key": r.routingKey,
		"TF_VAR_pagerduty_api_url":     r.pagerdutyURL,
		"ALERTROUTER_ENDPOINT":         p.url,
		"ALERTROUTER_TOKEN":            p.token,
	}
	// With dev_overrides there is nothing to init. OpenTofu knows the provider under a host of its own.
	text := fmt.Sprintf(`provider_installation {
  dev_overrides {
    "registry.terraform.io/alertrouter/alertrouter" = %[1]q
    "registry.opentofu.org/alertrouter/alertrouter" = %[1]q
  }
  direct {}
}
`, bin)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return t, t.copyQuickstart(filepath.Join(root, "examples", "quickstart"))
}

// copyQuickstart copies the configuration and lays the override over it.
func (t *terraform) copyQuickstart(from string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.tf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("there is no configuration in %s", from)
	}
	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(t.dir, filepath.Base(file)), text, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(t.dir, "demo_override.tf"), override, 0o600)
}

// run runs one Terraform command and returns what it prints. Ctrl-C interrupts it, so that it stops its plugins.
func (t *terraform) run(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = t.dir
	cmd.Env = environment(t.assignments()...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(t.path), args[0], err, &out, &errs)
	}
	return out.String(), nil
}

// assignments returns the environment variables as NAME=value, sorted.
func (t *terraform) assignments() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(t.vars)) {
		list = append(list, name+"="+t.vars[name])
	}
	return list
}

func (t *terraform) apply(ctx context.Context) error {
	_, err := t.run(ctx, "apply", "-auto-approve", "-input=false", "-no-color")
	return err
}

func (t *terraform) destroy(ctx context.Context) error {
	_, err := t.run(ctx, "destroy", "-auto-approve", "-input=false", "-no-color")
	return err
}

// plan returns "" when nothing would change, else the plan.
func (t *terraform) plan(ctx context.Context) (changes string, err error) {
	out, err := t.run(ctx, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return out, nil
	}
	return "", err
}

// outputs are the outputs of examples/quickstart.
type outputs struct {
	DestinationIDs struct{ Value map[string]string } `json:"destination_ids"`
	TestAlert      struct {
		Value struct {
			Delivered  bool    `json:"delivered"`
			HTTPStatus int     `json:"http_status"`
			Error      *string `json:"error"`
		}
	} `json:"test_alert"`
}

func (t *terraform) outputs(ctx context.Context) (outputs, error) {
	var o outputs
	out, err := t.run(ctx, "output", "-json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &o)
	}
	return o, err
}

// leaks counts the secrets that the state holds.
func (t *terraform) leaks() (int, error) {
	state, err := os.ReadFile(filepath.Join(t.dir, "terraform.tfstate"))
	n := 0
	for _, s := range t.secrets {
		if strings.Contains(string(state), s) {
			n++
		}
	}
	return n, err
}
