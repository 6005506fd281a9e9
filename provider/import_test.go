// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// workspace is a directory whose provider talks to this control plane.
func (w *world) workspace(t *testing.T, config string) *enginetest.Workspace {
	t.Helper()
	return enginetest.NewWorkspace(t, enginetest.RequiredProviders+config, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
}

func (w *world) create(t *testing.T, input client.DestinationInput) client.Destination {
	t.Helper()
	d, err := client.Created(w.api.CreateDestinationWithResponse(t.Context(), nil, input))
	if err != nil {
		t.Fatal(err)
	}
	return *d
}

// createSlack creates a Slack destination of that name.
func (w *world) createSlack(t *testing.T, name string) client.Destination {
	t.Helper()
	return w.create(t, client.DestinationInput{
		DisplayName: name, Severities: []client.Severity{"HIGH"}, Config: configOf(t, "slack", map[string]any{"webhook_url": slackURL}),
	})
}

func (w *world) override(t *testing.T, id string, input client.OverrideInput) {
	t.Helper()
	if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), id, nil, input)); err != nil {
		t.Fatal(err)
	}
}

// configOf is a config with the members of one type.
func configOf(t *testing.T, typeName string, members map[string]any) client.DestinationConfig {
	t.Helper()
	raw, err := json.Marshal(map[string]any{typeName: members})
	if err != nil {
		t.Fatal(err)
	}
	var config client.DestinationConfig
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	return config
}

// exampleConfigs are the contract's examples of the config of every type.
func exampleConfigs(t *testing.T) map[string]map[string]any {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]map[string]any{}
	for name, member := range document.Components.Schemas["DestinationConfig"].Value.Properties {
		examples[name], _ = member.Value.Example.(map[string]any)
		if len(examples[name]) == 0 {
			t.Fatalf("the contract has no example of %s", name)
		}
	}
	return examples
}

// least takes everything out of a config that the server does not insist on.
func (w *world) least(t *testing.T, typeName string, members map[string]any) map[string]any {
	t.Helper()
	left := maps.Clone(members)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		fewer := maps.Clone(left)
		delete(fewer, name)
		input := client.DestinationInput{DisplayName: "Least", Severities: []client.Severity{}, Config: configOf(t, typeName, fewer)}
		if _, err := client.OK(w.api.ValidateDestinationWithResponse(t.Context(), nil, input)); err == nil {
			left = fewer
		}
	}
	return left
}

// fill makes destinations of every type, with as much and with as little as can be, and overrides, as people do who have
// no Terraform yet. It returns the import blocks for them: by id, and by display name.
func (w *world) fill(t *testing.T) (blocks string, count int) {
	t.Helper()
	last := w.createSlack(t, "Last resort")
	adopt := func(address, id string) {
		blocks += fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, id)
		count++
	}
	add := func(typeName, label string, input client.DestinationInput) {
		input.DisplayName = typeName + " " + label
		d := w.create(t, input)
		address := "alertrouter_destination_" + typeName + "." + label
		if label == "whole" {
			adopt(address, d.ID)
			return
		}
		adopt(address, "name:"+strings.ToUpper(d.DisplayName))
	}
	whole := client.DestinationInput{
		Enabled: new(false), Severities: []client.Severity{"CRITICAL", "LOW"}, AlertTypes: &[]client.AlertType{"POLICY", "RULE"}, LogTypes: &[]string{"Okta.SystemLog", "a \"${b}\" %{c}\\"},
		AllowManualDispatch: new(true), Fallback: &last.ID, FallbackAfterSeconds: new(int64(60)), MaxAgeSeconds: new(int64(3600)), MaxConcurrency: new(3), RateLimitPerSecond: new(0.1),
	}
	for typeName, members := range exampleConfigs(t) {
		whole.Config = configOf(t, typeName, members)
		add(typeName, "whole", whole)
		add(typeName, "least", client.DestinationInput{Severities: []client.Severity{}, Config: configOf(t, typeName, w.least(t, typeName, members))})
	}
	// What the example of a webhook does not have, because it cannot have everything at once.
	add("webhook", "secret", client.DestinationInput{Severities: []client.Severity{"INFO"}, Config: configOf(t, "webhook", map[string]any{
		"secret_url": "https://soar.example.com/0123", "basic_username": "a", "basic_password": "b",
		"headers": map[string]any{"X-Odd": `${a} %{b} "c" \ ü`}, "secret_headers": map[string]any{"X-Key": "d"},
	})})
	for id, input := range map[string]client.OverrideInput{
		"whole":                  {Severity: new(client.OverrideInputSeverityLOW), Destinations: &[]string{last.ID, "SKIP"}},
		"AWS/Root Login: ${ünï}": {Severity: new(client.OverrideInputSeverityHIGH)},
		"suppressed":             {Destinations: &[]string{}},
	} {
		w.override(t, id, input)
		adopt(fmt.Sprintf("alertrouter_detection_override.number_%d", count), strings.ReplaceAll(id, "${", "$${"))
	}
	return blocks, count
}

