// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// stateOf is a state with one bare instance in it, as a script writes it or an older provider did.
func stateOf(resourceType, provider string, schemaVersion int, attributes string) string {
	return fmt.Sprintf(`{
  "version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11", "outputs": {},
  "resources": [{
    "mode": "managed", "type": %q, "name": "old", "provider": "provider[\"%s/alertrouter/%s\"]",
    "instances": [{"schema_version": %d, "attributes": %s}]
  }]
}`, resourceType, enginetest.Current().ProviderHost(), provider, schemaVersion, attributes)
}

const toSlack = `
moved {
  from = alertrouter_destination_webhook.old
  to   = alertrouter_destination_slack.test
}
`

// TestMove_MendsAStateOfTheWrongType moves what is a Slack destination and was recorded as a webhook.
func TestMove_MendsAStateOfTheWrongType(t *testing.T) {
	w := newWorld(t)
	d := w.createSlack(t, "SOC")
	work := w.workspace(t, toSlack+"resource \"alertrouter_destination_slack\" \"test\" {\n  display_name = \"SOC\"\n  severities = [\"HIGH\"]\n}\n")
	work.Write(t, "terraform.tfstate", stateOf("alertrouter_destination_webhook", "alertrouter", 0, fmt.Sprintf(`{"id": %q, "url": "https://soar.example.com", "forgotten": [1]}`, d.ID)))
	out := work.Must(t, "plan", "-no-color")
	if !strings.Contains(out, "has moved to") || !strings.Contains(out, "0 to add, 0 to change, 0 to destroy") {
		t.Errorf("the plan is\n%s", out)
	}
	if out, err := work.Run(t, "plan", "-no-color", "-refresh=false"); err == nil || !strings.Contains(out, "moved and not read yet") {
		t.Errorf("a plan without a refresh says (%v)\n%s", err, out)
	}
	work.Must(t, "apply", "-auto-approve")
	for _, more := range []string{"-refresh=true", "-refresh=false"} {
		work.Must(t, "plan", "-detailed-exitcode", more)
	}
	if got := w.only(t); got.Revision != d.Revision {
		t.Errorf("the move changed the destination: it is %+v", got)
	}
}

// TestMove_RefusesAnotherType moves what is a webhook to the resource of Slack destinations.
func TestMove_RefusesAnotherType(t *testing.T) {
	w := newWorld(t)
	const webhook = "resource \"alertrouter_destination_webhook\" \"old\" {\n  display_name = \"SOC\"\n  severities = []\n  url = \"https://soar.example.com\"\n}\n"
	work := w.workspace(t, webhook)
	work.Must(t, "apply", "-auto-approve")
	before := w.only(t)

	work.Write(t, "main.tf", enginetest.RequiredProviders+toSlack+slackWith(slackURL))
	for _, args := range [][]string{{"plan"}, {"apply", "-auto-approve"}, {"apply", "-auto-approve", "-refresh=false"}, {"destroy", "-auto-approve"}, {"destroy", "-auto-approve", "-refresh=false"}} {
		out, err := work.Run(t, append(args, "-no-color")...)
		out = strings.Join(strings.Fields(unframed(out)), " ")
		if want := "Remove the moved block"; err == nil || !strings.Contains(out, want) && !strings.Contains(out, "Plan again without -refresh=false") {
			t.Errorf("%v: want an error with %q, got (%v)\n%s", args, want, err, out)
		}
	}
	if got := w.only(t); got.ID != before.ID || got.Revision != before.Revision {
		t.Errorf("the destination is %+v now", got)
	}

	// Nothing is lost: without the move it is what it was, and can be replaced.
	work.Write(t, "main.tf", enginetest.RequiredProviders+webhook)
	work.Must(t, "plan", "-detailed-exitcode")
	work.Write(t, "main.tf", enginetest.RequiredProviders+slackWith(slackURL))
	work.Must(t, "apply", "-auto-approve")
	if got := w.only(t); got.Type != "slack" {
		t.Errorf("the destination is %+v, want a Slack destination in its place", got)
	}
}

func TestMove_PlansAgainWhatIsGone(t *testing.T) {
	w := newWorld(t)
	work := w.workspace(t, toSlack+slackWith(slackURL))
	work.Write(t, "terraform.tfstate", stateOf("alertrouter_destination_webhook", "alertrouter", 0, `{"id": "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11"}`))
	out := work.Must(t, "apply", "-no-color", "-auto-approve")
	if !strings.Contains(out, "1 added, 0 changed, 0 destroyed") {
		t.Errorf("what is gone is not made again:\n%s", out)
	}
	work.Must(t, "plan", "-detailed-exitcode")
}

