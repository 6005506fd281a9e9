// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	_ "github.com/alertrouter/terraform-provider-alertrouter/provider" // built by a child: go test would not know that it changed
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// modules are the configurations to copy that this package runs, each by a function of its own.
var modules = map[string]func(*testing.T, *world){
	"adopt":                  runAdopt,
	"checks":                 runChecks,
	"destinations-from-yaml": runDestinationsFromYAML,
	"github-actions":         runGitHubActions,
	"severity-tiers":         runSeverityTiers,
}

// TestModules_Work runs every configuration to copy on a control plane of its own. One that nothing runs is an error.
func TestModules_Work(t *testing.T) {
	t.Parallel()
	here := 0
	for _, dir := range configurations(t) {
		run, ok := modules[dir]
		if !ok {
			if !isRunElsewhere(t, dir) {
				t.Errorf("examples/%s is run by no test: add it to modules", dir)
			}
			continue
		}
		here++
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Copy(t, dir)
			run(t, w)
		})
	}
	if here != len(modules) {
		t.Errorf("found %d of the %d configurations there are to run", here, len(modules))
	}
}

// configurations are the directories of this one that hold Terraform code.
func configurations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no configurations (%v)", err)
	}
	var dirs []string
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	return slices.DeleteFunc(dirs, func(dir string) bool {
		return dir == "demo" || // an addition to the quickstart, and of no use alone
			dir == "provider" // the provider's page quotes it; TestGuides_AreValid has it
	})
}

// isRunElsewhere reports whether another program or test of the examples names the directory.
func isRunElsewhere(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob("demo/*.go")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, tests...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file != "modules_test.go" && (strings.Contains(string(text), `"`+dir+`"`) || strings.Contains(string(text), "examples/"+dir)) {
			return true
		}
	}
	return false
}

// A world is a control plane and a workspace whose provider talks to it.
type world struct {
	*servertest.Server
	*enginetest.Workspace
	api *client.ClientWithResponses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := servertest.Start(t)
	api, err := client.New(s.URL, s.Token)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		Server: s, api: api,
		Workspace: enginetest.NewWorkspace(t, "", "ALERTROUTER_ENDPOINT="+s.URL, "ALERTROUTER_TOKEN="+s.Token, "TF_CLI_ARGS=-no-color"),
	}
}

// set gives a variable its value.
func (w *world) set(name, value string) { w.Env = append(w.Env, "TF_VAR_"+name+"="+value) }

// apply applies, and wants the plan after it to be empty. It returns what apply printed.
func (w *world) apply(t *testing.T) string {
	t.Helper()
	out := w.Must(t, "apply", "-auto-approve")
	w.Must(t, "plan", "-detailed-exitcode")
	return out
}

// test runs the configuration's own tests, and wants some to pass.
func (w *world) test(t *testing.T, args ...string) {
	t.Helper()
	out := w.Must(t, append([]string{"test"}, args...)...)
	if !strings.Contains(out, "Success!") || strings.Contains(out, "Success! 0 passed") {
		t.Errorf("no test passed:\n%s", out)
	}
}

// wants checks that a command's output has the words, wherever lines were broken.
func wants(t *testing.T, out string, words ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if strings.ContainsRune("│╷╵", r) {
			return ' '
		}
		return r
	}, out)), " ")
	for _, text := range words {
		if !strings.Contains(flat, text) {
			t.Errorf("the output lacks %q:\n%s", text, out)
		}
	}
}

const (
	slackURL   = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
	routingKey = "0123456789abcdef0123456789abcdef"
)

