// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// TestMain makes the acceptance tests run with a plain go test: real Terraform, against a real control plane.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"TF_ACC": "1", "CHECKPOINT_DISABLE": "1"} {
		_ = os.Setenv(name, value)
	}
	for _, name := range []string{"TF_CLI_CONFIG_FILE", "ALERTROUTER_ENDPOINT", "ALERTROUTER_TOKEN"} {
		_ = os.Unsetenv(name)
	}
	path, err := terraformPath()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The acceptance tests need Terraform or OpenTofu, 1.11 or later, on PATH or named by TF_ACC_TERRAFORM_PATH:", err)
		os.Exit(1)
	}
	if isOpenTofu(path) {
		_ = os.Setenv("TF_ACC_TERRAFORM_PATH", path)
		_ = os.Setenv("TF_ACC_PROVIDER_HOST", cmp.Or(os.Getenv("TF_ACC_PROVIDER_HOST"), "registry.opentofu.org"))
	}
	os.Exit(m.Run())
}

func terraformPath() (string, error) {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("terraform"); err == nil {
		return path, nil
	}
	return exec.LookPath("tofu")
}

// isOpenTofu reports whether that is what runs here; it looks for providers at another host.
func isOpenTofu(path string) bool { return strings.HasPrefix(filepath.Base(path), "tofu") }

// A world is a control plane with a provider that talks to it.
type world struct {
	*servertest.Server
	api *client.ClientWithResponses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	s := servertest.Start(t)
	api, err := client.New(s.URL, s.Token)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Server: s, api: api}
}

// config puts the provider block before a configuration.
func (w *world) config(text string) string {
	return fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = %q\n  token = %q\n}\n", w.URL, w.Token) + text
}

// run applies the steps in order. After each the framework plans twice more, with and without refresh, and both plans
// must be empty.
func (w *world) run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: steps})
}

func factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"alertrouter": providerserver.NewProtocol6WithError(provider.New("test")()),
	}
}

// only returns the one destination there is.
func (w *world) only(t *testing.T) client.Destination {
	t.Helper()
	list, err := client.OK(w.api.ListDestinationsWithResponse(t.Context(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 {
		t.Fatalf("there are %d destinations, want 1", len(list.Items))
	}
	return list.Items[0]
}

// change edits the one destination there is, behind Terraform's back.
func (w *world) change(t *testing.T, edit func(*client.DestinationInput)) {
	t.Helper()
	d := w.only(t)
	input := client.DestinationInput{
		DisplayName: d.DisplayName, Enabled: &d.Enabled, Severities: d.Severities,
		AllowManualDispatch: &d.AllowManualDispatch, Fallback: d.Fallback, FallbackAfterSeconds: d.FallbackAfterSeconds, MaxAgeSeconds: d.MaxAgeSeconds, MaxConcurrency: d.MaxConcurrency,
		RateLimitPerSecond: d.RateLimitPerSecond, Config: d.Config,
	}
	if len(d.AlertTypes) > 0 {
		input.AlertTypes = &d.AlertTypes
	}
	if len(d.LogTypes) > 0 {
		input.LogTypes = &d.LogTypes
	}
	edit(&input)
	if _, err := client.OK(w.api.UpdateDestinationWithResponse(t.Context(), d.ID, nil, input)); err != nil {
		t.Fatal(err)
	}
}

// remove deletes the one destination there is, behind Terraform's back.
func (w *world) remove(t *testing.T) {
	t.Helper()
	if err := client.NoContent(w.api.DeleteDestinationWithResponse(t.Context(), w.only(t).ID, nil)); err != nil {
		t.Fatal(err)
	}
}

// A receiver counts the alerts it is sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	silent chan struct{} // if set, no answer is sent until it is closed
	got    []*http.Request
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if r.silent != nil {
			<-r.silent
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, req)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// planned checks what a step plans to do with a resource before it is applied.
func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// betweenPlanAndApply runs something at the moment when a plan is made and not applied yet.
type betweenPlanAndApply func()

func (f betweenPlanAndApply) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	f()
}

// onAttribute matches an error that Terraform shows on an attribute's line, with words of the error after it.
func onAttribute(attribute, words string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)` + attribute + `\s+=.*` + words)
}
