// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// RequiredProviders is what a configuration outside the test framework begins with.
const RequiredProviders = `
terraform {
  required_providers {
    alertrouter = { source = "alertrouter/alertrouter" }
  }
}
`

// A Workspace is a directory in which the real binaries of the current engine and of this provider run, as a user's
// would. With dev_overrides nothing has to be installed, so there is no init.
type Workspace struct {
	Dir      string
	Env      []string // what is appended to it holds from the next command on
	Provider string   // the path of the provider's binary
}

// NewWorkspace makes one with the configuration, if any, as main.tf, and these environment variables beside the process's
// own.
func NewWorkspace(t testing.TB, config string, env ...string) *Workspace {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	w := &Workspace{Dir: t.TempDir(), Provider: filepath.Join(bin, binary)}
	settings := filepath.Join(t.TempDir(), "terraform.rc")
	overrides := fmt.Sprintf("%q = %q", Current().ProviderHost()+"/alertrouter/alertrouter", bin)
	write(t, settings, "provider_installation {\n  dev_overrides { "+overrides+" }\n  direct {}\n}\n")
	w.Env = append(append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "TF_IN_AUTOMATION=1"), env...)
	if config != "" {
		w.Write(t, "main.tf", config)
	}
	return w
}

// Write puts a file into the directory; the name may have directories of its own.
func (w *Workspace) Write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
}

// Copy puts what is in another directory into this one.
func (w *Workspace) Copy(t testing.TB, from string) {
	t.Helper()
	if err := os.CopyFS(w.Dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// Run runs a command of the engine and returns what it printed.
func (w *Workspace) Run(t testing.TB, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Current().Path, args...)
	cmd.Dir, cmd.Env = w.Dir, w.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Must is Run that may not fail.
func (w *Workspace) Must(t testing.TB, args ...string) string {
	t.Helper()
	out, err := w.Run(t, args...)
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", Current(), strings.Join(args, " "), err, out)
	}
	return out
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const binary = "terraform-provider-alertrouter"

// build builds the provider once and returns the directory it is in, which Main removes.
var build = sync.OnceValues(func() (string, error) {
	bin, err := os.MkdirTemp("", "alertrouter-provider-")
	if err != nil {
		return "", err
	}
	built = bin
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(bin, binary), "github.com/alertrouter/terraform-provider-alertrouter")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	return bin, nil
})

// built is the directory to remove; empty if nothing was built.
var built string

func removeBuild() {
	if built != "" {
		_ = os.RemoveAll(built)
	}
}
