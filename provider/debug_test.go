// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestDebug_LetsTerraformAttach runs the provider as somebody does who debugs it.
func TestDebug_LetsTerraformAttach(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, `
terraform {
  required_providers {
    alertrouter = { source = "registry.terraform.io/alertrouter/alertrouter" }
  }
}
data "alertrouter_destinations" "all" {}
output "count" { value = length(data.alertrouter_destinations.all.destinations) }
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	plugin := exec.CommandContext(t.Context(), work.Provider, "-debug")
	plugin.Env = work.Env
	printed, err := plugin.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := plugin.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = plugin.Process.Kill(), plugin.Wait() })
	attach := regexp.MustCompile(`TF_REATTACH_PROVIDERS='(.*)'`)
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		if found := attach.FindStringSubmatch(lines.Text()); found != nil {
			work.Env = append(work.Env, "TF_REATTACH_PROVIDERS="+found[1], "TF_CLI_CONFIG_FILE=")
			if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "count = 0") {
				t.Errorf("got\n%s", out)
			}
			return
		}
	}
	t.Error("it did not say how to attach")
}
