// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestUnknownValues_PlanAndAreCheckedAtApply gives every kind of argument a value that is known only when something else
// was made.
func TestUnknownValues_PlanAndAreCheckedAtApply(t *testing.T) {
	w := newWorld(t)
	config := func(url, secret, entry string, round int) string {
		return w.config(fmt.Sprintf(`
resource "terraform_data" "late" {
  input = {
    name     = "SOAR"
    list     = ["HIGH"]
    url      = %q
    headers  = { X-Team = "soc" }
    secret   = %q
    seconds  = 10
    flag     = true
    severity = "HIGH"
    entries  = [%q]
  }
  triggers_replace = %d
}
resource "alertrouter_destination_webhook" "test" {
  display_name          = terraform_data.late.output.name
  enabled               = terraform_data.late.output.flag
  severities            = terraform_data.late.output.list
  alert_types           = [for x in terraform_data.late.output.list : "RULE"]
  log_types             = terraform_data.late.output.list
  allow_manual_dispatch = terraform_data.late.output.flag
  max_age_seconds       = terraform_data.late.output.seconds
  max_concurrency       = terraform_data.late.output.seconds
  rate_limit_per_second = terraform_data.late.output.seconds
  url                   = terraform_data.late.output.url
  headers               = terraform_data.late.output.headers
  timeout_seconds       = terraform_data.late.output.seconds
  secret_headers_wo     = { X-Key = terraform_data.late.output.secret }
  signing_secret_wo     = terraform_data.late.output.secret
}
resource "alertrouter_detection_override" "test" {
  detection_id = "d"
  severity     = terraform_data.late.output.severity
  destinations = terraform_data.late.output.entries
}
`, url, secret, entry, round))
	}
	const secret, nobody = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c12"
	w.run(
		t,
		resource.TestStep{Config: config("ftp://soar.example.com", secret, "SOAR", 1), ExpectError: onAttribute("url", `must\s+(be|start)`)},
		resource.TestStep{Config: config("https://soar.example.com", "short", "SOAR", 2), ExpectError: onAttribute("signing_secret_wo", "whsec_")},
		resource.TestStep{Config: config("https://soar.example.com", secret, nobody, 3), ExpectError: onAttribute("destinations", `looks\s+like\s+an\s+id`)},
		resource.TestStep{Config: config("https://soar.example.com", secret, "SOAR", 4)},
	)
}

// TestDestination_IsCheckedBesideAnUnknownFallback has the most usual reference not hide what is wrong beside it.
func TestDestination_IsCheckedBesideAnUnknownFallback(t *testing.T) {
	w := newWorld(t)
	w.run(t, resource.TestStep{
		Config: w.config(slackWith(slackURL) + soar(`url = "https://soar.example.com"
  fallback = alertrouter_destination_slack.test.id
  fallback_after_seconds = 5
  headers = { Host = "x" }`)),
		PlanOnly: true, ExpectError: onAttribute("headers", `headers\["Host"\]\s+is\s+set\s+by`),
	})
}

func TestDestination_FindsAtPlanWhatNoApplyMends(t *testing.T) {
	w := newWorld(t)
	refuse := func(attribute, value, words string) resource.TestStep {
		return resource.TestStep{Config: w.config(soar("url = \"https://soar.example.com\"\n" + attribute + " = " + value)), PlanOnly: true, ExpectError: onAttribute(attribute, words)}
	}
	w.run(
		t,
		refuse("fallback", `"0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c12"`, `names\s+no\s+destination`),
		refuse("headers", `{ "X A" = "b" }`, `name\s+of\s+a\s+header`),
		refuse("headers", `{ X-A = "b\r\nX-B: c" }`, `line\s+breaks`),
		resource.TestStep{Config: w.config(soar(`url = "https://u:p@soar.example.com"`)), PlanOnly: true, ExpectError: onAttribute("url", `no\s+user\s+name`)},
		resource.TestStep{Config: w.config(soar(`url = "https://"`)), PlanOnly: true, ExpectError: onAttribute("url", `a\s+host`)},
	)
}
