// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// brief is an ephemeral token, and a provider block that uses it for one destination.
const brief = `
variable "endpoint" { type = string }
ephemeral "alertrouter_api_token" "brief" {
  name        = "brief"
  permissions = ["destinations:read", "destinations:write"]
  ttl         = "10m"
}
provider "alertrouter" {
  alias    = "brief"
  endpoint = var.endpoint
  token    = ephemeral.alertrouter_api_token.brief.secret
}
resource "alertrouter_destination_webhook" "test" {
  provider     = alertrouter.brief
  display_name = "SOAR"
  severities   = ["HIGH"]
  url          = "https://soar.example.com/hooks/alerts"
}
`

// bearers has a proxy take down the tokens that requests to destinations bear.
func bearers(p *proxy) func() []string {
	var mu sync.Mutex
	seen := map[string]bool{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); ok && strings.HasPrefix(req.URL.Path, "/v1/destinations") {
			seen[token] = true
		}
		return false
	}
	return func() (tokens []string) {
		mu.Lock()
		defer mu.Unlock()
		for token := range seen {
			tokens = append(tokens, token)
		}
		return tokens
	}
}

// TestAPITokens_AreNowhere applies with an ephemeral token, and makes and replaces one with a secret of its own, and looks
// for all of them in everything that is left behind. No ephemeral token outlives its run.
func TestAPITokens_AreNowhere(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	used := bearers(p)
	const needle = "find-me-if-you-can-find-me-if-you-can-find-me"
	secret := func(n string) []string {
		return []string{"TF_VAR_secret=alertrouter_" + needle + n, "TF_VAR_secret_version=" + n}
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+brief+`
variable "secret" { ephemeral = true }
variable "secret_version" { type = number }
resource "alertrouter_api_token" "engine" {
  name              = "engine"
  role              = "engine"
  secret_wo         = var.secret
  secret_wo_version = var.secret_version
  lifecycle { create_before_destroy = true }
}
`, append(secret("1"), "TF_VAR_endpoint="+p.URL, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_LOG=TRACE", "TF_LOG_PATH=terraform.log")...)

	printed := ""
	for _, want := range []string{"2 added, 0 changed, 0 destroyed", "1 added, 0 changed, 1 destroyed"} {
		printed += work.Must(t, "plan", "-no-color", "-out=plan.out")
		shown := work.Must(t, "show", "-json", "plan.out")
		work.Write(t, "plan.json", shown)
		out := work.Must(t, "apply", "-no-color", "plan.out")
		if !strings.Contains(out, want) {
			t.Errorf("want %s\n%s", want, out)
		}
		printed += shown + out
		work.Write(t, "state.json", work.Must(t, "show", "-json"))
		if left := w.tokens(t); len(left) != 1 || left[0].Name != "engine" {
			t.Errorf("after the run there are the tokens %v, want only the engine's", left)
		}
		work.Env = append(work.Env, secret("2")...)
	}
	work.Write(t, "printed", printed)
	tokens := used()
	if len(tokens) < 3 { // one for each run but the last, which has nothing to do with the destination
		t.Fatalf("%d ephemeral tokens were used", len(tokens))
	}
	for _, token := range tokens {
		if status := w.answers(t, token); status != http.StatusUnauthorized || token == w.Token {
			t.Errorf("a token that was used for a destination is answered %d, want a brief one that is revoked", status)
		}
	}
	wantNowhere(t, work.Dir, append(tokens, needle, w.Token)...)
	log, err := os.ReadFile(filepath.Join(work.Dir, "terraform.log"))
	if err != nil || !strings.Contains(string(log), "path=/v1/tokens") {
		t.Errorf("the log has nothing of the requests for tokens (%v)", err)
	}
}

func TestEphemeralAPIToken_MayBeGoneWhenItIsRevoked(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	p.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete && strings.HasPrefix(req.URL.Path, "/v1/tokens/") {
			w.revokeAll(t)
		}
		return false
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+brief, "TF_VAR_endpoint="+w.URL, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
}

// TestEphemeralAPIToken_DoesNotOutliveAnInterruptedRun interrupts Terraform, which then closes nothing, in the middle.
func TestEphemeralAPIToken_DoesNotOutliveAnInterruptedRun(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+brief, "TF_VAR_endpoint="+p.URL, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	running, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	cmd := exec.CommandContext(running, enginetest.Current().Path, "apply", "-auto-approve", "-no-color")
	cmd.Dir, cmd.Env = work.Dir, work.Env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var during []client.Token
	p.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		create := req.Method == http.MethodPost && req.URL.Path == "/v1/destinations"
		if create {
			_, _ = io.Copy(io.Discard, req.Body) // else the end of the request is not noticed
			during = w.tokens(t)
			interrupt()
			<-req.Context().Done()
		}
		return create
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Interrupt received") {
		t.Fatalf("the run was not interrupted: %v\n%s", err, out)
	}
	if left := w.tokens(t); len(during) != 1 || len(left) != 0 {
		t.Errorf("there were the tokens %v, and are left %v\n%s", during, left, out)
	}
}

func TestEphemeralAPIToken_SaysWhenItIsNotRevoked(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	p.lose(http.MethodDelete)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+brief, "TF_VAR_endpoint="+w.URL, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	if out, err := work.Run(t, "apply", "-auto-approve", "-no-color"); err == nil || !strings.Contains(out, "Cannot revoke the token") {
		t.Errorf("got %v\n%s", err, out)
	}
	if left := w.tokens(t); len(left) == 0 || left[0].ExpiresAt == nil {
		t.Errorf("there are the tokens %v, want those that were not revoked, with an end", left)
	}
}

func TestEphemeralAPIToken_RefusesWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	refuse := func(more string, want *regexp.Regexp) resource.TestStep {
		return resource.TestStep{Config: w.config("ephemeral \"alertrouter_api_token\" \"test\" {\n  name = \"brief\"\n" + more + "\n}\n"), PlanOnly: true, ExpectError: want}
	}
	rights := regexp.MustCompile(`(?s)Exactly\s+one\s+of\s+these\s+attributes.*role,\s*permissions`)
	w.run(
		t,
		refuse("", rights),
		refuse("role = \"viewer\"\npermissions = [\"alerts:read\"]", rights),
		refuse("role = \"chief\"", onAttribute("role", "operator")),
		refuse("permissions = [\"alerts:eat\"]", onAttribute("permissions", "alerts:write")),
		refuse("role = \"viewer\"\nttl = \"59s\"", onAttribute("ttl", "1m\\s+to\\s+24h")),
		refuse("role = \"viewer\"\nttl = \"24h1s\"", onAttribute("ttl", "1m\\s+to\\s+24h")),
		refuse("role = \"viewer\"\nttl = \"long\"", onAttribute("ttl", "1m\\s+to\\s+24h")),
	)
}

