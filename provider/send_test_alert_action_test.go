// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/alertrouter/terraform-provider-alertrouter/provider"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// actionConfig is a destination that is tested after each change, and an action for -invoke.
const actionConfig = enginetest.RequiredProviders + `
variable "url" { type = string }
variable "severity" { default = "HIGH" }
variable "strict" { default = true }
resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = [var.severity]
  url          = var.url
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.alertrouter_send_test_alert.soar]
    }
  }
}
action "alertrouter_send_test_alert" "soar" {
  config {
    destination_id = alertrouter_destination_webhook.soar.id
    severity       = "LOW"
    timeout        = "10s"
    fail_on_error  = var.strict
  }
}
`

func TestSendTestAlert_SendsOncePerChangeAndNeverToPlan(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	work := enginetest.NewWorkspace(t, actionConfig, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_url="+r.URL)
	if !enginetest.Current().IsTerraform("1.14") {
		if out, err := work.Run(t, "plan", "-no-color"); err == nil || !strings.Contains(out, "action") {
			t.Errorf("%s has no actions, and takes one: %v\n%s", enginetest.Current(), err, out)
		}
		return
	}
	for _, step := range []struct {
		command string
		sent    int
	}{
		{"plan", 0},
		{"apply -auto-approve", 1},
		{"plan -detailed-exitcode", 1}, // which is an error unless the plan is empty
		{"apply -auto-approve", 1},
		{"plan -var=severity=LOW", 1},
		{"apply -auto-approve -var=severity=LOW", 2},
		{"apply -auto-approve -var=severity=LOW", 2},
		{"plan -var=severity=LOW -invoke=action.alertrouter_send_test_alert.soar", 2},
		{"apply -auto-approve -var=severity=LOW -invoke=action.alertrouter_send_test_alert.soar", 3},
		{"apply -auto-approve -var=severity=LOW -invoke=action.alertrouter_send_test_alert.soar", 4},
		{"plan -refresh-only -var=severity=LOW", 4},
		{"destroy -auto-approve", 4},
	} {
		out := work.Must(t, append(strings.Fields(step.command), "-no-color")...)
		if got := len(r.requests()); got != step.sent {
			t.Fatalf("after %s %d test alerts were sent, want %d\n%s", step.command, got, step.sent, out)
		}
		if strings.Contains(step.command, "-invoke") && strings.HasPrefix(step.command, "apply") && !strings.Contains(out, "Delivered in") {
			t.Errorf("%s tells nothing of its progress:\n%s", step.command, out)
		}
	}
}

func TestSendTestAlert_TheExampleWorks(t *testing.T) {
	w := newWorld(t)
	if !enginetest.Current().IsTerraform("1.14") {
		return // the first test says what such an engine makes of an action
	}
	r := newReceiver(t)
	example, err := os.ReadFile("../examples/actions/send_test_alert/action.tf")
	if err != nil {
		t.Fatal(err)
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+string(example), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_webhook_url="+r.URL)
	work.Must(t, "apply", "-auto-approve", "-no-color")
	if got := len(r.requests()); got != 1 {
		t.Errorf("%d test alerts were sent, want 1", got)
	}
}

func TestSendTestAlert_FailsTheApplyUnlessToldOtherwise(t *testing.T) {
	w := newWorld(t)
	if !enginetest.Current().IsTerraform("1.14") {
		return // the first test says what such an engine makes of an action
	}
	r := newReceiver(t)
	r.answer(http.StatusForbidden)
	work := enginetest.NewWorkspace(t, actionConfig, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_url="+r.URL)
	out, err := work.Run(t, "apply", "-auto-approve", "-no-color")
	if err == nil || !strings.Contains(out, "The test alert was not delivered") {
		t.Errorf("got %v, want that the apply fails\n%s", err, out)
	}
	w.only(t) // was created all the same
	work.Must(t, "plan", "-detailed-exitcode")
	invoke := []string{"apply", "-auto-approve", "-no-color", "-invoke=action.alertrouter_send_test_alert.soar"}
	if out, err := work.Run(t, invoke...); err == nil {
		t.Errorf("the invocation did not fail:\n%s", out)
	}
	if out := work.Must(t, append(invoke, "-var=strict=false")...); !strings.Contains(out, "The test alert was not delivered") {
		t.Errorf("there is no warning:\n%s", out)
	}
	if got := len(r.requests()); got != 3 {
		t.Errorf("%d test alerts were sent, want one for the creation and one for each invocation", got)
	}
}

// The same action through the protocol, which needs no engine that has actions.
func TestSendTestAlert_Invoked(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	id := w.createWebhook(t, "SOAR", r.URL)
	for name, c := range map[string]struct {
		config map[string]any
		told   string // by an error; none if empty
		status int
	}{
		"delivered":           {map[string]any{"destination_id": id}, "", http.StatusOK},
		"refused":             {map[string]any{"destination_id": id}, "ERROR The test alert was not delivered", http.StatusForbidden},
		"refused, tolerantly": {map[string]any{"destination_id": id, "fail_on_error": false}, "WARNING The test alert was not delivered", http.StatusForbidden},
		"no such destination": {map[string]any{"destination_id": "nothing"}, "ERROR Cannot test the destination nothing", http.StatusOK},
	} {
		r.answer(c.status)
		before := len(r.requests())
		told := w.invoke(t, c.config)
		if !strings.Contains(told, c.told) || c.told == "" && told != "" {
			t.Errorf("%s: told %q, want %q", name, told, c.told)
		}
		want := before + 1
		if c.config["destination_id"] != id {
			want = before
		}
		if got := len(r.requests()); got != want {
			t.Errorf("%s: %d were sent, want %d", name, got-before, want-before)
		}
	}
}

func TestSendTestAlert_DoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	r.silent = make(chan struct{})
	t.Cleanup(func() { close(r.silent) })
	told := w.invoke(t, map[string]any{"destination_id": w.createWebhook(t, "SOAR", r.URL), "timeout": "300ms"})
	if !strings.Contains(told, "no result within 300ms (AMBIGUOUS)") {
		t.Errorf("told %q", told)
	}
}

// A lost answer is an error, and nothing is sent again.
func TestSendTestAlert_IsNotSentAgainWhenTheAnswerIsLost(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	id := w.createWebhook(t, "SOAR", r.URL)
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	lossy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		httputil.NewSingleHostReverseProxy(to).ServeHTTP(httptest.NewRecorder(), req)
		panic(http.ErrAbortHandler) // the connection breaks off
	}))
	t.Cleanup(lossy.Close)
	w.URL = lossy.URL
	if told := w.invoke(t, map[string]any{"destination_id": id}); !strings.Contains(told, "ERROR Cannot test the destination") {
		t.Errorf("told %q", told)
	}
	if got := len(r.requests()); got != 1 {
		t.Errorf("%d test alerts were sent, want 1", got)
	}
}

