// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// webhook is a destination that posts to url.
func webhook(url, more string) string {
	return fmt.Sprintf(`
resource "alertrouter_destination_webhook" "test" {
  display_name = "SOAR"
  severities   = ["HIGH"]
  url          = %q
  %s
}
`, url, more)
}

func testAlert(more string) string {
	return `
data "alertrouter_test_alert" "test" {
  destination_id       = alertrouter_destination_webhook.test.id
  destination_revision = alertrouter_destination_webhook.test.revision
  ` + more + `
}
`
}

func TestTestAlert_IsSentOncePerRevision(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	sent := func(want int) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if got := len(r.requests()); got != want {
				return fmt.Errorf("%d test alerts were sent, want %d", got, want)
			}
			return nil
		}
	}
	const address = "data.alertrouter_test_alert.test"
	first := webhook(r.URL, "") + testAlert("")
	w.run(
		t,
		resource.TestStep{
			Config: w.config(first), Check: sent(1),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, tfjsonpath.New("delivered"), knownvalue.Bool(true)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("http_status"), knownvalue.Int64Exact(http.StatusOK)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("status"), knownvalue.StringExact("DELIVERED")),
			},
		},
		resource.TestStep{Config: w.config(first), Check: sent(1)},
		resource.TestStep{Config: w.config(first), PlanOnly: true},
		resource.TestStep{Config: w.config(webhook(r.URL, `max_concurrency = 2`) + testAlert("")), Check: sent(2)},
		resource.TestStep{
			Config: w.config(webhook(r.URL, `max_concurrency = 2`) + testAlert(`triggers = { again = "please" }`)),
			Check:  sent(3),
		},
	)
	if got := len(r.requests()); got != 3 {
		t.Errorf("%d test alerts were sent in the end, want 3", got)
	}
}

func TestTestAlert_FailsOnlyWhenAskedTo(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	r.answer(http.StatusForbidden)
	w.run(
		t,
		resource.TestStep{
			Config: w.config(webhook(r.URL, "") + testAlert("")),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("delivered"), knownvalue.Bool(false)),
				statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("http_status"), knownvalue.Int64Exact(http.StatusForbidden)),
				statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("error"), knownvalue.NotNull()),
			},
		},
		resource.TestStep{
			Config:      w.config(webhook(r.URL, "") + testAlert("fail_on_error = true")),
			ExpectError: regexp.MustCompile(`The test alert was not delivered`),
		},
	)
}

// TestTestAlert_LeavesWaysOut follows the guide on testing: what fail_on_error stops, and what it does not.
func TestTestAlert_LeavesWaysOut(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	r.answer(http.StatusForbidden)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "strict" { default = true }
variable "path" { default = "" }
resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = ["HIGH"]
  url          = "`+r.URL+`/${var.path}"
}
data "alertrouter_test_alert" "soar" {
  destination_id       = alertrouter_destination_webhook.soar.id
  destination_revision = alertrouter_destination_webhook.soar.revision
  fail_on_error        = var.strict
}
check "soar_works" {
  assert {
    condition     = data.alertrouter_test_alert.soar.delivered
    error_message = "No alert reaches the SOAR."
  }
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	for _, stopped := range []string{"apply -auto-approve", "plan", "plan -refresh=false", "destroy -auto-approve"} {
		out, err := work.Run(t, strings.Fields(stopped)...)
		if err == nil || !strings.Contains(out, "The test alert was not delivered") {
			t.Errorf("%s: got %v, want that the test stops it\n%s", stopped, err, out)
		}
	}
	for _, open := range []string{"plan -var=path=repaired", "plan -target=alertrouter_destination_webhook.soar", "plan -destroy -refresh=false", "apply -auto-approve -var=strict=false"} {
		work.Must(t, strings.Fields(open)...)
	}
	if out := work.Must(t, "plan", "-var=strict=false"); !strings.Contains(out, "No alert reaches the SOAR.") {
		t.Errorf("the check does not warn:\n%s", out)
	}
}

func TestTestAlert_DoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	r.silent = make(chan struct{})
	t.Cleanup(func() { close(r.silent) })
	w.run(t, resource.TestStep{
		Config: w.config(webhook(r.URL, "") + testAlert(`timeout = "500ms"`)),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("delivered"), knownvalue.Bool(false)),
			statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("status"), knownvalue.StringExact("AMBIGUOUS")),
			statecheck.ExpectKnownValue("data.alertrouter_test_alert.test", tfjsonpath.New("error"), knownvalue.StringExact("no result within 500ms")),
		},
	})
}

