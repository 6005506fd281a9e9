// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

const (
	slackAddress   = "alertrouter_destination_slack.test"
	webhookAddress = "alertrouter_destination_webhook.test"
	slackURL       = "https://hooks.slack.com/services/T00000000/B00000000/aaaaaaaaaaaaaaaaaaaaaaaa"
	otherSlackURL  = "https://hooks.slack.com/services/T00000000/B00000000/bbbbbbbbbbbbbbbbbbbbbbbb"
)

// slack is a Slack destination with more attributes in its body.
func slack(more string) string {
	return fmt.Sprintf(`
resource "alertrouter_destination_slack" "test" {
  display_name   = "SOC"
  severities     = ["HIGH", "CRITICAL"]
  %s
}
`, more)
}

func slackWith(url string) string { return slack(fmt.Sprintf("webhook_url_wo = %q", url)) }

func TestDestination_LivesItsWholeLife(t *testing.T) {
	w := newWorld(t)
	whole := `
resource "alertrouter_destination_slack" "test" {
  display_name          = "SOC on-call ünï"
  enabled               = false
  severities            = []
  alert_types           = ["POLICY", "RULE"]
  log_types             = ["Okta.SystemLog", "AWS.CloudTrail"]
  allow_manual_dispatch = true
  max_age_seconds       = 3600
  max_concurrency       = 3
  rate_limit_per_second = 0.5
  mention               = "<!here>"
  webhook_url_wo        = "` + slackURL + `"
}
`
	w.run(
		t,
		resource.TestStep{
			Config:           w.config(slackWith(slackURL)),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("enabled"), knownvalue.Bool(true)),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("alert_types"), knownvalue.Null()),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("webhook_url_wo"), knownvalue.Null()),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("revision"), knownvalue.Int64Exact(1)),
			},
		},
		resource.TestStep{
			Config:           w.config(whole),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("rate_limit_per_second"), knownvalue.Float64Exact(0.5)),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("log_types"), knownvalue.SetSizeExact(2)),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("severities"), knownvalue.SetSizeExact(0)),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("revision"), knownvalue.Int64Exact(2)),
			},
		},
		resource.TestStep{ResourceName: slackAddress, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: slackAddress, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{
			Config:           w.config(slackWith(slackURL)),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("rate_limit_per_second"), knownvalue.Null()),
				statecheck.ExpectKnownValue(slackAddress, tfjsonpath.New("mention"), knownvalue.Null()),
			},
		},
	)
	list, err := client.OK(w.api.ListDestinationsWithResponse(t.Context(), nil))
	if err != nil || len(list.Items) != 0 {
		t.Errorf("after destroy there are %v (%v)", list, err)
	}
}

func TestDestination_PagerdutyHasDefaults(t *testing.T) {
	w := newWorld(t)
	const address = "alertrouter_destination_pagerduty.test"
	config := func(more string) string {
		return w.config(`
resource "alertrouter_destination_pagerduty" "test" {
  display_name   = "Duty"
  severities     = ["CRITICAL"]
  routing_key_wo = "0123456789abcdef0123456789abcdef"
  ` + more + `
}
`)
	}
	w.run(
		t,
		resource.TestStep{
			Config: config(""),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, tfjsonpath.New("region"), knownvalue.StringExact("us")),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("client"), knownvalue.StringExact("alertrouter")),
			},
		},
		resource.TestStep{Config: config(`region = "eu"`), ConfigPlanChecks: planned(address, plancheck.ResourceActionUpdate)},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{Config: config(`client = "siem"`), ConfigPlanChecks: planned(address, plancheck.ResourceActionUpdate)},
	)
}