func TestMove_RefusesWhatIsNoDestination(t *testing.T) {
	w := newWorld(t)
	d := w.createSlack(t, "SOC")
	id := fmt.Sprintf(`{"id": %q}`, d.ID)
	for name, c := range map[string]struct{ from, state, want string }{
		"an override": {
			"alertrouter_detection_override", stateOf("alertrouter_detection_override", "alertrouter", 0, `{"detection_id": "d"}`), "is no destination. Remove the moved block",
		},
		"a later schema": {
			"alertrouter_destination_webhook", stateOf("alertrouter_destination_webhook", "alertrouter", 9, id), "by a later version of the provider",
		},
		"no id": {
			"alertrouter_destination_webhook", stateOf("alertrouter_destination_webhook", "alertrouter", 0, `{"id": null}`), "has no id",
		},
		"an odd id": {
			"alertrouter_destination_webhook", stateOf("alertrouter_destination_webhook", "alertrouter", 0, `{"id": [1]}`), "cannot be read",
		},
		"something built in": {
			"terraform_data", strings.ReplaceAll(stateOf("terraform_data", "x", 0, id), enginetest.Current().ProviderHost()+"/alertrouter/x", "terraform.io/builtin/terraform"), "is no destination",
		},
	} {
		t.Run(name, func(t *testing.T) {
			work := w.workspace(t, strings.ReplaceAll(toSlack, "alertrouter_destination_webhook", c.from)+slackWith(slackURL))
			work.Write(t, "terraform.tfstate", c.state)
			out, err := work.Run(t, "plan", "-no-color")
			if out = strings.Join(strings.Fields(unframed(out)), " "); err == nil || !strings.Contains(out, c.want) {
				t.Errorf("want an error with %q, got (%v)\n%s", c.want, err, out)
			}
		})
	}
}

// TestMove_KeepsWhatIsKnownOfSecrets renames a resource: what was remembered of its secret goes with it.
func TestMove_KeepsWhatIsKnownOfSecrets(t *testing.T) {
	w := newWorld(t)
	work := w.workspace(t, slackWith(slackURL)+override(`severity = "LOW"`))
	work.Must(t, "apply", "-auto-approve")
	renamed := func(url string) string {
		text := strings.ReplaceAll(slackWith(url)+override(`severity = "LOW"`), `"test"`, `"renamed"`)
		for _, address := range []string{slackAddress, overrideAddress} {
			text += fmt.Sprintf("moved {\n  from = %s\n  to = %s\n}\n", address, strings.Replace(address, ".test", ".renamed", 1))
		}
		return enginetest.RequiredProviders + text
	}
	work.Write(t, "main.tf", renamed(slackURL))
	if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("the rename is\n%s", out)
	}
	work.Must(t, "plan", "-detailed-exitcode")
	work.Write(t, "main.tf", renamed(otherSlackURL)) // which only somebody notices who remembers
	if out := work.Must(t, "plan", "-no-color"); !strings.Contains(out, "0 to add, 1 to change, 0 to destroy") {
		t.Errorf("the plan for another secret is\n%s", out)
	}
}

// TestRemoved_ForgetsWithoutDestroying lets go of a destination and an override.
func TestRemoved_ForgetsWithoutDestroying(t *testing.T) {
	w := newWorld(t)
	work := w.workspace(t, slackWith(slackURL)+override(`severity = "LOW"`))
	work.Must(t, "apply", "-auto-approve")
	forget := ""
	for _, address := range []string{slackAddress, overrideAddress} {
		forget += fmt.Sprintf("removed {\n  from = %s\n  lifecycle {\n    destroy = false\n  }\n}\n", address)
	}
	work.Write(t, "main.tf", enginetest.RequiredProviders+forget)
	work.Must(t, "apply", "-auto-approve")
	if out := work.Must(t, "state", "list"); out != "" {
		t.Errorf("the state still has\n%s", out)
	}
	if _, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS/Root Login: ünï")); err != nil || w.only(t).Type != "slack" {
		t.Errorf("something was destroyed (%v)", err)
	}
}
