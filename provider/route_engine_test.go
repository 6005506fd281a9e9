// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// A destination of the plan is routed before it has an id, and the type of each resource is known.
func TestRouteFunction_WorksAtPlan(t *testing.T) {
	w := newWorld(t)
	const policy = `
resource "alertrouter_detection_override" "test" {
  detection_id = "overridden"
  destinations = [alertrouter_destination_slack.test.id]
}
locals {
  destinations = [alertrouter_destination_webhook.test, alertrouter_destination_slack.test]
}
output "ordinary" {
  value = nonsensitive(provider::alertrouter::route({ type = "RULE", detection = { id = "d", severity = "HIGH" } }, local.destinations, [alertrouter_detection_override.test]))
}
output "overridden" {
  value = nonsensitive(provider::alertrouter::route({ type = "RULE", detection = { id = "overridden", severity = "LOW" } }, local.destinations, [alertrouter_detection_override.test]))
}
`
	first := func(output, list, member string, want knownvalue.Check) plancheck.PlanCheck {
		return plancheck.ExpectKnownOutputValueAtPath(output, tfjsonpath.New(list).AtSliceIndex(0).AtMapKey(member), want)
	}
	w.run(t, resource.TestStep{
		Config: w.config(webhook("https://soar.example.com", "") + slack("webhook_url_wo = \""+slackURL+"\"\n log_types = [\"Okta.SystemLog\"]") + policy),
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			first("ordinary", "destinations", "display_name", knownvalue.StringExact("SOAR")),
			first("ordinary", "destinations", "type", knownvalue.StringExact("webhook")),
			first("ordinary", "rejected", "type", knownvalue.StringExact("slack")),
			first("ordinary", "rejected", "filter", knownvalue.StringExact("log_types")),
			plancheck.ExpectUnknownOutputValueAtPath("ordinary", tfjsonpath.New("destinations").AtSliceIndex(0).AtMapKey("id")),
			plancheck.ExpectUnknownOutputValue("overridden"),
		}},
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValueAtPath("ordinary", tfjsonpath.New("destinations").AtSliceIndex(0).AtMapKey("id"), knownvalue.NotNull()),
			statecheck.ExpectKnownOutputValueAtPath("overridden", tfjsonpath.New("destinations").AtSliceIndex(0).AtMapKey("display_name"), knownvalue.StringExact("SOC")),
		},
	})
}

