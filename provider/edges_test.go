// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestDestination_TakesWhatTerraformCanWrite has values as they come out of expressions. The framework plans twice after
// each step and wants both plans empty.
func TestDestination_TakesWhatTerraformCanWrite(t *testing.T) {
	w := newWorld(t)
	soarNamed := func(name, more string) string {
		return strings.Replace(soar("url = \"https://EXAMPLE.com:443/ü?q=a%20b\"\n"+more), `"SOAR"`, fmt.Sprintf("%q", name), 1)
	}
	update := planned(webhookAddress, plancheck.ResourceActionUpdate)
	w.run(
		t,
		resource.TestStep{
			Config: w.config(soarNamed("Überwachung 日本", `
  rate_limit_per_second = 1 / 3
  max_concurrency       = "7"
  timeout_seconds       = 1e1
  max_age_seconds       = 60 * 60
  log_types             = [for x in ["a", "A", "a"] : upper(x)]
  alert_types           = ["RULE", "POLICY", "RULE"]
  headers               = { x-lower = "a  b", X-Unicode = "ü" }
`)),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(webhookAddress, tfjsonpath.New("log_types"), knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("A")})),
				statecheck.ExpectKnownValue(webhookAddress, tfjsonpath.New("max_age_seconds"), knownvalue.Int64Exact(3600)),
			},
		},
		resource.TestStep{Config: w.config(soarNamed("überwachung 日本", "rate_limit_per_second = 99999.999999999")), ConfigPlanChecks: update},
		resource.TestStep{ // what is not known before apply, in a set and in a name
			Config: w.config("resource \"terraform_data\" \"x\" {\n  input = \"HIGH\"\n}\n" +
				strings.Replace(soarNamed("${terraform_data.x.output}", "rate_limit_per_second = 0.1"), `["HIGH"]`, `[terraform_data.x.output, "LOW", "HIGH"]`, 1)),
			ConfigPlanChecks: update,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(webhookAddress, tfjsonpath.New("severities"), knownvalue.SetSizeExact(2)),
				statecheck.ExpectKnownValue(webhookAddress, tfjsonpath.New("max_age_seconds"), knownvalue.Null()),
			},
		},
	)
}

// TestDestination_RefusesWhatCannotBeWhenThePlanIsMade has many wrong destinations in one plan, which names each.
func TestDestination_RefusesWhatCannotBeWhenThePlanIsMade(t *testing.T) {
	w := newWorld(t)
	wrong := []struct{ attribute, value string }{
		{"log_types", `["a", null]`},
		{"alert_types", `[]`},
		{"rate_limit_per_second", `1e9`},
		{"max_concurrency", `1.5`},
		{"max_age_seconds", `1e30`},
		{"timeout_seconds", `0`},
		{"headers", `{ X = null }`},
		{"basic_username", `""`},
		{"bearer_token_wo", `""`},
		{"secret_headers_wo", `{}`},
		{"display_name", `" SOAR"`},
		{"display_name", `"SOAR "`},
		{"display_name", `"SOAR\u00a0"`},
		{"display_name", `""`},
	}
	config := enginetest.RequiredProviders
	for i, c := range wrong {
		name := ""
		if c.attribute != "display_name" {
			name = "display_name = \"SOAR\""
		}
		config += fmt.Sprintf("resource \"alertrouter_destination_webhook\" \"n%d\" {\n  severities = []\n  url = \"https://soar.example.com\"\n  %s\n  %s = %s\n}\n", i, name, c.attribute, c.value)
	}
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	out, err := work.Run(t, "plan", "-no-color")
	if err == nil {
		t.Fatalf("nothing was refused:\n%s", out)
	}
	for i, c := range wrong {
		if !regexp.MustCompile(fmt.Sprintf(`(?s)with alertrouter_destination_webhook\.n%d,[^\n]*\n[^\n]*\n[^\n]*\d+:\s+%s = `, i, c.attribute)).MatchString(out) {
			t.Errorf("%s = %s is not refused on its line", c.attribute, c.value)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestDestination_ReplacedBeforeItIsDestroyed has two destinations of one name for a moment, which cannot be.
func TestDestination_ReplacedBeforeItIsDestroyed(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+chained("a", "lifecycle { create_before_destroy = true }"), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	before := w.only(t)
	out, err := work.Run(t, "apply", "-no-color", "-auto-approve", "-replace="+addressA)
	if err == nil || !regexp.MustCompile(`(?s)display\s+name\s+is\s+taken.*take[\s│]+create_before_destroy[\s│]+out`).MatchString(out) {
		t.Errorf("got %v:\n%s", err, out)
	}
	if after := w.only(t); after.ID != before.ID || after.Revision != before.Revision {
		t.Errorf("the destination is now %+v", after)
	}
}

// TestDestination_FallbacksSwap has two destinations change places in one apply, by their ids, and refuses a circle.
func TestDestination_FallbacksSwap(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+chained("a", to("b"))+chained("b", ""), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	work.Write(t, "main.tf", enginetest.RequiredProviders+chained("a", "")+chained("b", to("a")))
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")
	ids := idsIn(t, work)
	work.Write(t, "main.tf", enginetest.RequiredProviders+chained("a", fmt.Sprintf("fallback = %q", ids[addressB]))+chained("b", fmt.Sprintf("fallback = %q", ids[addressA])))
	if out, err := work.Run(t, "apply", "-no-color", "-auto-approve"); err == nil || !strings.Contains(out, "The fallback cannot be set now") || !regexp.MustCompile(`fallback\s+= `).MatchString(out) {
		t.Errorf("a circle: got %v\n%s", err, out)
	}
}

// TestProvider_ServesTwoControlPlanes has one configuration for two, and moves an object from one address to another.
func TestProvider_ServesTwoControlPlanes(t *testing.T) {
	here := newWorld(t)
	there := anotherWorld(t)
	provider := here.config("") + strings.Replace(there.config(""), "{", "{\n  alias = \"there\"", 1)
	b := chained("b", "provider = alertrouter.there\n  bearer_token_wo = \"secret-of-there\"")
	one := chained("a", "bearer_token_wo = \"secret-of-here\"")
	many := strings.Replace(one, "{\n", "{\n  for_each = toset([\"x\"])\n", 1)
	moved := "moved {\n  from = " + addressA + "\n  to   = " + addressA + "[\"x\"]\n}\n"
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+provider+one+b)
	work.Must(t, "apply", "-auto-approve")
	work.Write(t, "main.tf", enginetest.RequiredProviders+provider+many+moved+b)
	if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("the move changed something:\n%s", out)
	}
	if got := []string{here.only(t).DisplayName, there.only(t).DisplayName}; got[0] != "a" || got[1] != "b" {
		t.Errorf("got %v, want a here and b there", got)
	}
}
