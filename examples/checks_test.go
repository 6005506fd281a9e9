// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// runChecks applies the checks while all is well, and then breaks what each looks at.
func runChecks(t *testing.T, w *world) {
	w.test(t)
	var status atomic.Int32
	status.Store(http.StatusOK)
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(int(status.Load())) }))
	defer receiver.Close()
	w.set("soar_url", receiver.URL+"/soar")
	w.set("on_call_url", receiver.URL+"/secret-key")
	if out := w.apply(t); strings.Contains(out, "assertion failed") {
		t.Errorf("a check fails although all is well:\n%s", out)
	}
	if got := w.failedChecks(t); len(got) > 0 {
		t.Errorf("the checks %q fail although all is well", got)
	}
	w.hasNoSecret(t, "secret-key")

	// A destination that is changed is tested again. The apply warns, and goes through.
	status.Store(http.StatusNotFound)
	w.set("on_call_url", receiver.URL+"/another-key")
	wants(t, w.Must(t, "apply", "-auto-approve"), "Apply complete! Resources: 0 added, 1 changed", "No alert reaches: on_call (")
	if got := w.failedChecks(t); len(got) != 1 || got[0] != "check.test_alerts_arrive" {
		t.Errorf("the checks %q fail, want that of the test alerts", got)
	}

	// Somebody switches one off.
	status.Store(http.StatusOK)
	w.disable(t, "SOC on-call")
	if got := w.failedChecks(t, "-refresh-only"); len(got) != 3 {
		t.Errorf("the checks %q fail with a destination disabled, want the three others", got)
	}
}

// failedChecks plans, and returns the checks that the plan says have failed, as the README does with jq.
func (w *world) failedChecks(t *testing.T, options ...string) []string {
	t.Helper()
	w.Must(t, append([]string{"plan", "-out=saved.tfplan"}, options...)...)
	var plan struct {
		Checks []struct {
			Address struct {
				ToDisplay string `json:"to_display"`
			} `json:"address"`
			Status string `json:"status"`
		} `json:"checks"`
	}
	out, err := w.Run(t, "show", "-json", "saved.tfplan")
	if i := strings.Index(out, "{"); err == nil && i >= 0 {
		err = json.Unmarshal([]byte(out[i:]), &plan)
	}
	if err != nil || len(plan.Checks) == 0 {
		t.Fatalf("the plan shows no checks: %v\n%s", err, out)
	}
	var failed []string
	for _, c := range plan.Checks {
		if c.Status != "pass" {
			failed = append(failed, c.Address.ToDisplay)
		}
	}
	return failed
}

// disable switches a destination off behind Terraform's back.
func (w *world) disable(t *testing.T, name string) {
	t.Helper()
	list, err := client.OK(w.api.ListDestinationsWithResponse(t.Context(), &client.ListDestinationsParams{DisplayName: &name}))
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("there is no destination %s to disable (%v)", name, err)
	}
	d := list.Items[0]
	input := client.DestinationInput{DisplayName: d.DisplayName, Enabled: new(false), Severities: d.Severities, Config: d.Config}
	if _, err := client.OK(w.api.UpdateDestinationWithResponse(t.Context(), d.ID, nil, input)); err != nil {
		t.Fatal(err)
	}
}