func runDestinationsFromYAML(t *testing.T, w *world) {
	w.set("secrets", `{"slack_on_call": "`+slackURL+`", "pagerduty_duty": "`+routingKey+`", "soar_token": "secret-soar-token", "archive_url": "https://archive.example.com/secret-key"}`)
	w.test(t)
	w.apply(t)
	w.hasNoSecret(t, slackURL, routingKey, "secret-soar-token", "secret-key")
	override, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS.Console.RootLogin"))
	if err != nil || len(override.Destinations) != 2 {
		t.Errorf("the override is %+v (%v), want one of two destinations", override, err)
	}

	w.set("secrets", "{}")
	out, _ := w.Run(t, "plan")
	wants(t, out, "The variable secrets must have each of: archive_url, pagerduty_duty, slack_on_call, soar_token.")

	w.set("secrets", `{"slack_on_call": "`+slackURL+`"}`)
	w.set("file", "tests/mistakes.yaml")
	out, _ = w.Run(t, "plan")
	wants(t, out, "tests/mistakes.yaml cannot be used:",
		"The file has destination: it may have destinations and overrides.",
		"destinations.no_type has no type, or another than pagerduty, slack, webhook.",
		"destinations.misspelt_type has no type, or another than",
		"destinations.no_name has no display_name.",
		"destinations.no_severities has no list of severities, such as [HIGH, CRITICAL].",
		"destinations.misspelt has urll: a webhook destination has no such argument.",
		"destinations.foreign_secret.secrets has webhook_url: a pagerduty destination has no such secret.",
		"overrides.AWS.Console.RootLogin has severty: it may have severity and destinations.",
		"overrides.AllLogs.IPMonitoring names nobody, which is no key of destinations.")
}

// hasNoSecret looks for secrets in every file that the engine has written, and wants a state among them.
func (w *world) hasNoSecret(t *testing.T, secrets ...string) {
	t.Helper()
	state, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(state), secret) {
			t.Errorf("the state has the secret %s", secret)
		}
	}
}

func runSeverityTiers(t *testing.T, w *world) {
	w.Must(t, "get") // the module that the tests call
	w.test(t)
	for name, value := range map[string]string{
		"pagerduty_routing_key": routingKey, "slack_webhook_url": slackURL, "ticket_token": "secret-ticket-token",
		"ticket_url": "https://tickets.example.com/alerts", "log_url": "https://siem.example.com/input",
	} {
		w.set(name, value)
	}
	w.apply(t)
	w.hasNoSecret(t, routingKey, slackURL, "secret-ticket-token")
}

func runAdopt(t *testing.T, w *world) {
	w.set("soar_url", "https://soar.example.com/hooks/alerts")
	onCall := w.create(t, client.DestinationInput{
		DisplayName: "SOC on-call", Severities: []client.Severity{"HIGH", "CRITICAL"},
		Config: client.DestinationConfig{Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue(slackURL), Mention: new("<!here>")}},
	})
	w.create(t, client.DestinationInput{
		DisplayName: "Audit", Severities: []client.Severity{},
		Config: client.DestinationConfig{Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue(slackURL)}},
	})
	w.create(t, client.DestinationInput{
		DisplayName: "SOAR", Severities: []client.Severity{"LOW", "MEDIUM", "HIGH", "CRITICAL"},
		Config: client.DestinationConfig{Webhook: &client.WebhookConfig{URL: new("https://soar.example.com/hooks/alerts")}},
	})
	w.create(t, client.DestinationInput{
		DisplayName: "Not ours", Severities: []client.Severity{},
		Config: client.DestinationConfig{Webhook: &client.WebhookConfig{URL: new("https://other.example.com")}},
	})
	override := client.OverrideInput{Severity: new(client.OverrideInputSeverity("CRITICAL")), Destinations: &[]string{onCall}}
	if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), "AWS.Console.RootLogin", nil, override)); err != nil {
		t.Fatal(err)
	}
	wants(t, w.Must(t, "plan"), "Plan: 4 to import, 0 to add, 0 to change, 0 to destroy.")
	wants(t, w.apply(t), "left_behind", `"Not ours"`)
}

// create makes a destination behind Terraform's back.
func (w *world) create(t *testing.T, input client.DestinationInput) string {
	t.Helper()
	d, err := client.Created(w.api.CreateDestinationWithResponse(t.Context(), nil, input))
	if err != nil {
		t.Fatal(err)
	}
	return d.ID
}
