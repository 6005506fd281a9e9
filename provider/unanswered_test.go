// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A loss is what becomes of a write on its way.
type loss func(onward http.Handler, rw http.ResponseWriter, req *http.Request)

// done has the control plane act, and returns what it answered.
func done(onward http.Handler, req *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	onward.ServeHTTP(answer, req)
	return answer
}

var (
	// dropped hangs up after the control plane has acted.
	dropped loss = func(onward http.Handler, _ http.ResponseWriter, req *http.Request) {
		done(onward, req)
		panic(http.ErrAbortHandler)
	}
	// cut hangs up in the middle of the answer.
	cut loss = func(onward http.Handler, rw http.ResponseWriter, req *http.Request) {
		answer := done(onward, req)
		rw.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		rw.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	// gateway gives up waiting, though the control plane has acted.
	gateway loss = func(onward http.Handler, rw http.ResponseWriter, req *http.Request) {
		done(onward, req)
		http.Error(rw, "<html>Gateway Timeout</html>", http.StatusGatewayTimeout)
	}
	// silence never answers, though the control plane has acted.
	silence loss = func(onward http.Handler, _ http.ResponseWriter, req *http.Request) {
		done(onward, req.Clone(req.Context()))
		<-req.Context().Done()
	}
	// swallowed hangs up before the control plane has heard of it.
	swallowed loss = func(http.Handler, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
)

// loses applies losses to the writes of each thing that pass, one after the other, and the last of them to all that follow
// if forever is set; else these pass.
func (p *proxy) loses(t *testing.T, w *world, forever bool, losses ...loss) {
	t.Helper()
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(to)
	left := map[string][]loss{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(rw http.ResponseWriter, req *http.Request) bool {
		create := req.Method == http.MethodPost && (req.URL.Path == "/v1/destinations" || req.URL.Path == "/v1/tokens")
		if req.Method != http.MethodPut && !create {
			return false
		}
		p.mu.Lock()
		queue, ok := left[req.URL.Path]
		if !ok {
			queue = losses
		}
		var next loss
		if len(queue) > 0 {
			next = queue[0]
			if len(queue) > 1 || !forever {
				queue = queue[1:]
			}
		}
		left[req.URL.Path] = queue
		p.mu.Unlock()
		if next == nil {
			return false
		}
		next(onward, rw, req)
		return true
	}
}

// through is the configuration of a provider that goes through a proxy, and gives a call up after a timeout.
func (p *proxy) through(w *world, timeout, text string) string {
	return fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = %q\n  token = %q\n  request_timeout = %q\n}\n", p.URL, w.Token, timeout) + text
}

const impatient = "4s"

// one checks that there is one destination and one override, of a revision.
func (w *world) one(t *testing.T, revision int64) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		if d := w.only(t); d.Revision != revision {
			return fmt.Errorf("the revision of the destination is %d, want %d", d.Revision, revision)
		}
		o, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS/Root Login: ünï"))
		if err == nil && o.Revision != revision {
			err = fmt.Errorf("the revision of the override is %d, want %d", o.Revision, revision)
		}
		return err
	}
}

func TestUnanswered_ALostAnswerMakesNoTwinAndNoConflict(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	lose := func() { p.loses(t, w, false, dropped, cut, gateway, swallowed) }
	both := func(more, severity string) string {
		return p.through(w, "1m", slack(fmt.Sprintf("webhook_url_wo = %q\n%s", slackURL, more))+override(`severity = "`+severity+`"`))
	}
	w.run(
		t,
		resource.TestStep{PreConfig: lose, Config: both("", "HIGH"), Check: w.one(t, 1)},
		resource.TestStep{PreConfig: lose, Config: both(`mention = "<!here>"`, "LOW"), Check: w.one(t, 2)},
	)
}

func TestUnanswered_ACreationIsNeverAnOrphan(t *testing.T) {
	mayBe := regexp.MustCompile(`(?s)may\s+have\s+been\s+created.*tainted`)
	for name, c := range map[string]struct {
		lose loss
		want plancheck.ResourceActionType // of the next plan
	}{
		"it was made":             {dropped, plancheck.ResourceActionDestroyBeforeCreate},
		"it was made, in silence": {silence, plancheck.ResourceActionDestroyBeforeCreate},
		"it was not made":         {swallowed, plancheck.ResourceActionCreate},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := newProxy(t, w)
			both := p.through(w, impatient, slackWith(slackURL)+override(`severity = "HIGH"`))
			next := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(slackAddress, c.want), plancheck.ExpectResourceAction(overrideAddress, c.want),
			}}
			w.run(
				t,
				resource.TestStep{PreConfig: func() { p.loses(t, w, true, c.lose) }, Config: both, ExpectError: mayBe},
				resource.TestStep{PreConfig: func() { p.loses(t, w, false) }, Config: both, ConfigPlanChecks: next, Check: w.one(t, 1)},
			)
		})
	}
}

