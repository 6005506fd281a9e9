// SPDX-License-Identifier: MPL-2.0

// Package enginetest runs tests on every Terraform and OpenTofu there is on the machine.
//
//	engine.go     finding them, and running a package's tests on each
//	workspace.go  a directory in which an engine runs with this provider, as a user's would
//	install.go    installing the provider for an engine that runs init
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	pathVariable = "TF_ACC_TERRAFORM_PATH" // also the test framework's
	hostVariable = "TF_ACC_PROVIDER_HOST"  // the test framework's
	onlyVariable = "ALERTROUTER_TEST_ENGINE_ONLY"
)

// Engine is one Terraform or OpenTofu.
type Engine struct {
	Path     string
	Version  string // such as "1.11.4"
	OpenTofu bool
}

// String is the engine's name and version.
func (e Engine) String() string {
	if e.OpenTofu {
		return "OpenTofu " + e.Version
	}
	return "Terraform " + e.Version
}

// ProviderHost is where the engine looks for providers that name no host.
func (e Engine) ProviderHost() string {
	if e.OpenTofu {
		return "registry.opentofu.org"
	}
	return "registry.terraform.io"
}

// IsTerraform reports whether the engine is Terraform of that minor version, such as "1.14", or later.
func (e Engine) IsTerraform(since string) bool { return !e.OpenTofu && atLeast(e.Version, since) }

// IsOpenTofu is the same of OpenTofu.
func (e Engine) IsOpenTofu(since string) bool { return e.OpenTofu && atLeast(e.Version, since) }

func atLeast(version, since string) bool {
	numbers := func(text string) (list []int) {
		for part := range strings.SplitSeq(strings.SplitN(text, "-", 2)[0], ".") {
			n, _ := strconv.Atoi(part)
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(numbers(version), numbers(since)) >= 0
}

// Find returns the engine that TF_ACC_TERRAFORM_PATH names, and those called terraform and tofu on PATH.
func Find() ([]Engine, error) {
	var paths []string
	if path := os.Getenv(pathVariable); path != "" {
		paths = append(paths, path)
	}
	if os.Getenv(onlyVariable) == "" {
		for _, name := range []string{"terraform", "tofu"} {
			if path, err := exec.LookPath(name); err == nil {
				paths = append(paths, path)
			}
		}
	}
	var engines []Engine
	seen := map[string]bool{}
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, err
		}
		if seen[real] {
			continue
		}
		seen[real] = true
		e, err := ask(path)
		if err != nil {
			return nil, err
		}
		engines = append(engines, e)
	}
	if len(engines) == 0 {
		return nil, errors.New("neither terraform nor tofu is on PATH, and " + pathVariable + " names none: install Terraform or OpenTofu, 1.11 or later")
	}
	return engines, nil
}

var versionLine = regexp.MustCompile(`(?m)^(Terraform|OpenTofu) v(\S+)`)

func ask(path string) (Engine, error) {
	cmd := exec.CommandContext(context.Background(), path, "version")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	if err != nil {
		return Engine{}, fmt.Errorf("%s version: %w", path, err)
	}
	words := versionLine.FindSubmatch(out)
	if words == nil {
		return Engine{}, fmt.Errorf("%s is neither Terraform nor OpenTofu: it says %q", path, out)
	}
	return Engine{Path: path, Version: string(words[2]), OpenTofu: string(words[1]) == "OpenTofu"}, nil
}

// current is the engine of this process, set by Main.
var current Engine

// Current is the engine that this process's tests run on.
func Current() Engine {
	if current.Path == "" {
		panic("TestMain does not call enginetest.Main")
	}
	return current
}

// Needs skips a test on an engine that does not have what is tested: Terraform has it since the one version, OpenTofu
// since the other, or not at all if that is "".
func Needs(t testing.TB, feature, terraform, openTofu string) {
	t.Helper()
	e := Current()
	if e.IsTerraform(terraform) || openTofu != "" && e.IsOpenTofu(openTofu) {
		return
	}
	t.Skipf("%s has no %s", e, feature)
}

// Main is for TestMain: it runs the package's tests on the first engine, and then, in a process of its own, on each of
// the others. It exits, and says on which engines it ran.
func Main(m *testing.M) {
	for name, value := range map[string]string{"TF_ACC": "1", "CHECKPOINT_DISABLE": "1"} {
		_ = os.Setenv(name, value)
	}
	for _, name := range []string{
		"TF_CLI_CONFIG_FILE", "ALERTROUTER_ENDPOINT", "ALERTROUTER_TOKEN",
		"ALERTROUTER_CA_CERT", "ALERTROUTER_CLIENT_CERT", "ALERTROUTER_CLIENT_KEY",
	} {
		_ = os.Unsetenv(name)
	}
	engines, err := Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The acceptance tests have nothing to run on:", err)
		os.Exit(1)
	}
	status := runHere(m, engines[0])
	for _, e := range engines[1:] {
		if !runElsewhere(e) {
			status = 1
		}
	}
	os.Exit(status)
}

func runHere(m *testing.M, e Engine) int {
	current = e
	_ = os.Setenv(pathVariable, e.Path)
	_ = os.Setenv(hostVariable, e.ProviderHost())
	fmt.Println("acceptance tests on", e)
	defer removeBuild()
	return m.Run()
}

func runElsewhere(e Engine) bool {
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool { // two processes cannot write one file
		return strings.HasPrefix(arg, "-test.testlogfile") || strings.HasPrefix(arg, "-test.coverprofile")
	})
	cmd := exec.CommandContext(context.Background(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), onlyVariable+"=1", pathVariable+"="+e.Path)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Println("acceptance tests on", e, "failed:", err)
		return false
	}
	return true
}
