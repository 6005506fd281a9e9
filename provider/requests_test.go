// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"regexp"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// What the provider asks for one override beside reading it.
var (
	overridePlan     = map[string]int{"POST /v1/overrides/ID/validate": 1}
	overrideCreation = map[string]int{"PUT /v1/overrides/ID": 1}
)

// TestProvider_CountsItsRequests counts every request of each command, for three destinations and an override.
//
// The engines plan each change again while they apply it, so that it is checked twice. What a plan leaves alone costs one
// GET, and nothing with -refresh=false.
func TestProvider_CountsItsRequests(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "mention" { default = null }
variable "severity" { default = "HIGH" }
resource "alertrouter_destination_slack" "same" {
  count          = 2
  display_name   = "SOC ${count.index}"
  severities     = ["HIGH"]
  webhook_url_wo = "`+slackURL+`"
}
resource "alertrouter_destination_slack" "changing" {
  display_name           = "SOC"
  severities             = ["HIGH"]
  mention                = var.mention
  webhook_url_wo         = "`+slackURL+`"
  webhook_url_wo_version = 1
}
resource "alertrouter_detection_override" "test" {
  detection_id = "d"
  severity     = var.severity
}
`, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token)
	const (
		check    = "POST /v1/destinations/validate"
		create   = "POST /v1/destinations"
		read     = "GET /v1/destinations/ID"
		update   = "PUT /v1/destinations/ID"
		remove   = "DELETE /v1/destinations/ID"
		override = " /v1/overrides/ID"
	)
	refresh := map[string]int{read: 3, "GET" + override: 1}
	steps := []struct {
		args []string
		want []map[string]int // all of them
	}{
		{[]string{"plan", "-out=saved"}, []map[string]int{{check: 3}, overridePlan}},
		{[]string{"apply", "saved"}, []map[string]int{{check: 3, create: 3}, overridePlan, overrideCreation}},
		{[]string{"plan"}, []map[string]int{refresh}},
		{[]string{"plan", "-refresh=false"}, nil},
		{[]string{"plan", "-refresh-only"}, []map[string]int{refresh}},
		{[]string{"apply", "-auto-approve"}, []map[string]int{refresh}},
		{[]string{"plan", "-out=saved", "-var=mention=@here"}, []map[string]int{refresh, {check: 1}}},
		{[]string{"apply", "saved"}, []map[string]int{{check: 1, update: 1}}},
		{[]string{"plan", "-out=saved", "-var=mention=@here", "-var=severity=LOW"}, []map[string]int{refresh, overridePlan}},
		{[]string{"apply", "saved"}, []map[string]int{overridePlan, {"PUT" + override: 1}}},
		{[]string{"plan", "-out=saved", "-destroy", "-var=mention=@here", "-var=severity=LOW"}, []map[string]int{refresh}},
		{[]string{"apply", "saved"}, []map[string]int{{remove: 3, "DELETE" + override: 1}}},
	}
	for _, step := range steps {
		work.Must(t, step.args...)
		want := map[string]int{}
		for _, some := range step.want {
			for request, n := range some {
				want[request] += n
			}
		}
		if got := counted(p.requests()); !maps.Equal(got, want) {
			t.Errorf("%v asked %v, want %v", step.args, got, want)
		}
	}
}

var anyID = regexp.MustCompile(`(/v1/destinations|/v1/overrides)/([0-9a-f]{8}-[0-9a-f-]+|d)($|/)`)

func counted(requests []string) map[string]int {
	counts := map[string]int{}
	for _, r := range requests {
		counts[anyID.ReplaceAllString(r, "$1/ID$3")]++
	}
	return counts
}
