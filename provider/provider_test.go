// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A proxy stands between the provider and the control plane, and takes down what is asked.
type proxy struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	refuse func(*http.Request) bool // answers 503 in place of the control plane
}

func newProxy(t *testing.T, w *world) *proxy {
	t.Helper()
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{refuse: func(*http.Request) bool { return false }}
	onward := httputil.NewSingleHostReverseProxy(to)
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, req.Method+" "+req.URL.Path)
		p.mu.Unlock()
		if p.refuse(req) {
			rw.Header().Set("Retry-After", "3600")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		onward.ServeHTTP(rw, req)
	}))
	t.Cleanup(p.Close)
	return p
}

// requests returns what was asked since the last call.
func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

func TestProvider_AsksNoMoreThanItMust(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := newWorkspace(t, requiredProviders+`
variable "mention" { default = null }
resource "alertrouter_destination_slack" "test" {
  display_name   = "SOC"
  severities     = ["HIGH"]
  mention        = var.mention
  webhook_url_wo = "`+slackURL+`"
}
`, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)

	steps := []struct {
		args []string
		want []string
	}{
		{[]string{"plan"}, []string{"POST /v1/destinations/validate"}},
		{[]string{"apply", "-auto-approve"}, []string{"POST /v1/destinations/validate", "POST /v1/destinations"}},
		{[]string{"plan", "-detailed-exitcode"}, []string{"GET /v1/destinations/ID"}},
		{[]string{"apply", "-auto-approve", "-var=mention=<!here>"}, []string{"GET /v1/destinations/ID", "POST /v1/destinations/validate", "PUT /v1/destinations/ID"}},
		{[]string{"destroy", "-auto-approve", "-refresh=false"}, []string{"DELETE /v1/destinations/ID"}},
	}
	id := "none"
	for _, step := range steps {
		work.must(t, step.args...)
		got := p.requests()
		if list, err := client.OK(w.api.ListDestinationsWithResponse(t.Context(), nil)); err == nil && len(list.Items) == 1 {
			id = list.Items[0].ID
		}
		for i := range got {
			got[i] = strings.Replace(got[i], id, "ID", 1)
		}
		// Terraform plans every change again while it applies, so that it is checked twice.
		if got = slices.Compact(got); !slices.Equal(got, step.want) {
			t.Errorf("%v asked %v, want %v", step.args, got, step.want)
		}
	}
}

func TestProvider_PlansWithoutTheServersCheck(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	p.refuse = func(req *http.Request) bool { return req.URL.Path == "/v1/destinations/validate" }
	w.URL = p.URL
	w.run(t, resource.TestStep{Config: w.config(slackWith(slackURL))})
	if !slices.Contains(p.requests(), "POST /v1/destinations/validate") {
		t.Error("the check was not even tried")
	}
}

func TestProvider_SaysWhatIsWrongWithItsConfiguration(t *testing.T) {
	w := newWorld(t)
	const use = "\ndata \"alertrouter_destinations\" \"all\" {}\n"
	block := func(text string) string { return "provider \"alertrouter\" {\n" + text + "\n}\n" + use }
	refuse := func(config, want string) resource.TestStep {
		return resource.TestStep{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(want)}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			refuse(use, `(?s)API token is missing.*ALERTROUTER_TOKEN`),
			refuse(block(`endpoint = "control-plane:8080"
  token = "x"`), `(?s)endpoint\s+=.*must be a URL`),
			refuse(block(`token = "x"
  request_timeout = "soon"`), `(?s)request_timeout\s+=.*duration`),
			refuse(block(`token = "x"
  max_concurrency = 0`), `(?s)max_concurrency\s+=`),
			refuse(block(fmt.Sprintf("endpoint = %q\n  token = \"not-a-token\"", w.URL)), `(?s)does not know\s+the\s+token.*401`),
			refuse(block("endpoint = \"http://127.0.0.1:1\"\n  token = \"x\"\n  request_timeout = \"1s\""), `(?s)did\s+not\s+answer.*refused`),
		},
	})
}

func TestProvider_SaysWhenAPermissionIsMissing(t *testing.T) {
	w := newWorld(t)
	viewer, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), client.TokenInput{Name: "viewer", Role: new(client.TokenInputRole("viewer"))}))
	if err != nil {
		t.Fatal(err)
	}
	w.Token = viewer.Secret
	w.run(t, resource.TestStep{
		Config:      w.config(slackWith(slackURL)),
		ExpectError: regexp.MustCompile(`(?s)lacks\s+a\s+permission.*403`),
	})
}

// TestProvider_MayNotBeConfiguredBeforeApply has the endpoint come from something that is made in the same apply.
func TestProvider_MayNotBeConfiguredBeforeApply(t *testing.T) {
	w := newWorld(t)
	w.run(t, resource.TestStep{
		Config: fmt.Sprintf(`
resource "terraform_data" "endpoint" {
  input = %q
}
provider "alertrouter" {
  endpoint = terraform_data.endpoint.output
  token    = %q
}
`, w.URL, w.Token) + slackWith(slackURL),
	})
}