func TestTestAlert_IsHarmlessInACheckBlock(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t)
	w.run(t, resource.TestStep{
		Config: w.config(webhook(r.URL, "") + `
check "soar" {
  data "alertrouter_test_alert" "test" {
    destination_id       = alertrouter_destination_webhook.test.id
    destination_revision = alertrouter_destination_webhook.test.revision
    fail_on_error        = true
  }
  assert {
    condition     = data.alertrouter_test_alert.test.delivered
    error_message = "The SOAR does not answer."
  }
}
`),
		ExpectNonEmptyPlan: true, // Terraform always plans to read a data source in a check block
	})
	if got := len(r.requests()); got != 1 {
		t.Errorf("%d test alerts were sent, want 1", got)
	}
}

func TestTestAlert_SaysWhenThereIsNoDestination(t *testing.T) {
	w := newWorld(t)
	w.run(t, resource.TestStep{
		Config:      w.config("data \"alertrouter_test_alert\" \"test\" {\n  destination_id = \"nothing\"\n}"),
		ExpectError: regexp.MustCompile(`(?s)Cannot test the destination nothing.*destination_id\s+=.*404`),
	})
}

func TestDestinationDataSources_FindDestinations(t *testing.T) {
	w := newWorld(t)
	w.run(
		t,
		resource.TestStep{
			Config: w.config(webhook("https://soar.example.com", `log_types = ["AWS.CloudTrail"]`) + slackWith(slackURL) + `
data "alertrouter_destination" "by_id" {
  id = alertrouter_destination_webhook.test.id
}
data "alertrouter_destination" "by_name" {
  display_name = alertrouter_destination_slack.test.display_name
}
data "alertrouter_destination" "by_another_case" {
  display_name = "soar"
  depends_on   = [alertrouter_destination_webhook.test]
}
data "alertrouter_destinations" "all" {
  depends_on = [alertrouter_destination_webhook.test, alertrouter_destination_slack.test]
}
data "alertrouter_destinations" "slack" {
  type       = "slack"
  depends_on = [alertrouter_destination_webhook.test, alertrouter_destination_slack.test]
}
`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_id", tfjsonpath.New("type"), knownvalue.StringExact("webhook")),
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_id", tfjsonpath.New("log_types"), knownvalue.SetSizeExact(1)),
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_name", tfjsonpath.New("type"), knownvalue.StringExact("slack")),
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_name", tfjsonpath.New("secret_fingerprints"), knownvalue.MapSizeExact(1)),
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_another_case", tfjsonpath.New("type"), knownvalue.StringExact("webhook")),
				statecheck.ExpectKnownValue("data.alertrouter_destination.by_another_case", tfjsonpath.New("display_name"), knownvalue.StringExact("soar")),
				statecheck.ExpectKnownValue("data.alertrouter_destinations.all", tfjsonpath.New("destinations"), knownvalue.ListSizeExact(2)),
				statecheck.ExpectKnownValue("data.alertrouter_destinations.slack", tfjsonpath.New("destinations"), knownvalue.ListSizeExact(1)),
			},
		},
		resource.TestStep{
			Config:      w.config(`data "alertrouter_destination" "x" { display_name = "nobody" }`),
			ExpectError: regexp.MustCompile(`(?s)no such destination.*nobody`),
		},
		resource.TestStep{
			Config:      w.config("data \"alertrouter_destination\" \"x\" {\n  id = \"nothing\"\n}"),
			ExpectError: onAttribute("id", `"nothing".*set\s+display_name`),
		},
		resource.TestStep{
			Config:      w.config("data \"alertrouter_destination\" \"x\" {\n  id = \"..\"\n}"),
			PlanOnly:    true,
			ExpectError: onAttribute("id", `none\s+of`),
		},
		resource.TestStep{
			Config:      w.config("data \"alertrouter_destination\" \"x\" {\n  display_name = \" SOC\"\n}"),
			ExpectError: onAttribute("display_name", "space"),
		},
		resource.TestStep{
			Config:      w.config(`data "alertrouter_destination" "x" {}`),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`(?i)exactly one`),
		},
		resource.TestStep{Config: w.config(webhook("https://soar.example.com", ""))}, // what is destroyed at the end
	)
}