func TestDestination_SecretsComeAndGo(t *testing.T) {
	w := newWorld(t)
	config := func(more string) string { return w.config(soar(more)) }
	secrets := func(names ...string) resource.TestCheckFunc { return w.has(t, names...) }
	w.run(
		t,
		resource.TestStep{
			Config: config(`
  secret_url_wo     = "https://soar.example.com/hooks/0123"
  secret_headers_wo = { X-Api-Key = "one", X-Other = "two" }
  signing_secret_wo = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  bearer_token_wo   = "three"
  headers           = { X-Team = "soc" }
  timeout_seconds   = 5
`),
			Check: secrets("bearer_token", "secret_headers", "secret_url", "signing_secret"),
		},
		resource.TestStep{
			ResourceName: webhookAddress, ImportState: true, ImportStateVerify: true,
		},
		// One value of a table of secrets changes.
		resource.TestStep{
			Config: config(`
  secret_url_wo     = "https://soar.example.com/hooks/0123"
  secret_headers_wo = { X-Api-Key = "one", X-Other = "changed" }
  signing_secret_wo = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  bearer_token_wo   = "three"
  headers           = { X-Team = "soc" }
  timeout_seconds   = 5
`),
			ConfigPlanChecks: planned(webhookAddress, plancheck.ResourceActionUpdate),
		},
		// The URL is no secret any more, and basic credentials replace the bearer token.
		resource.TestStep{
			Config: config(`
  url               = "https://soar.example.com/hooks"
  basic_username    = "alertrouter"
  basic_password_wo = "four"
`),
			ConfigPlanChecks: planned(webhookAddress, plancheck.ResourceActionUpdate),
			Check:            secrets("basic_password"),
		},
		resource.TestStep{
			Config: config(`url = "https://soar.example.com/hooks"`),
			Check:  secrets(),
		},
	)
}

func TestDestination_NoticesSecretsThatChange(t *testing.T) {
	w := newWorld(t)
	versioned := func(url string, version int) string {
		return w.config(slack(fmt.Sprintf("webhook_url_wo = %q\n  webhook_url_wo_version = %d", url, version)))
	}
	update := planned(slackAddress, plancheck.ResourceActionUpdate)
	nothing := planned(slackAddress, plancheck.ResourceActionNoop)
	byHand := func() {
		w.change(t, func(input *client.DestinationInput) {
			input.Config.Slack.WebhookURL = nullable.NewNullableWithValue("https://hooks.slack.com/services/T00000000/B00000000/byhand")
		})
	}
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith(slackURL))},
		resource.TestStep{Config: w.config(slackWith(slackURL)), ConfigPlanChecks: nothing},
		// Automatic mode: another value is an update, and so is what somebody else did.
		resource.TestStep{Config: w.config(slackWith(otherSlackURL)), ConfigPlanChecks: update},
		resource.TestStep{PreConfig: byHand, Config: w.config(slackWith(otherSlackURL)), ConfigPlanChecks: update},
		// Manual mode: the version decides, and what somebody else did.
		resource.TestStep{Config: versioned(otherSlackURL, 1), ConfigPlanChecks: update},
		resource.TestStep{Config: versioned(slackURL, 1), ConfigPlanChecks: nothing},
		resource.TestStep{Config: versioned(slackURL, 2), ConfigPlanChecks: update},
		resource.TestStep{PreConfig: byHand, Config: versioned(slackURL, 2), ConfigPlanChecks: update},
		// A required secret may leave the configuration: the server keeps it.
		resource.TestStep{Config: w.config(slack("")), ConfigPlanChecks: update}, // the version goes
		resource.TestStep{Config: w.config(slack("mention = \"<!here>\"")), ConfigPlanChecks: update},
	)
}

// soar is a webhook destination of which only the given attributes are configured.
func soar(more string) string {
	return `
resource "alertrouter_destination_webhook" "test" {
  display_name = "SOAR"
  severities   = ["HIGH"]
  ` + more + `
}
`
}

// has checks which secrets the server has of the one destination.
func (w *world) has(t *testing.T, secrets ...string) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		got := slices.Sorted(maps.Keys(w.only(t).SecretFingerprints))
		if !slices.Equal(got, secrets) {
			return fmt.Errorf("the server has the secrets %v, want %v", got, secrets)
		}
		return nil
	}
}

func TestDestination_RemovesSecretsThatSomebodyElseSet(t *testing.T) {
	w := newWorld(t)
	config := w.config(soar(`url = "https://soar.example.com"`))
	w.run(
		t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				w.change(t, func(input *client.DestinationInput) {
					input.Config.Webhook.BearerToken = nullable.NewNullableWithValue("by-hand")
					input.Config.Webhook.SecretHeaders = nullable.NewNullableWithValue(map[string]string{"X-Key": "by-hand"})
				})
			},
			Config:           config,
			ConfigPlanChecks: planned(webhookAddress, plancheck.ResourceActionUpdate),
			Check:            w.has(t),
		},
		resource.TestStep{
			PreConfig: func() {
				w.change(t, func(input *client.DestinationInput) {
					input.Config.Webhook.URL = nil
					input.Config.Webhook.SecretURL = nullable.NewNullableWithValue("https://hand.example.com")
				})
			},
			Config:           config,
			ConfigPlanChecks: planned(webhookAddress, plancheck.ResourceActionUpdate),
			Check:            w.has(t),
		},
	)
}

