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

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A proxy stands between the provider and the control plane, and takes down what is asked.
type proxy struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	answer func(http.ResponseWriter, *http.Request) bool // reports whether it answered in place of the control plane
}

func newProxy(t *testing.T, w *world) *proxy {
	t.Helper()
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{answer: func(http.ResponseWriter, *http.Request) bool { return false }}
	onward := httputil.NewSingleHostReverseProxy(to)
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, req.Method+" "+req.URL.Path)
		answer := p.answer
		p.mu.Unlock()
		if !answer(rw, req) {
			onward.ServeHTTP(rw, req)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// answerWith has answer answer in place of the control plane, for the requests of which it says so.
func (p *proxy) answerWith(answer func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// lose answers the requests with one of the methods by a page that says 404, as a proxy does that has lost its way.
func (p *proxy) lose(methods ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(rw http.ResponseWriter, req *http.Request) bool {
		lost := slices.Contains(methods, req.Method)
		if lost {
			http.Error(rw, "<html>Not Found</html>", http.StatusNotFound)
		}
		return lost
	}
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
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
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
		work.Must(t, step.args...)
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
	p.answer = func(rw http.ResponseWriter, req *http.Request) bool {
		check := req.URL.Path == "/v1/destinations/validate"
		if check {
			rw.Header().Set("Retry-After", "3600")
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		return check
	}
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
			refuse(block(`endpoint = "https://alertrouter.example.com/v1"
  token = "x"`), `(?s)endpoint\s+=.*without\s+the\s+/v1`),
			refuse(block(`token = "x\n"`), `(?s)token\s+=.*line\s+breaks.*trimspace`),
			refuse(block(`token = "x"
  request_timeout = "soon"`), `(?s)request_timeout\s+=.*duration`),
			refuse(block(`token = "x"
  max_concurrency = 0`), `(?s)max_concurrency\s+=`),
			refuse(block(fmt.Sprintf("endpoint = %q\n  token = \"not-a-token\"", w.URL)), `(?s)does not know\s+the\s+token.*401`),
			refuse(block("endpoint = \"http://127.0.0.1:1\"\n  token = \"x\"\n  request_timeout = \"1s\""), `(?s)did\s+not\s+answer.*refused`),
		},
	})
}

// TestProvider_TakesNothingForDeletedThatIsNot has something else than the control plane answer 404.
func TestProvider_TakesNothingForDeletedThatIsNot(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	w.URL = p.URL
	both := slackWith(slackURL) + override(`severity = "HIGH"`)
	elsewhere := strings.Replace(w.config(both), p.URL, p.URL+"/elsewhere", 1)
	refused := func(doing string) *regexp.Regexp {
		return regexp.MustCompile(`(?s)` + doing + `.*check\s+endpoint.*404`)
	}
	w.run(
		t,
		resource.TestStep{PreConfig: func() { p.lose(http.MethodPut) }, Config: w.config(override(`severity = "HIGH"`)), ExpectError: refused("Cannot set the override")},
		resource.TestStep{PreConfig: func() { p.lose() }, Config: w.config(both)},
		resource.TestStep{PreConfig: func() { p.lose(http.MethodGet) }, Config: w.config(slackWith(slackURL)), ExpectError: refused("Cannot read the slack destination")},
		resource.TestStep{Config: w.config(override(`severity = "HIGH"`)), ExpectError: refused("Cannot read the override")},
		resource.TestStep{PreConfig: func() { p.lose(http.MethodPut) }, Config: w.config(slack("mention = \"@here\"") + override(`severity = "LOW"`)), ExpectError: refused("Cannot update the slack destination")},
		resource.TestStep{PreConfig: func() { p.lose(http.MethodDelete) }, Config: w.config(both), Destroy: true, ExpectError: refused("Cannot delete the slack destination")},
		resource.TestStep{Config: w.config(both), Destroy: true, ExpectError: refused("Cannot remove the override")},
		resource.TestStep{PreConfig: func() { p.lose() }, Config: elsewhere, PlanOnly: true, ExpectError: refused("Cannot read")},
		resource.TestStep{
			Config: w.config(both), ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionNoop),
			Check: func(*terraform.State) error {
				w.only(t)
				_, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS/Root Login: ünï"))
				return err
			},
		},
	)
}

func TestProvider_SaysWhenAPermissionIsMissing(t *testing.T) {
	w := newWorld(t)
	viewer, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, client.TokenInput{Name: "viewer", Role: new(client.TokenInputRole("viewer"))}))
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
	config := func(again int) string {
		return fmt.Sprintf(`
resource "terraform_data" "endpoint" {
  input            = %q
  triggers_replace = %d
}
provider "alertrouter" {
  endpoint = terraform_data.endpoint.output
  token    = %q
}
`, w.URL, again, w.Token) + slackWith(slackURL) + override(`severity = "HIGH"`)
	}
	w.run(
		t,
		resource.TestStep{Config: config(1)},
		// What is there stays as it was, while the endpoint is made anew.
		resource.TestStep{Config: config(2), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction("terraform_data.endpoint", plancheck.ResourceActionReplace),
			plancheck.ExpectResourceAction(slackAddress, plancheck.ResourceActionNoop),
			plancheck.ExpectResourceAction(overrideAddress, plancheck.ResourceActionNoop),
		}}},
	)
}
