// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestDetectionOverride_AnIdThatIsNoneIsFoundAtPlan has the server see what no validator can.
func TestDetectionOverride_AnIdThatIsNoneIsFoundAtPlan(t *testing.T) {
	w := newWorld(t)
	known := w.clicked(t, "Known").ID
	const nobody = "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c12"
	list := func(entries ...string) string {
		return w.config(slackWith(slackURL) + override("destinations = ["+strings.Join(entries, ", ")+"]"))
	}
	refused := onAttribute("destinations", `destinations\[1\]\s+is\s+"`+nobody+`".*looks\s+like\s+an\s+id`)
	w.run(
		t,
		resource.TestStep{Config: list(`"Known"`, `"`+nobody+`"`), PlanOnly: true, ExpectError: refused},
		// Beside a reference to what is not made yet.
		resource.TestStep{Config: list(slackAddress+".id", `"`+nobody+`"`), PlanOnly: true, ExpectError: refused},
		resource.TestStep{Config: list(slackAddress+".id", `"`+known+`"`, `"SKIP"`)},
		resource.TestStep{Config: list(slackAddress+".id", `"`+nobody+`"`), PlanOnly: true, ExpectError: refused},
	)
}

func TestDetectionOverride_WarnsOfNamesAtPlan(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "name" {}
variable "severity" { default = "HIGH" }
resource "alertrouter_destination_webhook" "soc" {
  display_name = "SOC"
  severities   = []
  url          = "https://soar.example.com"
}
resource "alertrouter_detection_override" "test" {
  detection_id = "AWS/Root Login"
  severity     = var.severity
  destinations = [var.name]
  depends_on   = [alertrouter_destination_webhook.soc]
}
`, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	const warning = "There is no such destination now"
	if out := work.Must(t, "plan", "-no-color", "-var=name=soc"); !strings.Contains(out, warning) || !strings.Contains(out, `destinations[0] is "soc"`) {
		t.Errorf("there is no warning of a name that nothing has, in these letters:\n%s", out)
	}
	if out := work.Must(t, "plan", "-no-color", "-var=name=SOC"); strings.Contains(out, warning) {
		t.Errorf("there is a warning of a name that this plan makes:\n%s", out)
	}
	work.Must(t, "apply", "-no-color", "-auto-approve", "-var=name=SOC")
	p.requests()
	work.Must(t, "plan", "-detailed-exitcode", "-var=name=SOC")
	if asked := p.requests(); len(asked) != 2 || slices.ContainsFunc(asked, func(r string) bool { return !strings.HasPrefix(r, "GET ") }) {
		t.Errorf("a plan that changes nothing asked %v, want a GET for each resource", asked)
	}
	if out := work.Must(t, "plan", "-no-color", "-var=name=SOC", "-var=severity=LOW"); strings.Contains(out, "arning: There") {
		t.Errorf("there is a warning of a name that is a destination's:\n%s", out)
	}
	if asked := p.requests(); len(asked) != 3 || !slices.Contains(asked, "POST /v1/overrides/AWS/Root Login/validate") {
		t.Errorf("a plan that changes the override asked %v, want its check beside the GETs", asked)
	}
}