func TestDestination_LeavesImportedSecretsAloneUntilTheyChange(t *testing.T) {
	w := newWorld(t)
	d, err := client.Created(w.api.CreateDestinationWithResponse(t.Context(), nil, client.DestinationInput{
		DisplayName: "SOAR", Severities: []client.Severity{"HIGH"},
		Config: client.DestinationConfig{Webhook: &client.WebhookConfig{
			SecretURL:   nullable.NewNullableWithValue("https://soar.example.com/0123"),
			BearerToken: nullable.NewNullableWithValue("imported"),
		}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	adopt := fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", webhookAddress, d.ID)
	update := planned(webhookAddress, plancheck.ResourceActionUpdate)
	w.run(
		t,
		resource.TestStep{Config: w.config(adopt + soar("")), ConfigPlanChecks: planned(webhookAddress, plancheck.ResourceActionNoop)},
		// The first write, of another attribute, leaves the secrets alone, and so does the next.
		resource.TestStep{Config: w.config(soar("timeout_seconds = 5")), ConfigPlanChecks: update, Check: w.has(t, "bearer_token", "secret_url")},
		resource.TestStep{Config: w.config(soar("timeout_seconds = 6")), ConfigPlanChecks: update, Check: w.has(t, "bearer_token", "secret_url")},
		resource.TestStep{
			PreConfig: func() {
				w.change(t, func(input *client.DestinationInput) {
					input.Config.Webhook.BearerToken = nullable.NewNullableWithValue("by-hand")
				})
			},
			Config: w.config(soar("timeout_seconds = 6")), ConfigPlanChecks: update, Check: w.has(t, "secret_url"),
		},
	)
}

func TestDestination_ReplacesImportedSecretsByWhatExcludesThem(t *testing.T) {
	cases := []struct {
		name   string
		before client.WebhookConfig
		after  string
		has    []string
	}{
		{"secret_url by url", client.WebhookConfig{SecretURL: nullable.NewNullableWithValue("https://soar.example.com/0123")}, `url = "https://soar.example.com"`, nil},
		{"bearer_token by basic_username", client.WebhookConfig{URL: new("https://soar.example.com"), BearerToken: nullable.NewNullableWithValue("imported")}, `
  url               = "https://soar.example.com"
  basic_username    = "alertrouter"
  basic_password_wo = "four"
`, []string{"basic_password"}},
		{"basic_password by bearer_token", client.WebhookConfig{URL: new("https://soar.example.com"), BasicUsername: new("a"), BasicPassword: nullable.NewNullableWithValue("b")}, `
  url             = "https://soar.example.com"
  bearer_token_wo = "five"
`, []string{"bearer_token"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			d, err := client.Created(w.api.CreateDestinationWithResponse(t.Context(), nil, client.DestinationInput{
				DisplayName: "SOAR", Severities: []client.Severity{"HIGH"}, Config: client.DestinationConfig{Webhook: &c.before},
			}))
			if err != nil {
				t.Fatal(err)
			}
			w.run(t, resource.TestStep{
				Config: w.config(fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", webhookAddress, d.ID) + soar(c.after)),
				Check:  w.has(t, c.has...),
			})
		})
	}
}

// TestDestination_ShowsFingerprintsThatCannotChange looks at the plans of changes that have nothing to do with secrets.
func TestDestination_ShowsFingerprintsThatCannotChange(t *testing.T) {
	w := newWorld(t)
	versioned := fmt.Sprintf("webhook_url_wo = %q\n  webhook_url_wo_version = ", slackURL)
	const plain = "url = \"https://soar.example.com\"\n"
	known := func(address string, size int) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
			plancheck.ExpectKnownValue(address, tfjsonpath.New("secret_fingerprints"), knownvalue.MapSizeExact(size)),
		}}
	}
	unknown := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectUnknownValue(slackAddress, tfjsonpath.New("secret_fingerprints")),
	}}
	w.run(
		t,
		resource.TestStep{Config: w.config(slack(versioned+"1") + soar(plain))},
		resource.TestStep{Config: w.config(slack(versioned+"1\n  mention = \"@here\"") + soar(plain)), ConfigPlanChecks: known(slackAddress, 1)},
		resource.TestStep{Config: w.config(slack(versioned+"1\n  mention = \"@here\"") + soar(plain+"timeout_seconds = 5")), ConfigPlanChecks: known(webhookAddress, 0)},
		resource.TestStep{Config: w.config(slack(versioned + "2")), ConfigPlanChecks: unknown},
		// Without a version another value may come at apply.
		resource.TestStep{Config: w.config(slackWith(slackURL)), ConfigPlanChecks: unknown},
		resource.TestStep{Config: w.config(slack(fmt.Sprintf("webhook_url_wo = %q\n  mention = \"@here\"", slackURL))), ConfigPlanChecks: unknown},
	)
}