// In these places there is no control plane, nor even an address of one.
func TestRouteFunction_NeedsNoControlPlane(t *testing.T) {
	t.Parallel()
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "destinations" {
  type = list(object({ display_name = string, severities = set(string), alert_types = optional(set(string)) }))
  validation {
    condition     = length(provider::alertrouter::route({ type = "RULE", detection = { id = "d", severity = "CRITICAL" } }, var.destinations).destinations) > 0
    error_message = "CRITICAL alerts must go somewhere."
  }
}
check "high" {
  assert {
    condition     = length(provider::alertrouter::route({ type = "RULE", detection = { id = "d", severity = "HIGH" } }, var.destinations).destinations) > 0
    error_message = "HIGH alerts go nowhere."
  }
}
output "critical" {
  value = provider::alertrouter::route({ type = "RULE", detection = { id = "d", severity = "CRITICAL" } }, var.destinations, [])
}
`)
	work.Write(t, "tests/policy.tftest.hcl", `
run "good" {
  variables { destinations = [{ display_name = "A", severities = ["HIGH", "CRITICAL"] }] }
  assert {
    condition     = output.critical.destinations[0].display_name == "A" && output.critical.destinations[0].id == null
    error_message = jsonencode(output.critical)
  }
}
run "high_goes_nowhere" {
  variables { destinations = [{ display_name = "A", severities = ["CRITICAL"] }] }
  expect_failures = [check.high]
}
run "critical_goes_nowhere" {
  command = plan
  variables { destinations = [{ display_name = "A", severities = ["HIGH"] }] }
  expect_failures = [var.destinations]
}
`)
	if out := work.Must(t, "test", "-no-color"); !strings.Contains(out, "3 passed, 0 failed") {
		t.Errorf("got %s", out)
	}
	out, err := work.Run(t, "plan", "-no-color", `-var=destinations=[{display_name="A",severities=["high"]}]`)
	if words := strings.Join(strings.Fields(out), " "); err == nil || !strings.Contains(words, `Invalid value for "destinations" parameter: destinations[0].severities has "high", which is not one of [INFO LOW MEDIUM HIGH CRITICAL].`) {
		t.Errorf("got %v, want an error on the argument\n%s", err, out)
	}
}

// The example of the function's page runs as it stands.
func TestRouteFunction_TheExampleWorks(t *testing.T) {
	w := newWorld(t)
	example, err := os.ReadFile("../examples/functions/route/function.tf")
	if err != nil {
		t.Fatal(err)
	}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+string(example),
		"ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_slack_webhook_url="+slackURL)
	if out := work.Must(t, "apply", "-auto-approve", "-no-color"); strings.Contains(out, "Check block assertion") {
		t.Errorf("the example's check fails:\n%s", out)
	}
	var low struct {
		GoesTo  []string `json:"goes_to"`
		Because []string `json:"because"`
	}
	if err := json.Unmarshal([]byte(work.Must(t, "output", "-json", "low")), &low); err != nil {
		t.Fatal(err)
	}
	if len(low.GoesTo) != 0 || len(low.Because) != 2 || low.Because[0] != "log_types is [Okta.SystemLog], the alert has []" {
		t.Errorf("got %+v", low)
	}
}

// The data source asks a control plane that has the policy, the function has the policy itself: they say the same of every
// alert of the examples, to the last message.
func TestRoute_TheDataSourceAndTheFunctionAgree(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
  alert_types  = ["RULE", "SCHEDULED_RULE", "CORRELATION_RULE"]
  log_types    = ["AWS.CloudTrail", "Okta.SystemLog"]
  url          = "https://soar.example.com"
}
resource "alertrouter_destination_slack" "on_call" {
  display_name          = "SOC on-call"
  severities            = ["HIGH", "CRITICAL"]
  allow_manual_dispatch = true
  webhook_url_wo        = "`+slackURL+`"
}
resource "alertrouter_destination_pagerduty" "duty" {
  display_name   = "Duty"
  severities     = ["CRITICAL"]
  enabled        = false
  routing_key_wo = "0123456789abcdef0123456789abcdef"
}
resource "alertrouter_detection_override" "some" {
  for_each = {
    "AWS.Console.RootLogin" = { severity = "CRITICAL", destinations = [alertrouter_destination_slack.on_call.id, alertrouter_destination_pagerduty.duty.id] }
    "AllLogs.IPMonitoring"  = { severity = "LOW", destinations = null }
    "Okta.MFA.Disabled"     = { severity = null, destinations = [] }
  }
  detection_id = each.key
  severity     = each.value.severity
  destinations = each.value.destinations
}
locals {
  destinations = [alertrouter_destination_webhook.soar, alertrouter_destination_slack.on_call, alertrouter_destination_pagerduty.duty]
  alerts       = { for file in fileset("${path.module}/alerts", "*.json") : file => jsondecode(file("${path.module}/alerts/${file}")) }
  computed     = { for name, alert in local.alerts : name => nonsensitive(provider::alertrouter::route(alert, local.destinations, alertrouter_detection_override.some)) }
}
data "alertrouter_route" "asked" {
  for_each  = local.alerts
  type      = each.value.type
  log_types = try(each.value.log_types, null)
  detection = {
    id           = each.value.detection.id
    severity     = each.value.detection.severity
    destinations = try(each.value.detection.destinations, null)
  }
  generated = {
    severity     = try(each.value.generated.severity, null)
    destinations = try(each.value.generated.destinations, null)
  }
  depends_on = [alertrouter_destination_webhook.soar, alertrouter_destination_slack.on_call, alertrouter_destination_pagerduty.duty, alertrouter_detection_override.some]
}
output "routes" {
  value = { for name, computed in local.computed : name => {
    computed = computed
    asked    = { for member in keys(computed) : member => data.alertrouter_route.asked[name][member] }
  } }
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	files, err := filepath.Glob("../examples/alerts/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		work.Write(t, "alerts/"+filepath.Base(file), string(text))
	}
	work.Must(t, "apply", "-auto-approve", "-no-color")
	var routes map[string]struct{ Computed, Asked route.Route }
	if err := json.Unmarshal([]byte(work.Must(t, "output", "-json", "routes")), &routes); err != nil {
		t.Fatal(err)
	}
	if len(routes) != len(files) || len(routes) < 10 {
		t.Fatalf("%d routes of %d alerts", len(routes), len(files))
	}
	scenarios := map[route.Scenario]bool{}
	for name, r := range routes {
		scenarios[r.Asked.Scenario] = true
		if !reflect.DeepEqual(r.Computed, r.Asked) {
			t.Errorf("%s: the function says\n%+v\nthe control plane\n%+v", name, r.Computed, r.Asked)
		}
	}
	if len(scenarios) < 5 {
		t.Errorf("the alerts take the ways %v only", scenarios)
	}
}