// TestImport_GeneratesConfigurationThatPlansEmpty adopts what was made by hand, and lets Terraform write the
// configuration.
func TestImport_GeneratesConfigurationThatPlansEmpty(t *testing.T) {
	w := newWorld(t)
	blocks, count := w.fill(t)
	work := w.workspace(t, blocks)
	out := work.Must(t, "plan", "-no-color", "-generate-config-out=generated.tf")
	if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy", count); !strings.Contains(out, want) {
		t.Errorf("want %q, the plan is\n%s", want, out)
	}
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")
	work.Must(t, "plan", "-detailed-exitcode", "-refresh=false")
}

// TestImport_PlansNoChangeOfJSONThatSaysTheSame adopts texts of JSON as a person writes them, in a configuration with
// jsonencode, which leaves out white space and sorts by name; without the secret, and with it in each mode.
func TestImport_PlansNoChangeOfJSONThatSaysTheSame(t *testing.T) {
	w := newWorld(t)
	cases := []struct{ typeName, members, secret, arguments, stored, written, other, spaced string }{
		{
			"jira_cloud", `"site_url": "https://acme.atlassian.net", "project_key": "SEC"`, "api_token", "site_url = \"https://acme.atlassian.net\"\n  project_key = \"SEC\"",
			`{ "duedate": "2026-12-24",  "customfield_10042": {"value": "Security", "id": 12345678901234567890} }`,
			`{ customfield_10042 = { id = 12345678901234567890, value = "Security" }, duedate = "2026-12-24" }`,
			`{ customfield_10042 = { id = 12345678901234567891, value = "Security" }, duedate = "2026-12-24" }`,
			`{ "duedate": "2026-12-24",  "customfield_10042": {"value": "Security", "id": 12345678901234567891} }`,
		},
		{
			"jira_data_center", `"base_url": "https://jira.example.com", "project_key": "SEC"`, "personal_access_token", "base_url = \"https://jira.example.com\"\n  project_key = \"SEC\"",
			"{\n  \"customfield_1\": [1, 2]\n}", `{ customfield_1 = [1, 2] }`, `{ customfield_1 = [2, 1] }`, `{ "customfield_1" : [2, 1] }`,
		},
		{
			"asana", `"project_gids": ["10"]`, "access_token", `project_gids = ["10"]`,
			`{"61": "<a> & é", "60": 1}`, `{ 60 = 1, 61 = "<a> & é" }`, `{ 60 = 1 }`, `{ "60": 1 }`,
		},
	}
	modes := map[string]string{"none": "", "automatic": "\n  %s_wo = %q", "manual": "\n  %[1]s_wo = %[2]q\n  %[1]s_wo_version = 1"}
	revisions, imports := map[string]int64{}, "" // by id
	for _, c := range cases {
		for mode := range modes {
			members := map[string]any{}
			if err := json.Unmarshal([]byte(`{`+c.members+`}`), &members); err != nil {
				t.Fatal(err)
			}
			members[c.secret], members["custom_fields"] = "x", c.stored
			d := w.create(t, client.DestinationInput{DisplayName: c.typeName + " " + mode, Severities: []client.Severity{}, Config: configOf(t, c.typeName, members)})
			revisions[d.ID] = d.Revision
			imports += fmt.Sprintf("import {\n  to = alertrouter_destination_%s.%s\n  id = %q\n}\n", c.typeName, mode, d.ID)
		}
	}
	work := w.workspace(t, "")
	write := func(secret string, fields func(i int) string) {
		text := enginetest.RequiredProviders + imports
		for i, c := range cases {
			for mode, arguments := range modes {
				if arguments != "" {
					arguments = fmt.Sprintf(arguments, c.secret, secret)
				}
				text += fmt.Sprintf("resource \"alertrouter_destination_%s\" %q {\n  display_name = \"%[1]s %[2]s\"\n  severities = []\n  %s\n  custom_fields = %s%s\n}\n", c.typeName, mode, c.arguments, fields(i), arguments)
			}
		}
		work.Write(t, "main.tf", text)
	}
	encoded := func(i int) string { return "jsonencode(" + cases[i].written + ")" }
	encodedOther := func(i int) string { return "jsonencode(" + cases[i].other + ")" }
	spaced := func(i int) string { return fmt.Sprintf("%q", cases[i].spaced) }
	applies := func(doing, want string, written int64) {
		t.Helper()
		if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, want) {
			t.Errorf("%s: want %q in\n%s", doing, want, out)
		}
		work.Must(t, "plan", "-detailed-exitcode")
		for id := range revisions {
			after, err := client.OK(w.api.GetDestinationWithResponse(t.Context(), id))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(after.DisplayName, "automatic") && after.Revision != revisions[id]+written {
				t.Errorf("%s: %s has revision %d, want %d", doing, after.DisplayName, after.Revision, revisions[id]+written)
			}
		}
	}
	write("x", encoded)
	applies("import", "9 imported, 0 added, 3 changed", 0) // those with a version, which is new
	write("x", encodedOther)
	applies("what is said otherwise", "0 added, 9 changed", 1)
	write("x", spaced)
	applies("the same in another form", "0 added, 0 changed", 1)
	write("y", encodedOther)
	applies("another secret", "0 added, 3 changed", 2)
	write("z", spaced)
	applies("another secret and another form", "0 added, 3 changed", 3)
}