func TestDestination_RepairsWhatChangedOutside(t *testing.T) {
	w := newWorld(t)
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith(slackURL))},
		resource.TestStep{
			PreConfig: func() {
				w.change(t, func(input *client.DestinationInput) {
					input.DisplayName, input.Severities, input.Enabled = "by hand", []client.Severity{}, new(false)
					input.LogTypes, input.Config.Slack.Mention = &[]string{"By.Hand"}, new("<!here>")
				})
			},
			Config:           w.config(slackWith(slackURL)),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionUpdate),
		},
		resource.TestStep{
			PreConfig:        func() { w.remove(t) },
			Config:           w.config(slackWith(slackURL)),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionCreate),
		},
	)
}

func TestDestination_OverwritesNothing(t *testing.T) {
	w := newWorld(t)
	interfere := betweenPlanAndApply(func() {
		w.change(t, func(input *client.DestinationInput) { input.DisplayName = "by hand" })
	})
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith(slackURL))},
		resource.TestStep{
			Config:           w.config(slack(fmt.Sprintf("webhook_url_wo = %q\n  mention = \"<!here>\"", slackURL))),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{interfere}},
			ExpectError:      regexp.MustCompile(`(?s)changed\s+outside\s+Terraform.*412`),
		},
		resource.TestStep{
			PreConfig: func() {
				if got := w.only(t).DisplayName; got != "by hand" {
					t.Errorf("the display name is %q: what was done by hand is lost", got)
				}
			},
			Config:           w.config(slackWith(slackURL)),
			ConfigPlanChecks: planned(slackAddress, plancheck.ResourceActionUpdate),
		},
	)
}

func TestDestination_SaysWhenItWasDeletedBeforeTheUpdate(t *testing.T) {
	w := newWorld(t)
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith(slackURL))},
		resource.TestStep{
			Config: w.config(slack(fmt.Sprintf("webhook_url_wo = %q\n  mention = \"<!here>\"", slackURL))),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{betweenPlanAndApply(func() { w.remove(t) })},
			},
			ExpectError: regexp.MustCompile(`(?s)deleted\s+outside\s+Terraform`),
		},
	)
}

