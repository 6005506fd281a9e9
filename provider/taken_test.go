// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
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
		resource.TestStep{
			Config: w.config(slackWith(slackURL)), PlanOnly: true,
			ExpectError: onAttribute("display_name", `rename\s+or\s+delete\s+that\s+destination`),
		},
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