func TestUnanswered_ATokenIsNeverAnOrphan(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	secret := "alertrouter_" + strings.Repeat("s", 43)
	config := p.through(w, impatient, apiToken(withSecret(secret, 1)))
	one := func(*terraform.State) error {
		if got := w.tokens(t); len(got) != 1 {
			return fmt.Errorf("there are the tokens %v, want one", got)
		}
		return nil
	}
	const address = "alertrouter_api_token.test"
	w.run(
		t,
		resource.TestStep{PreConfig: func() { p.loses(t, w, false, dropped, cut, gateway) }, Config: config, Check: one},
		resource.TestStep{Config: config, Destroy: true},
		resource.TestStep{PreConfig: func() { p.loses(t, w, true, dropped) }, Config: config, ExpectError: regexp.MustCompile(`(?s)may\s+have\s+been\s+created`)},
		resource.TestStep{
			PreConfig: func() { p.loses(t, w, false) }, Config: config, Check: one,
			ConfigPlanChecks: planned(address, plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

// An ephemeral token whose answers are all lost is revoked when the provider ends.
func TestUnanswered_AnEphemeralTokenIsRevoked(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+p.through(w, impatient, `
ephemeral "alertrouter_api_token" "short" {
  name = "short"
  role = "engine"
}
provider "alertrouter" {
  alias    = "short"
  endpoint = "`+w.URL+`"
  token    = ephemeral.alertrouter_api_token.short.secret
}
data "alertrouter_destinations" "all" { provider = alertrouter.short }
`))
	p.loses(t, w, true, dropped)
	if out, err := work.Run(t, "plan", "-no-color"); err == nil || !strings.Contains(out, "Cannot create the token") {
		t.Errorf("got %v\n%s", err, out)
	}
	if left := w.tokens(t); len(left) != 0 {
		t.Errorf("the tokens %v are left", left)
	}
}

func TestUnanswered_AnUpdateIsReadAgain(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	both := func(url, severity string) string {
		return p.through(w, impatient, slackWith(url)+override(`severity = "`+severity+`"`))
	}
	const other = "https://hooks.slack.com/services/T000/B000/OTHER"
	w.run(
		t,
		resource.TestStep{Config: both(slackURL, "HIGH"), Check: w.one(t, 1)},
		resource.TestStep{
			PreConfig: func() { p.loses(t, w, true, dropped) }, Config: both(other, "LOW"),
			ExpectError: regexp.MustCompile(`(?s)may\s+have\s+been\s+updated`),
		},
		resource.TestStep{
			PreConfig: func() { p.loses(t, w, false) }, Config: both(other, "LOW"),
			ConfigPlanChecks: planned(overrideAddress, plancheck.ResourceActionNoop), // it arrived; of the secret nobody knows
		},
	)
}

func TestUnanswered_WhatWasMadeCanBeKept(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+p.through(w, impatient, slackWith(slackURL)))
	p.loses(t, w, true, dropped)
	if out, err := work.Run(t, "apply", "-no-color", "-auto-approve"); err == nil || !strings.Contains(out, w.only(t).ID) {
		t.Errorf("want an error that names the destination, got %v\n%s", err, out)
	}
	p.loses(t, w, false)
	made := w.only(t).ID
	work.Must(t, "untaint", slackAddress)
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")
	if d := w.only(t); d.ID != made {
		t.Errorf("the destination is %s, want %s to be kept", d.ID, made)
	}
}

func TestUnanswered_SomebodyElsesOverrideIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	config := p.through(w, impatient, override(`severity = "HIGH"`))
	var once sync.Once
	overtaken := func(http.Handler, http.ResponseWriter, *http.Request) {
		once.Do(func() {
			input := client.OverrideInput{Severity: new(client.OverrideInputSeverityLOW)}
			if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil, input)); err != nil {
				t.Error(err)
			}
		})
		panic(http.ErrAbortHandler)
	}
	w.run(
		t,
		resource.TestStep{
			PreConfig: func() { p.loses(t, w, true, overtaken) }, Config: config,
			ExpectError: regexp.MustCompile(`(?s)may\s+have\s+been\s+created`),
		},
		resource.TestStep{PreConfig: func() { p.loses(t, w, false) }, Config: config, ExpectError: regexp.MustCompile(`(?s)detection_id\s+=.*import`)},
	)
	o, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS/Root Login: ünï"))
	if err != nil || o.Revision != 1 || *o.Severity != client.OverrideSeverityLOW {
		t.Errorf("the override is now %+v (%v)", o, err)
	}
}

func TestUnanswered_WhatWasRefusedIsNotInTheState(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	refuse := func(status int, kind string) loss {
		return func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/problem+json")
			rw.WriteHeader(status)
			_, _ = fmt.Fprintf(rw, `{"type":"urn:alertrouter:problem:%s","title":"No","status":%d}`, kind, status)
		}
	}
	gone := newProxy(t, w)
	gone.Close()
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "endpoint" {}
provider "alertrouter" {
  endpoint        = var.endpoint
  token           = "`+w.Token+`"
  request_timeout = "1s"
}
`+slackWith(slackURL)+override(`severity = "HIGH"`))
	for name, c := range map[string]struct {
		endpoint string
		lose     loss
	}{
		"refused":            {p.URL, refuse(http.StatusUnprocessableEntity, "invalid")},
		"store down":         {p.URL, refuse(http.StatusServiceUnavailable, "unavailable")},
		"connection refused": {gone.URL, swallowed},
	} {
		p.loses(t, w, true, c.lose)
		if out, err := work.Run(t, "apply", "-no-color", "-auto-approve", "-var=endpoint="+c.endpoint); err == nil || strings.Contains(out, "may have been created") {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
		if left, _ := work.Run(t, "state", "list"); strings.Contains(left, "alertrouter_") {
			t.Errorf("%s: left in the state: %s", name, left)
		}
	}
}
