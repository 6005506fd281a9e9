// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Install lets the workspace install the provider with init, as from a registry, in place of the overrides for which
// there is no init. It is there in one version only.
func (w *Workspace) Install(t testing.TB, version string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	mirror := t.TempDir()
	target := filepath.Join(mirror, Current().ProviderHost(), "alertrouter/alertrouter", version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(bin, binary), filepath.Join(target, binary+"_v"+version)); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(mirror, "terraform.rc")
	write(t, settings, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	w.Env = append(w.Env, "TF_CLI_CONFIG_FILE="+settings)
}
