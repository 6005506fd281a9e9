// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// A secretStep is one command, and what it has to come to.
type secretStep struct {
	name string
	args string   // after plan or apply
	want string   // in the summary of the plan
	sent []string // the secrets whose fingerprint is another after it
}

// TestSecrets_AreSentWhenTheyShouldBe leads one destination with a secret in each mode through what happens to secrets,
// with values that are not known until apply, that differ from run to run, and that no quotation marks can hold easily.
func TestSecrets_AreSentWhenTheyShouldBe(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "automatic" {
  type      = string
  default   = null
  ephemeral = true
}
variable "manual" {
  type      = string
  default   = null
  ephemeral = true
}
variable "version_of" {
  type    = number
  default = null
}
variable "timeout" {
  type    = number
  default = null
}
variable "members" {
  type      = map(string)
  default   = null
  ephemeral = true
}
variable "made" {
  type    = string
  default = null
}
resource "terraform_data" "made" {
  count = var.made == null ? 0 : 1
  input = var.made
}
resource "alertrouter_destination_webhook" "test" {
  display_name              = "SOAR"
  severities                = []
  url                       = "https://soar.example.com"
  timeout_seconds           = var.timeout
  basic_username            = "soar"
  basic_password_wo         = var.manual
  basic_password_wo_version = var.version_of
  signing_secret_wo         = var.made == null ? var.automatic : terraform_data.made[0].output
  secret_headers_wo         = var.members
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)

	const (
		update  = "0 to add, 1 to change, 0 to destroy"
		nothing = "No changes."
		key     = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		other   = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	)
	both := func(automatic, manual string, version int) string {
		return fmt.Sprintf("-var=automatic=%s -var=manual=%s -var=version_of=%d", automatic, manual, version)
	}
	long := strings.Repeat("0123456789", 100)
	steps := []secretStep{
		{"creation", both(key, "one", 1), "1 to add", []string{"basic_password", "signing_secret"}},
		{"ephemeral values of every run", both(key, "two", 1), nothing, nil},
		{"a change beside them", both(key, "three", 1) + " -var=timeout=5", update, nil},
		{"another version", both(key, "four", 2) + " -var=timeout=5", update, []string{"basic_password"}},
		{"rotation", both(other, "four", 2) + " -var=timeout=5", update, []string{"signing_secret"}},
		{"quotation marks and more", both(other, `a"b\n'${x}%{ü}<日本>&`, 3), update, []string{"basic_password"}},
		{"that again", both(other, "five", 3), nothing, nil},
		{"much", both(other, long, 4), update, []string{"basic_password"}},
		{"no version any more", "-var=automatic=" + other + " -var=manual=" + long, update, nil},
		{"without a version, the same", "-var=automatic=" + other + " -var=manual=" + long, nothing, nil},
		{"without a version, another", "-var=automatic=" + other + " -var=manual=six", update, []string{"basic_password"}},
		{"a version again", both(other, "six", 1), update, nil},
		{"members", both(other, "six", 1) + ` -var=members={A="1",B="2"}`, update, []string{"secret_headers"}},
		{"members in another order", both(other, "six", 1) + ` -var=members={B="2",A="1"}`, nothing, nil},
		{"a member that changes", both(other, "six", 1) + ` -var=members={A="1",B="3"}`, update, []string{"secret_headers"}},
		{"a member that goes", both(other, "six", 1) + ` -var=members={B="3"}`, update, []string{"secret_headers"}},
		{"members that go", both(other, "six", 1), update, []string{"secret_headers"}},
		{"from what is made in the same apply", both(other, "six", 1) + " -var=made=" + key, "1 to add, 1 to change", []string{"signing_secret"}},
		{"from what is there by now", both(other, "six", 1) + " -var=made=" + key, nothing, nil},
		{"replacement", both(other, "seven", 1) + " -var=made=" + key + " -replace=alertrouter_destination_webhook.test", "1 to add, 0 to change, 1 to destroy", []string{"basic_password", "signing_secret"}},
	}
	before := map[string]string{}
	for _, step := range steps {
		args := append([]string{"apply", "-no-color", "-auto-approve"}, strings.Split(step.args, " ")...)
		if out := work.Must(t, args...); !strings.Contains(out, step.want) {
			t.Errorf("%s: want %q in\n%s", step.name, step.want, out)
		}
		after := w.only(t).SecretFingerprints
		var sent []string
		for _, name := range []string{"basic_password", "secret_headers", "signing_secret"} {
			if before[name] != after[name] {
				sent = append(sent, name)
			}
		}
		if !slices.Equal(sent, step.sent) {
			t.Errorf("%s: changed %v at the control plane, want %v", step.name, sent, step.sent)
		}
		before = after
	}
}

// TestSecrets_OfASavedPlan has the value differ between plan and apply, and somebody change it in between.
func TestSecrets_OfASavedPlan(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "url" { ephemeral = true }
variable "mention" { default = null }
resource "alertrouter_destination_slack" "test" {
  display_name   = "SOC"
  severities     = []
  mention        = var.mention
  webhook_url_wo = var.url
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	run := func(want string, args ...string) {
		t.Helper()
		if out := work.Must(t, append(args, "-no-color")...); !strings.Contains(out, want) {
			t.Errorf("%v: want %q in\n%s", args, want, out)
		}
	}
	first, second := "-var=url="+slackURL, "-var=url="+otherSlackURL
	run("1 added", "apply", "-auto-approve", first)
	run("1 to change", "plan", "-out=saved", "-var=mention=@here", first)
	if out, err := work.Run(t, "apply", "-no-color", second, "saved"); err != nil || !strings.Contains(out, "1 changed") {
		t.Fatalf("apply with another value: %v\n%s", err, out)
	}
	run("No changes.", "plan", "-var=mention=@here", second)
	run("1 to change", "plan", "-var=mention=@here", first)

	// A secret of somebody else is in the state after a refresh, and still repaired.
	w.change(t, func(input *client.DestinationInput) {
		input.Config.Slack.WebhookURL = nullable.NewNullableWithValue("https://hooks.slack.com/services/T00000000/B00000000/byhand")
	})
	run("secret_fingerprints", "apply", "-refresh-only", "-auto-approve", "-var=mention=@here", second)
	run("1 to change", "plan", "-refresh=false", "-var=mention=@here", second)
	run("1 changed", "apply", "-auto-approve", "-var=mention=@here", second)
	run("No changes.", "plan", "-var=mention=@here", second)
}
