// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// fence is a block of code. Its language says what is done with it:
//
//	terraform  part of the page's configuration: all of a page's parts together are valid
//	hcl        a fragment, of which only the syntax and the format are checked: for what needs another provider, a newer
//	           engine, or is no configuration
//	others     for people
var fence = regexp.MustCompile("(?ms)^```(\\S*)\n(.*?)^```$")

// guidePages are the pages of the provider that hold configurations to read.
func guidePages(t *testing.T) map[string]string {
	t.Helper()
	found := pages(t)
	for path := range found {
		if path != "../docs/index.md" && filepath.Dir(path) != "../docs/guides" {
			delete(found, path)
		}
	}
	if len(found) < 7 {
		t.Fatalf("found %d pages; there are more", len(found))
	}
	return found
}

// blocks returns a page's blocks of a language.
func blocks(page, language string) []string {
	var found []string
	for _, match := range fence.FindAllStringSubmatch(page, -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

// configuration is the one that the parts on a page make.
func configuration(page string) string {
	text := strings.Join(blocks(page, "terraform"), "\n")
	if !strings.Contains(text, "required_providers") {
		text += enginetest.RequiredProviders
	}
	return text
}

// withoutConfiguration are the pages that show commands only.
var withoutConfiguration = []string{"ci.md", "failures.md"}

func TestGuides_AreValid(t *testing.T) {
	t.Parallel()
	for path, page := range guidePages(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			for _, match := range fence.FindAllStringSubmatch(page, -1) {
				if !slices.Contains([]string{"terraform", "hcl", "shell", "text"}, match[1]) {
					t.Errorf("the language %q is none that these tests know:\n%s", match[1], match[2])
				}
			}
			w := enginetest.NewWorkspace(t, "")
			all := append(blocks(page, "terraform"), blocks(page, "hcl")...)
			if len(all) == 0 && !slices.Contains(withoutConfiguration, filepath.Base(path)) {
				t.Error("the page shows no configuration")
			}
			for i, block := range all {
				if strings.HasPrefix(block, "provider_installation {") {
					continue // it is of the engine's own settings, whose syntax is older
				}
				w.Write(t, fmt.Sprintf("block-%d.tf", i), block)
			}
			if out, err := w.Run(t, "fmt", "-check", "-diff"); err != nil {
				t.Errorf("a block has a mistake, or another format: %v\n%s", err, out)
			}
			valid := enginetest.NewWorkspace(t, configuration(page))
			valid.Must(t, "validate")
		})
	}
}

// TestGuides_GettingStartedDelivers does what the guide says, but for the terminals.
func TestGuides_GettingStartedDelivers(t *testing.T) {
	t.Parallel()
	var delivered atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { delivered.Add(1) }))
	defer receiver.Close()
	w := newWorld(t)
	token := w.token(t, "destinations:read", "destinations:write", "overrides:read", "overrides:write")
	w.Env = append(w.Env, "ALERTROUTER_TOKEN="+token, "TF_VAR_url="+receiver.URL)
	w.Write(t, "main.tf", configuration(guidePages(t)["../docs/guides/getting-started.md"]))
	wants(t, w.apply(t), "Apply complete! Resources: 1 added, 0 changed, 0 destroyed. Outputs: delivered = true")
	if delivered.Load() != 1 {
		t.Errorf("%d alerts arrived, want the one test alert", delivered.Load())
	}
	w.Must(t, "destroy", "-auto-approve")
}

// TestGuides_TheTestPasses runs the test file on the page about testing with the configuration it is for.
func TestGuides_TheTestPasses(t *testing.T) {
	t.Parallel()
	page := guidePages(t)["../docs/guides/testing.md"]
	at := slices.IndexFunc(blocks(page, "hcl"), func(block string) bool { return strings.HasPrefix(block, "mock_provider") })
	if at < 0 {
		t.Fatal("the page has no test file")
	}
	w := enginetest.NewWorkspace(t, enginetest.RequiredProviders+blocks(page, "terraform")[0])
	w.Write(t, "tests/routing.tftest.hcl", blocks(page, "hcl")[at])
	wants(t, w.Must(t, "test", "-no-color"), "1 passed, 0 failed")
}
