// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestSecrets_AreNowhere has Terraform create and change a destination with every kind of secret, and then looks for
// them in everything it left behind: state, plans, their JSON, what it printed, and its log at the highest level.
func TestSecrets_AreNowhere(t *testing.T) {
	w := newWorld(t)
	const needle = "find-me-if-you-can"
	secrets := func(n string) []string {
		return []string{
			"TF_VAR_url=https://soar.example.com/" + needle + n,
			"TF_VAR_token=" + needle + n,
			"TF_VAR_header=" + needle + n,
		}
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "url" { ephemeral = true }
variable "token" { ephemeral = true }
variable "header" { ephemeral = true }

resource "alertrouter_destination_webhook" "automatic" {
  display_name      = "Automatic"
  severities        = ["HIGH"]
  secret_url_wo     = var.url
  secret_headers_wo = { X-Key = var.header }
  bearer_token_wo   = var.token
}
resource "alertrouter_destination_webhook" "manual" {
  display_name            = "Manual"
  severities              = ["HIGH"]
  secret_url_wo           = var.url
  secret_url_wo_version   = 1
  bearer_token_wo         = var.token
  bearer_token_wo_version = 1
}
`, append(secrets("-one"), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_LOG=TRACE", "TF_LOG_PATH=terraform.log")...)

	printed := ""
	for range 2 {
		printed += work.Must(t, "plan", "-no-color", "-out=plan.out")
		shown := work.Must(t, "show", "-json", "plan.out")
		work.Write(t, "plan.json", shown)
		printed += shown + work.Must(t, "apply", "-no-color", "plan.out")
		work.Write(t, "state.json", work.Must(t, "show", "-json"))
		work.Env = append(work.Env, secrets("-two")...) // the second round changes them
	}
	if !strings.Contains(printed, "1 changed") {
		t.Errorf("the second round changed nothing, or more than the destination in automatic mode:\n%s", printed)
	}
	if strings.Contains(printed, needle) {
		t.Errorf("a secret was printed:\n%s", printed)
	}
	wantNowhere(t, work.Dir, needle, w.Token)
	log, err := os.ReadFile(filepath.Join(work.Dir, "terraform.log"))
	if err != nil || !strings.Contains(string(log), "request answered") {
		t.Errorf("the log has nothing of the provider's requests (%v)", err)
	}
}

// wantNowhere looks for secrets in every file of a directory, and in the members of what is an archive, as plans are.
func wantNowhere(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	looked := 0
	look := func(name string, text []byte) {
		looked++
		for _, word := range secrets {
			if at := strings.Index(string(text), word); at >= 0 {
				t.Errorf("%s has a secret: …%s…", name, text[max(0, at-300):min(len(text), at+100)])
			}
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		look(filepath.Base(path), text)
		archive, notOne := zip.NewReader(bytes.NewReader(text), int64(len(text)))
		if err != nil || notOne != nil {
			return err
		}
		for _, member := range archive.File {
			text, err := fs.ReadFile(archive, member.Name)
			if err != nil {
				return err
			}
			look(filepath.Base(path)+"/"+member.Name, text)
		}
		return nil
	})
	if err != nil || looked < 8 {
		t.Errorf("looked into %d files and members (%v)", looked, err)
	}
}

// TestProviderExample_Works runs the provider block of the documentation with the released binary's address.
func TestProviderExample_Works(t *testing.T) {
	w := newWorld(t)
	example, err := os.ReadFile("../examples/provider/provider.tf")
	if err != nil {
		t.Fatal(err)
	}
	work := enginetest.NewWorkspace(t, string(example)+`
data "alertrouter_destinations" "all" {}
output "count" { value = length(data.alertrouter_destinations.all.destinations) }
`, "TF_VAR_endpoint="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "count = 0") {
		t.Errorf("got\n%s", out)
	}
}
