// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// A situation is what can be in the way of an apply, and the words that tell a user what to do about it.
type situation struct {
	name    string
	prepare func() // between plan and apply
	words   []string
}

// TestErrors_TellWhatToDo applies one saved plan after another, each in another bad situation, and none changes anything.
func TestErrors_TellWhatToDo(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	viewer, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, client.TokenInput{Name: "viewer", Role: new(client.TokenInputRole("viewer"))}))
	if err != nil {
		t.Fatal(err)
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "mention" { default = null }
resource "alertrouter_destination_slack" "test" {
  display_name   = "SOC"
  severities     = []
  mention        = var.mention
  webhook_url_wo = "`+slackURL+`"
}
`, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	token := func(text string) func() {
		return func() { work.Env = append(work.Env, "ALERTROUTER_TOKEN="+text) }
	}
	status := func(code int) func() {
		return func() {
			p.answerWith(func(rw http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPut {
					return false
				}
				rw.Header().Set("Retry-After", "3600")
				rw.Header().Set("Content-Type", "application/problem+json")
				rw.WriteHeader(code)
				_, _ = rw.Write([]byte(`{"type": "about:blank", "title": "No", "status": 0, "request_id": "r-1"}`))
				return true
			})
		}
	}
	for _, s := range []situation{
		{"a token that is not known", token("alertrouter_nonsense"), []string{"Check token in the provider block", "ALERTROUTER_TOKEN", "401"}},
		{"a token that may only read", token(viewer.Secret), []string{"destinations:write", "Use", "403"}},
		{"too much is asked", status(http.StatusTooManyRequests), []string{"Lower max_concurrency", "429", "request r-1"}},
		{"the control plane fails", status(http.StatusInternalServerError), []string{"The control plane failed", "500", "request r-1"}},
		{"the control plane is not ready", status(http.StatusServiceUnavailable), []string{"The control plane failed", "503"}},
		{"nobody is there", func() { work.Env = append(work.Env, "ALERTROUTER_ENDPOINT=http://127.0.0.1:1") }, []string{"did not answer", "refused", "Check endpoint", "ALERTROUTER_ENDPOINT"}},
		{"somebody changed it", func() {
			w.change(t, func(input *client.DestinationInput) { input.Severities = []client.Severity{"LOW"} })
		}, []string{"changed outside Terraform", "Nothing was overwritten", "next plan shows", "412"}},
		{"somebody deleted it", func() { w.remove(t) }, []string{"deleted outside Terraform", "next plan creates it anew"}},
	} {
		environment := work.Env
		work.Must(t, "plan", "-no-color", "-out=saved", "-var=mention=@here")
		s.prepare()
		out, err := work.Run(t, "apply", "-no-color", "saved")
		words := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
		for _, want := range s.words {
			if err == nil || !strings.Contains(words, want) {
				t.Errorf("%s: %q is not said (%v):\n%s", s.name, want, err, out)
			}
		}
		work.Env = environment
		p.answerWith(func(http.ResponseWriter, *http.Request) bool { return false })
	}
}

// TestDestination_IsDestroyedWhateverBecameOfIt applies saved plans to destroy, after somebody changed one and deleted
// another: what was to go is gone.
func TestDestination_IsDestroyedWhateverBecameOfIt(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+chained("a", "")+override(`severity = "HIGH"`), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	rename := func() { w.change(t, func(input *client.DestinationInput) { input.DisplayName = "by hand" }) }
	for _, meanwhile := range []func(){rename, func() { w.remove(t) }} {
		work.Must(t, "apply", "-auto-approve")
		work.Must(t, "plan", "-destroy", "-out=saved")
		meanwhile()
		if out := work.Must(t, "apply", "-no-color", "saved"); !strings.Contains(out, "2 destroyed") {
			t.Errorf("got\n%s", out)
		}
		if list, err := client.OK(w.api.ListDestinationsWithResponse(t.Context(), nil)); err != nil || len(list.Items) != 0 {
			t.Errorf("there are still %v (%v)", list, err)
		}
	}
}

// TestSituations_SomebodyElsesJSONHarmsNoState has every reading answered by JSON that is not the control plane's.
func TestSituations_SomebodyElsesJSONHarmsNoState(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	config := enginetest.RequiredProviders + slackWith(slackURL) + override(`severity = "HIGH"`) + apiToken(withSecret("alertrouter_"+strings.Repeat("j", 43), 1))
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	p.answerWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet {
			return false
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"hello":1}`)
		return true
	})
	out, err := work.Run(t, "apply", "-no-color", "-auto-approve")
	if n := strings.Count(out, "This is not the answer of an alertrouter control plane"); err == nil || n != 3 {
		t.Errorf("got %v and %d errors, want one for each resource:\n%s", err, n, out)
	}
	p.answerWith(func(http.ResponseWriter, *http.Request) bool { return false })
	work.Must(t, "plan", "-detailed-exitcode")
}
