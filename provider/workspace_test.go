// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// requiredProviders is what a configuration outside the test framework begins with.
const requiredProviders = `
terraform {
  required_providers {
    alertrouter = { source = "alertrouter/alertrouter" }
  }
}
`

// A workspace is a directory in which the real binaries of Terraform and of this provider run, as a user's would.
type workspace struct {
	dir string
	env []string
}

func newWorkspace(t *testing.T, config string, env ...string) *workspace {
	t.Helper()
	path, err := terraformPath()
	if err != nil {
		t.Fatal(err)
	}
	address := "alertrouter/alertrouter"
	if isOpenTofu(path) {
		address = "registry.opentofu.org/" + address
	}
	bin, dir := t.TempDir(), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "terraform-provider-alertrouter"), "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v\n%s", err, out)
	}
	rc := "provider_installation {\n  dev_overrides { \"" + address + "\" = \"" + bin + "\" }\n  direct {}\n}\n"
	write(t, filepath.Join(bin, "terraformrc"), rc)
	write(t, filepath.Join(dir, "main.tf"), config)
	env = append(os.Environ(), append(env, "TF_CLI_CONFIG_FILE="+filepath.Join(bin, "terraformrc"), "TF_IN_AUTOMATION=1")...)
	return &workspace{dir: dir, env: env}
}

// terraform runs a command and returns what it printed.
func (w *workspace) terraform(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, _ := terraformPath()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is terraform that may not fail.
func (w *workspace) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.terraform(t, args...)
	if err != nil {
		t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