// TestDestinationDataSource_KnowsEveryType looks each type up by id and by name.
func TestDestinationDataSource_KnowsEveryType(t *testing.T) {
	w := newWorld(t)
	config, checks := "", []statecheck.StateCheck{}
	for typeName, members := range exampleConfigs(t) {
		d := w.create(t, client.DestinationInput{
			DisplayName: "The " + typeName, Severities: []client.Severity{"LOW"}, RateLimitPerSecond: new(0.1), Config: configOf(t, typeName, members),
		})
		for name, by := range map[string]string{"id": d.ID, "display_name": "the " + typeName} {
			config += fmt.Sprintf("data \"alertrouter_destination\" \"%s_%s\" {\n  %s = %q\n}\n", typeName, name, name, by)
			address := fmt.Sprintf("data.alertrouter_destination.%s_%s", typeName, name)
			checks = append(
				checks,
				statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact(d.ID)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("type"), knownvalue.StringExact(typeName)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("rate_limit_per_second"), knownvalue.Float64Exact(0.1)),
			)
		}
	}
	w.run(t, resource.TestStep{Config: w.config(config), ConfigStateChecks: checks})
}

func TestDestinations_FollowsThePages(t *testing.T) {
	t.Parallel()
	const item = `{"id":%q,"type":"slack","display_name":%q,"enabled":true,"severities":[],"alert_types":[],"log_types":[],"allow_manual_dispatch":false,
		"config":{"slack":{}},"secret_fingerprints":{},"created_at":"2020-10-12T09:00:00Z","updated_at":"2020-10-12T09:00:00Z","revision":1}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("cursor") == "" {
			_, _ = fmt.Fprintf(w, `{"items":[`+item+`],"next_cursor":"more"}`, "1", "first")
			return
		}
		_, _ = fmt.Fprintf(w, `{"items":[`+item+`]}`, "2", "second")
	}))
	t.Cleanup(server.Close)
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: []resource.TestStep{{
		Config: fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = %q\n  token = \"x\"\n}\ndata \"alertrouter_destinations\" \"all\" {}", server.URL),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.alertrouter_destinations.all", tfjsonpath.New("destinations"), knownvalue.ListSizeExact(2)),
		},
	}}})
}

func TestRoute_SaysWhereAndWhy(t *testing.T) {
	w := newWorld(t)
	route := func(name, more string) string {
		return fmt.Sprintf(`
data "alertrouter_route" %q {
  type       = "RULE"
  depends_on = [alertrouter_destination_webhook.test, alertrouter_destination_slack.test]
  %s
}
`, name, more)
	}
	scenario := func(name, want string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.alertrouter_route."+name, tfjsonpath.New("scenario"), knownvalue.StringExact(want))
	}
	w.run(
		t,
		resource.TestStep{
			Config: w.config(webhook("https://soar.example.com", "") + slack("webhook_url_wo = \""+slackURL+"\"\n log_types = [\"Okta.SystemLog\"]") +
				route("static", `detection = {
    id       = "d"
    severity = "high"
  }`) +
				route("generated", `detection = {
    id       = "d"
    severity = "INFO"
  }
  generated = {
    destinations = ["SOC", "nobody"]
  }`) +
				route("suppressed", `detection = {
    id       = "d"
    severity = "HIGH"
  }
  generated = {
    destinations = []
  }`)),
			ConfigStateChecks: []statecheck.StateCheck{
				scenario("static", "STATIC_SEVERITY"),
				statecheck.ExpectKnownValue("data.alertrouter_route.static", tfjsonpath.New("severity"), knownvalue.StringExact("HIGH")),
				statecheck.ExpectKnownValue("data.alertrouter_route.static", tfjsonpath.New("destinations").AtSliceIndex(0).AtMapKey("display_name"), knownvalue.StringExact("SOAR")),
				statecheck.ExpectKnownValue("data.alertrouter_route.static", tfjsonpath.New("rejected").AtSliceIndex(0).AtMapKey("filter"), knownvalue.StringExact("log_types")),
				scenario("generated", "GENERATED_DESTINATIONS"),
				statecheck.ExpectKnownValue("data.alertrouter_route.generated", tfjsonpath.New("warnings").AtSliceIndex(0).AtMapKey("code"), knownvalue.StringExact("UNKNOWN_DESTINATION")),
				scenario("suppressed", "SUPPRESSED"),
			},
		},
	)
}