func TestDestination_ShowsErrorsWhereTheyBelong(t *testing.T) {
	w := newWorld(t)
	refuse := func(config string, want *regexp.Regexp) resource.TestStep {
		return resource.TestStep{Config: w.config(config), PlanOnly: true, ExpectError: want}
	}
	w.run(
		t,
		// By the server, when the plan is made.
		refuse(slackWith("http://not-slack.example.com"), onAttribute("webhook_url_wo", "")),
		refuse(soar(`url = "ftp://x"`), onAttribute("url", "")),
		refuse(soar(`url = "https://x.example"
  headers = { Host = "x" }`), onAttribute("headers", `headers\["Host"\]\s+is\s+set\s+by`)),
		refuse(soar(`url = "https://x.example"
  secret_headers_wo = { Host = "x" }`), onAttribute("secret_headers_wo", `secret_headers_wo\["Host"\]\s+is`)),
		refuse(soar(`url = "https://x.example"
  signing_secret_wo = "x"`), onAttribute("signing_secret_wo", "")),
		refuse(soar(``), regexp.MustCompile(`(?s)url\s+is\s+required,\s+or\s+secret_url_wo`)),
		refuse(slackWith(slackURL)+`
resource "alertrouter_destination_pagerduty" "test" {
  display_name   = "Duty"
  severities     = []
  routing_key_wo = "short"
}
`, onAttribute("routing_key_wo", "")),
		// By the provider.
		refuse(slack(""), regexp.MustCompile(`(?s)secret\s+is\s+missing.*webhook_url_wo\s+is\s+required`)),
		refuse(slack(`log_types = []`), onAttribute("log_types", "at least 1")),
		refuse(slack(`alert_types = ["RULES"]`), onAttribute("alert_types", "RULE_ERROR")),
		refuse(slack(`rate_limit_per_second = 0
  webhook_url_wo = "`+slackURL+`"`), onAttribute("rate_limit_per_second", "none of")),
		refuse(soar(`url = "https://x.example"
  secret_url_wo = "https://x.example"`), regexp.MustCompile(`(?s)cannot\s+be\s+configured\s+together`)),
		refuse(`
resource "alertrouter_destination_pagerduty" "test" {
  display_name   = "Duty"
  severities     = []
  routing_key_wo = "0123456789abcdef0123456789abcdef"
  client         = "`+strings.Repeat("ü", 128)+`"
}
`, onAttribute("client", "between 1 and 255")), // bytes
	)
}

func TestDestination_ReportsATakenNameAtApply(t *testing.T) {
	w := newWorld(t)
	w.run(t, resource.TestStep{
		Config: w.config(slackWith(slackURL)),
		ConfigPlanChecks: resource.ConfigPlanChecks{
			PreApply: []plancheck.PlanCheck{betweenPlanAndApply(func() { w.clicked(t, "soc") })},
		},
		ExpectError: regexp.MustCompile(`(?s)display_name\s+=.*to = alertrouter_destination_slack\.NAME`),
	})
}

// TestDestination_CanBeReplaced plans what the server cannot foresee: that the name is free by the time it is needed.
func TestDestination_CanBeReplaced(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "first" { default = true }
variable "round" { default = 1 }
resource "terraform_data" "round" {
  input = var.round
}
resource "alertrouter_destination_slack" "first" {
  count          = var.first ? 1 : 0
  display_name   = "SOC"
  severities     = []
  webhook_url_wo = "`+slackURL+`"
  lifecycle { replace_triggered_by = [terraform_data.round] }
}
resource "alertrouter_destination_webhook" "second" {
  count        = var.first ? 0 : 1
  display_name = "soc"
  severities   = []
  url          = "https://soar.example.com"
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	work.Must(t, "apply", "-auto-approve")
	for _, args := range [][]string{{"-replace=alertrouter_destination_slack.first[0]"}, {"-var=round=2"}} {
		before := w.only(t).ID
		out := work.Must(t, append([]string{"apply", "-no-color", "-auto-approve"}, args...)...)
		if w.only(t).ID == before {
			t.Errorf("%v: want another destination than %s\n%s", args, before, out)
		}
	}
	out := work.Must(t, "plan", "-no-color", "-var=round=2", "-var=first=false")
	if !strings.Contains(out, "1 to add, 0 to change, 1 to destroy") || !strings.Contains(out, "The display name is taken now") {
		t.Errorf("the name of what goes cannot be used again, or without a warning:\n%s", out)
	}
}

func TestDestination_RefusesToImportAnotherType(t *testing.T) {
	w := newWorld(t)
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith(slackURL))},
		resource.TestStep{
			Config: w.config(slackWith(slackURL) + `
resource "alertrouter_destination_pagerduty" "test" {
  display_name = "SOC"
  severities   = []
}
`),
			ResourceName:      "alertrouter_destination_pagerduty.test",
			ImportState:       true,
			ImportStateIdFunc: func(*terraform.State) (string, error) { return w.only(t).ID, nil },
			ExpectError:       regexp.MustCompile(`(?s)is\s+a\s+slack\s+destination.*alertrouter_destination_slack`),
		},
		resource.TestStep{
			ResourceName: slackAddress, ImportState: true, ImportStateId: "nothing",
			ExpectError: regexp.MustCompile(`no\s+such\s+destination`),
		},
	)
}