func TestImport_FindsDestinationsByName(t *testing.T) {
	w := newWorld(t)
	const shaped = "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11" // a display name that looks like an id
	ids := map[string]string{}
	for _, name := range []string{"SOC on-call", shaped, "name:SOC"} {
		ids[name] = w.createSlack(t, name).ID
	}
	for importID, name := range map[string]string{
		"name:SOC on-call": "SOC on-call", "name: soc ON-CALL ": "SOC on-call", "name:" + shaped: shaped, "name:name:SOC": "name:SOC", " " + ids["name:SOC"] + "\n": "name:SOC",
	} {
		work := w.workspace(t, "resource \"alertrouter_destination_slack\" \"test\" {\n  display_name = \""+name+"\"\n  severities = [\"HIGH\"]\n}\n")
		work.Must(t, "import", slackAddress, importID)
		if out := work.Must(t, "state", "show", "-no-color", slackAddress); !strings.Contains(out, ids[name]) {
			t.Errorf("%q is not imported as %s:\n%s", importID, ids[name], out)
		}
		work.Must(t, "plan", "-detailed-exitcode")
	}
}

func TestImport_SaysWhatIsWrongWithTheID(t *testing.T) {
	w := newWorld(t)
	slackID := w.createSlack(t, "SOC on-call").ID
	work := w.workspace(t, "resource \"alertrouter_destination_slack\" \"test\" {\n  display_name = \"SOC\"\n  severities = []\n}\n"+
		"resource \"alertrouter_destination_webhook\" \"test\" {\n  display_name = \"SOC\"\n  severities = []\n}\n"+override(`severity = "LOW"`))
	for _, c := range []struct{ address, id, want string }{
		{slackAddress, "SOC on-call", `No\s+destination\s+has\s+the\s+id\s+"SOC\s+on-call".*"name:SOC\s+on-call"`},
		{slackAddress, "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11", `No\s+destination\s+has\s+the\s+id`},
		{slackAddress, "a/b?c", `No\s+destination\s+has\s+the\s+id`},
		{slackAddress, "  ", `is\s+the\s+id\s+of\s+nothing.*name:`},
		{slackAddress, "..", `is\s+the\s+id\s+of\s+nothing`},
		{slackAddress, "name:", `display\s+name\s+is\s+missing`},
		{slackAddress, "name:  ", `display\s+name\s+is\s+missing`},
		{slackAddress, "name:nobody", `No\s+destination\s+has\s+the\s+display\s+name\s+"nobody".*alertrouter_destinations`},
		{slackAddress, "name:" + slackID, `No\s+destination\s+has\s+the\s+display\s+name`},
		{webhookAddress, "name:SOC on-call", `is\s+a\s+slack\s+destination.*alertrouter_destination_slack`},
		{webhookAddress, slackID, `is\s+a\s+slack\s+destination.*alertrouter_destination_slack`},
		{overrideAddress, "none", `detection\s+"none"\s+has\s+no\s+override`},
		{overrideAddress, " ", `is\s+the\s+id\s+of\s+nothing.*detection`},
		{overrideAddress, "..", `is\s+the\s+id\s+of\s+nothing`},
	} {
		out, err := work.Run(t, "import", "-no-color", c.address, c.id)
		if err == nil || !regexp.MustCompile(`(?s)`+c.want).MatchString(unframed(out)) {
			t.Errorf("%s, %q: want an error with %s, got (%v)\n%s", c.address, c.id, c.want, err, out)
		}
	}
}