// The generator of the pages knows no actions, so this one's is written by hand; and its example is what runs.
func TestSendTestAlert_ThePageSaysWhatTheSchemaDoes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/actions/send_test_alert.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../examples/actions/send_test_alert/action.tf")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```terraform\n"+string(example)+"```\n") {
		t.Error("the page does not show the example")
	}
	schema, err := providerserver.NewProtocol6(provider.New("test")())().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	block := schema.ActionSchemas["alertrouter_send_test_alert"].Schema.Block
	kinds := map[string]string{tftypes.String.String(): "String", tftypes.Bool.String(): "Boolean"}
	for _, a := range block.Attributes {
		if line := fmt.Sprintf("- `%s` (%s) %s\n", a.Name, kinds[a.Type.String()], a.Description); !strings.Contains(string(page), line) {
			t.Errorf("the page lacks %s", line)
		}
	}
	if got := strings.Count(string(page), "\n- `"); got != len(block.Attributes) {
		t.Errorf("the page has %d attributes, the action %d", got, len(block.Attributes))
	}
}

// invoke runs the action and returns its diagnostics, a line each.
func (w *world) invoke(t *testing.T, config map[string]any) string {
	t.Helper()
	server := providerserver.NewProtocol6(provider.New("test")())()
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind tftypes.Type, values map[string]any) *tfprotov6.DynamicValue {
		members := map[string]tftypes.Value{}
		for name, member := range kind.(tftypes.Object).AttributeTypes {
			members[name] = tftypes.NewValue(member, values[name])
		}
		encoded, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, members))
		if err != nil {
			t.Fatal(err)
		}
		return &encoded
	}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: encode(schema.Provider.ValueType(), map[string]any{"endpoint": w.URL, "token": w.Token}),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatal(err, configured.Diagnostics)
	}
	const name = "alertrouter_send_test_alert"
	stream, err := server.(tfprotov6.ActionServer).InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{
		ActionType: name, Config: encode(schema.ActionSchemas[name].Schema.ValueType(), config),
	})
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for event := range stream.Events {
		if completed, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			for _, d := range completed.Diagnostics {
				told += fmt.Sprintln(d.Severity, d.Summary, d.Detail)
			}
		}
	}
	return told
}
