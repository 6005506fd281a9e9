// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// clicked makes a destination that Terraform knows nothing of.
func (w *world) clicked(t *testing.T, name string) *client.Destination {
	t.Helper()
	d, err := client.Created(w.api.CreateDestinationWithResponse(t.Context(), nil, client.DestinationInput{
		DisplayName: name, Severities: []client.Severity{},
		Config: client.DestinationConfig{Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue(slackURL)}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDestination_ATakenNameIsFoundAtPlan has the name taken by a destination that is not Terraform's, so that no apply
// can free it.
func TestDestination_ATakenNameIsFoundAtPlan(t *testing.T) {
	w := newWorld(t)
	soc, duty := w.clicked(t, "soc"), w.clicked(t, "Duty")
	w.run(
		t,
		resource.TestStep{
			Config: w.config(slackWith(slackURL)), PlanOnly: true,
			ExpectError: onAttribute("display_name", `slack\s+destination\s+`+soc.ID+`(?s).*import {\s+to = alertrouter_destination_slack\.NAME\s+id = "`+soc.ID+`"\s+}`),
		},
		resource.TestStep{
			Config: w.config(strings.Replace(soar(`url = "https://x.example"`), `"SOAR"`, `"Duty"`, 1)), PlanOnly: true,
			ExpectError: regexp.MustCompile(`(?s)display_name\s+=.*import {\s+to = alertrouter_destination_slack\.NAME\s+id = "` + duty.ID),
		},
		resource.TestStep{Config: w.config(strings.Replace(slackWith(slackURL), `"SOC"`, `"Other"`, 1))},
	)
}

// TestDestination_ANameThatIsFreedIsNotTaken has the name taken by what Terraform itself will remove.
func TestDestination_ANameThatIsFreedIsNotTaken(t *testing.T) {
	w := newWorld(t)
	config := func(label string) string {
		return enginetest.RequiredProviders + strings.Replace(slackWith(slackURL), `"test"`, `"`+label+`"`, 1)
	}
	work := enginetest.NewWorkspace(t, config("test"), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-no-color", "-auto-approve")
	const replacement = "1 to add, 0 to change, 1 to destroy"
	for name, args := range map[string][]string{
		"replaced":         {"-replace=" + slackAddress},
		"replaced, unread": {"-replace=" + slackAddress, "-refresh=false"},
	} {
		if out := work.Must(t, append([]string{"plan", "-no-color"}, args...)...); !strings.Contains(out, replacement) {
			t.Errorf("%s: got\n%s", name, out)
		}
	}
	work.Write(t, "main.tf", config("renamed"))
	if out := work.Must(t, "plan", "-no-color"); !strings.Contains(out, "The display name is taken now") || !strings.Contains(out, replacement) {
		t.Errorf("at another address: got no plan with a warning:\n%s", out)
	}
	work.Write(t, "main.tf", config("test"))

	work.Must(t, "taint", slackAddress)
	before := w.only(t).ID
	out, err := work.Run(t, "plan", "-no-color", "-refresh=false")
	if err == nil || !strings.Contains(strings.Join(strings.Fields(out), " "), "With -refresh=false a destination that is tainted") {
		t.Errorf("tainted and unread: got no error that names -refresh=false:\n%s", out)
	}
	if out = work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "1 added, 0 changed, 1 destroyed") || w.only(t).ID == before {
		t.Errorf("tainted: it was not replaced:\n%s", out)
	}
}

// TestDestination_ARenameToATakenNameIsAWarning renames to what another destination has, which may come later in the plan
// than the one that is renamed, since it depends on it.
func TestDestination_ARenameToATakenNameIsAWarning(t *testing.T) {
	w := newWorld(t)
	config := func(name, primary string) string {
		return enginetest.RequiredProviders + `
resource "alertrouter_destination_webhook" "backup" {
  display_name = "` + name + `"
  severities   = []
  url          = "https://soar.example.com"
}
resource "alertrouter_destination_webhook" "primary" {
  for_each     = toset(` + primary + `)
  display_name = "primary"
  severities   = []
  url          = "https://soar.example.com"
  fallback     = alertrouter_destination_webhook.backup.id
}
`
	}
	work := enginetest.NewWorkspace(t, config("backup", `["one"]`), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	work.Write(t, "main.tf", config("primary", "[]"))
	if out := work.Must(t, "plan", "-no-color"); !strings.Contains(out, "The display name is taken now") {
		t.Errorf("there is no warning:\n%s", out)
	}
	work.Must(t, "apply", "-auto-approve")
	if d := w.only(t); d.DisplayName != "primary" {
		t.Errorf("the destination is called %q", d.DisplayName)
	}
}

// TestPlan_FindsTwins has pairs of which one only could be made.
func TestPlan_FindsTwins(t *testing.T) {
	w := newWorld(t)
	text := func(name, id string) string {
		return fmt.Sprintf("resource \"alertrouter_destination_webhook\" \"two\" {\n  display_name = %q\n  severities = []\n  url = \"https://soar.example.com\"\n}\n"+
			"resource \"alertrouter_detection_override\" \"two\" {\n  detection_id = %q\n  severity = \"LOW\"\n}\n", name, id)
	}
	one := slackWith(slackURL) + override(`severity = "HIGH"`)
	w.run(
		t,
		resource.TestStep{Config: w.config(one + text("soc", "D")), PlanOnly: true, ExpectError: onAttribute("display_name", `this\s+display\s+name`)},
		resource.TestStep{Config: w.config(one + text("Other", "AWS/Root Login: ünï")), PlanOnly: true, ExpectError: onAttribute("detection_id", `this\s+detection\s+id`)},
		resource.TestStep{Config: w.config(one + text("Other", "D"))},
	)
}

// TestOverride_OneThatExistsIsFoundByThePlan has an override made by hand.
func TestOverride_OneThatExistsIsFoundByThePlan(t *testing.T) {
	w := newWorld(t)
	if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil, client.OverrideInput{})); err != nil {
		t.Fatal(err)
	}
	w.run(t, resource.TestStep{
		Config: w.config(override(`severity = "HIGH"`)), PlanOnly: true,
		ExpectError: onAttribute("detection_id", `(?s)import {\s+to = alertrouter_detection_override\.NAME`),
	})
}