// TestImport_NeedsAConfiguredProvider imports with a provider whose endpoint is not known before apply.
func TestImport_NeedsAConfiguredProvider(t *testing.T) {
	w := newWorld(t)
	config := fmt.Sprintf("resource \"terraform_data\" \"endpoint\" {\n  input = %q\n}\n"+
		"provider \"alertrouter\" {\n  endpoint = terraform_data.endpoint.output\n  token = %q\n}\n", w.URL, w.Token)
	for _, id := range []string{"name:SOC", "0192a6d2-7f3c-7d2e-9c5a-0e4b8a9d7c11"} {
		w.run(t, resource.TestStep{
			Config:      config + fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", slackAddress, id) + slack(""),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`provider\s+is\s+not\s+configured\s+yet`),
		})
	}
}

// TestImport_TakesSecretsOver gives an imported destination its secret.
func TestImport_TakesSecretsOver(t *testing.T) {
	for name, c := range map[string]struct {
		secret string
		first  plancheck.ResourceActionType
	}{
		"without a version": {fmt.Sprintf("webhook_url_wo = %q", slackURL), plancheck.ResourceActionNoop}, // there is nothing to compare it with
		"with a version":    {fmt.Sprintf("webhook_url_wo = %q\n  webhook_url_wo_version = 1", slackURL), plancheck.ResourceActionUpdate},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := w.create(t, client.DestinationInput{
				DisplayName: "SOC", Severities: []client.Severity{"HIGH", "CRITICAL"}, Config: configOf(t, "slack", map[string]any{"webhook_url": otherSlackURL}),
			})
			adopt := fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", slackAddress, d.ID)
			sent := func(want bool) resource.TestCheckFunc {
				return func(*terraform.State) error {
					if got := !maps.Equal(w.only(t).SecretFingerprints, d.SecretFingerprints); got != want {
						return fmt.Errorf("the secret was sent: %v, want %v", got, want)
					}
					return nil
				}
			}
			w.run(
				t,
				resource.TestStep{Config: w.config(adopt + slack("")), ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionNoop)},
				resource.TestStep{
					Config: w.config(slack(c.secret)), ConfigPlanChecks: planned(slackAddress, c.first), Check: sent(c.first == plancheck.ResourceActionUpdate),
				},
				resource.TestStep{
					Config: w.config(slack(c.secret + "\n  mention = \"@here\"")), ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionUpdate), Check: sent(true),
				},
			)
		})
	}
}

func TestImport_TakesAnIdentity(t *testing.T) {
	enginetest.Needs(t, "import by identity", "1.12", "1.12")
	w := newWorld(t)
	slackID := w.createSlack(t, "SOC").ID
	w.override(t, "AWS/Root Login: ünï", client.OverrideInput{Severity: new(client.OverrideInputSeverityLOW)})
	adopt := func(address, member, value string) string {
		return fmt.Sprintf("import {\n  to = %s\n  identity = { %s = %q }\n}\n", address, member, value)
	}
	work := w.workspace(t, adopt(slackAddress, "id", slackID)+adopt(overrideAddress, "detection_id", "AWS/Root Login: ünï"))
	work.Must(t, "plan", "-generate-config-out=generated.tf")
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")

	for _, c := range []struct{ address, member, value, want string }{
		{slackAddress, "id", "name:SOC", `No\s+destination\s+has\s+the\s+id\s+"name:SOC"`},
		{slackAddress, "id", " ", `is\s+the\s+id\s+of\s+nothing`},
		{webhookAddress, "id", slackID, `is\s+a\s+slack\s+destination`},
		{overrideAddress, "detection_id", "none", `has\s+no\s+override`},
		{overrideAddress, "detection_id", "", `is\s+the\s+id\s+of\s+nothing`},
	} {
		out, err := w.workspace(t, adopt(c.address, c.member, c.value)).Run(t, "plan", "-no-color", "-generate-config-out=generated.tf")
		if err == nil || !regexp.MustCompile(`(?s)`+c.want).MatchString(unframed(out)) {
			t.Errorf("%s: want an error with %s, got (%v)\n%s", c.address, c.want, err, out)
		}
	}
}

// TestIdentity_SurvivesDeletion refreshes what is gone: the framework insists on an identity even then.
func TestIdentity_SurvivesDeletion(t *testing.T) {
	w := newWorld(t)
	work := w.workspace(t, slackWith(slackURL)+override(`severity = "LOW"`))
	work.Must(t, "apply", "-auto-approve")
	w.remove(t)
	if err := client.NoContent(w.api.DeleteOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil)); err != nil {
		t.Fatal(err)
	}
	out := work.Must(t, "apply", "-no-color", "-auto-approve")
	if !strings.Contains(out, "2 added, 0 changed, 0 destroyed") {
		t.Errorf("what is gone is not made again:\n%s", out)
	}
	work.Must(t, "plan", "-detailed-exitcode")
}

// unframed takes the frame off the errors an engine prints.
func unframed(out string) string { return strings.ReplaceAll(out, "│", "") }