// TestEphemeralAPIToken_HasItsTime looks at the token while a run has it, with and without a ttl.
func TestEphemeralAPIToken_HasItsTime(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	lives := map[string]int{}
	p.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete {
			for _, token := range w.tokens(t) {
				lives[token.Name] = int(token.ExpiresAt.Sub(token.CreatedAt).Round(5e9).Minutes())
			}
		}
		return false
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
ephemeral "alertrouter_api_token" "default" {
  name = "default"
  role = "viewer"
}
ephemeral "alertrouter_api_token" "short" {
  name = "short"
  role = "viewer"
  ttl  = "90m"
  lifecycle {
    postcondition {
      condition     = self.id != "" && startswith(self.secret, "alertrouter_") && timecmp(self.expires_at, timeadd(plantimestamp(), "80m")) > 0
      error_message = "The token is not what was asked for."
    }
  }
}
`, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "plan")
	if lives["default"] != 60 || lives["short"] != 90 {
		t.Errorf("the tokens live for %v minutes, want 60 and 90", lives)
	}
}

// TestEphemeralAPIToken_NeedsAProvider has the endpoint come from something that is made in the same apply.
func TestEphemeralAPIToken_NeedsAProvider(t *testing.T) {
	w := newWorld(t)
	w.run(t, resource.TestStep{
		Config: fmt.Sprintf(`
resource "terraform_data" "endpoint" { input = %q }
provider "alertrouter" {
  endpoint = terraform_data.endpoint.output
  token    = %q
}
ephemeral "alertrouter_api_token" "test" {
  name = "brief"
  role = "viewer"
}
`, w.URL, w.Token),
		ExpectError: regexp.MustCompile(`(?s)not\s+configured\s+yet.*known\s+value`),
	})
	if left := w.tokens(t); len(left) != 0 {
		t.Errorf("there are the tokens %v", left)
	}
}
