// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// TestMain makes the acceptance tests run with a plain go test: every real engine there is, against a real control plane.
func TestMain(m *testing.M) { enginetest.Main(m) }

// A world is a control plane with a provider that talks to it.
type world struct {
	*servertest.Server
	api *client.ClientWithResponses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return anotherWorld(t)
}

// anotherWorld is for tests that have a world already.
func anotherWorld(t *testing.T) *world {
	t.Helper()
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
