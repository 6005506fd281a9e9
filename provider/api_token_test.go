// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

const tokenAddress = "alertrouter_api_token.test"

var (
	firstSecret  = "alertrouter_" + strings.Repeat("1", 43)
	secondSecret = "alertrouter_" + strings.Repeat("2", 43)
)

// apiToken is a token with these arguments, and a role unless they have permissions.
func apiToken(more string) string {
	role := `role = "engine"`
	if regexp.MustCompile(`\b(role|permissions)\b`).MatchString(more) {
		role = ""
	}
	return "\nresource \"alertrouter_api_token\" \"test\" {\n  name = \"engine\"\n" + role + "\n" + more + "\n}\n"
}

// withSecret is the arguments of a secret and its version.
func withSecret(secret string, version int) string {
	return fmt.Sprintf("secret_wo = %q\n  secret_wo_version = %d\n", secret, version)
}

// answers reports the status the control plane gives a token that asks for alerts: 401 is a token it does not know, 403
// one that it knows.
func (w *world) answers(t *testing.T, secret string) int {
	t.Helper()
	api, err := client.New(w.URL, secret)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := api.ListAlertsWithResponse(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode()
}

// wantAnswers checks a step's outcome: the status each of the secrets gets.
func (w *world) wantAnswers(t *testing.T, want map[string]int) resource.TestCheckFunc {
	return func(*terraform.State) error {
		for secret, status := range want {
			if got := w.answers(t, secret); got != status {
				return fmt.Errorf("the token %s…: got %d, want %d", secret[:13], got, status)
			}
		}
		return nil
	}
}

// tokens returns the tokens there are beside the admin's.
func (w *world) tokens(t *testing.T) []client.Token {
	t.Helper()
	list, err := client.OK(w.api.ListTokensWithResponse(t.Context()))
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("there are no tokens (%v)", err)
	}
	return list.Items[1:]
}

// revokeAll revokes them behind Terraform's back.
func (w *world) revokeAll(t *testing.T) {
	t.Helper()
	for _, token := range w.tokens(t) {
		if err := client.NoContent(w.api.RevokeTokenWithResponse(t.Context(), token.ID)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPIToken_LivesItsWholeLife(t *testing.T) {
	w := newWorld(t)
	known, unknown := http.StatusForbidden, http.StatusUnauthorized
	replace, nothing := planned(tokenAddress, plancheck.ResourceActionReplace), planned(tokenAddress, plancheck.ResourceActionNoop)
	w.run(
		t,
		resource.TestStep{
			Config:           w.config(apiToken(withSecret(firstSecret, 1))),
			ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("role"), knownvalue.StringExact("engine")),
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("permissions"), knownvalue.Null()),
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("expires_at"), knownvalue.Null()),
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("secret_wo"), knownvalue.Null()),
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("created_at"), knownvalue.NotNull()),
			},
			Check: w.wantAnswers(t, map[string]int{firstSecret: known}),
		},
		resource.TestStep{ResourceName: tokenAddress, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"secret_wo_version"}},
		// The secret alone may be another at every run.
		resource.TestStep{
			Config: w.config(apiToken(withSecret(secondSecret, 1))), ConfigPlanChecks: nothing,
			Check: w.wantAnswers(t, map[string]int{firstSecret: known, secondSecret: unknown}),
		},
		resource.TestStep{
			Config: w.config(apiToken(withSecret(secondSecret, 2))), ConfigPlanChecks: replace,
			Check: w.wantAnswers(t, map[string]int{firstSecret: unknown, secondSecret: known}),
		},
		// Without create_before_destroy a token that is changed otherwise may keep its secret.
		resource.TestStep{
			Config:           w.config(apiToken(withSecret(secondSecret, 2) + `permissions = ["alerts:write", "alerts:read"]`)),
			ConfigPlanChecks: replace,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("role"), knownvalue.Null()),
				statecheck.ExpectKnownValue(tokenAddress, tfjsonpath.New("permissions"), knownvalue.SetSizeExact(2)),
			},
			Check: w.wantAnswers(t, map[string]int{secondSecret: http.StatusOK}),
		},
		resource.TestStep{Config: w.config(apiToken(withSecret(secondSecret, 2) + `permissions = ["alerts:read", "alerts:write"]`)), ConfigPlanChecks: nothing},
		resource.TestStep{Config: w.config(apiToken(withSecret(secondSecret, 2) + `permissions = ["alerts:write"]`)), ConfigPlanChecks: replace},
		resource.TestStep{Config: w.config(strings.Replace(apiToken(withSecret(secondSecret, 2)), `"engine"`, `"other"`, 1)), ConfigPlanChecks: replace},
		// Without its secret in the configuration it stays, and only the version is forgotten.
		resource.TestStep{
			Config: w.config(strings.Replace(apiToken(""), `"engine"`, `"other"`, 1)), ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionUpdate),
			Check: w.wantAnswers(t, map[string]int{secondSecret: known}),
		},
		resource.TestStep{
			Config: w.config(strings.Replace(apiToken(withSecret(firstSecret, 3)), `"engine"`, `"other"`, 1)), ConfigPlanChecks: replace,
			Check: w.wantAnswers(t, map[string]int{firstSecret: known, secondSecret: unknown}),
		},
	)
	if left := w.tokens(t); len(left) != 0 {
		t.Errorf("after destroy there are %v", left)
	}
}

func TestAPIToken_IsReplacedWithoutAGap(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	direct := w.URL
	w.URL = p.URL
	config := func(more string) string {
		return w.config(apiToken(more + "lifecycle { create_before_destroy = true }"))
	}
	longer := `expires_at = "2999-01-01T00:00:00Z"` + "\n"
	w.run(
		t,
		resource.TestStep{Config: config(withSecret(firstSecret, 1))},
		resource.TestStep{
			PreConfig: func() { p.requests() },
			Config:    config(withSecret(secondSecret, 2)),
			Check: func(*terraform.State) error {
				asked := p.requests()
				made := slices.Index(asked, "POST /v1/tokens")
				revoked := slices.IndexFunc(asked, func(r string) bool { return strings.HasPrefix(r, "DELETE") })
				if made < 0 || revoked < made {
					return fmt.Errorf("the control plane was asked %v, want the new token before the end of the old", asked)
				}
				return nil
			},
		},
		resource.TestStep{
			Config:      config(withSecret(secondSecret, 2) + longer),
			ExpectError: onAttribute("secret_wo", `secret\s+of\s+its\s+own.*409`),
		},
		resource.TestStep{Config: config(withSecret(firstSecret, 3) + longer)},
	)
	w.URL = direct
	if left := w.tokens(t); len(left) != 0 {
		t.Errorf("after destroy there are %v", left)
	}
}

func TestAPIToken_IsMadeAgainWhenItWasRevoked(t *testing.T) {
	w := newWorld(t)
	config := w.config(apiToken(withSecret(firstSecret, 1)))
	w.run(
		t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:        func() { w.revokeAll(t) },
			Config:           config,
			ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionCreate),
			Check:            w.wantAnswers(t, map[string]int{firstSecret: http.StatusForbidden}),
		},
		// Revoked between plan and apply, there is nothing left to revoke.
		resource.TestStep{
			Config: w.config(apiToken(withSecret(secondSecret, 2))),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(tokenAddress, plancheck.ResourceActionReplace),
				betweenPlanAndApply(func() { w.revokeAll(t) }),
			}},
		},
	)
}

func TestAPIToken_KnowsATimeInAllItsSpellings(t *testing.T) {
	w := newWorld(t)
	until := func(at string) string {
		return w.config(apiToken(withSecret(firstSecret, 1) + fmt.Sprintf("expires_at = %q", at)))
	}
	nothing := planned(tokenAddress, plancheck.ResourceActionNoop)
	w.run(
		t,
		resource.TestStep{Config: until("2999-06-01T12:00:00+02:00")},
		resource.TestStep{Config: until("2999-06-01T10:00:00Z"), ConfigPlanChecks: nothing},
		resource.TestStep{Config: until("2999-06-01T10:00:00.000-00:00"), ConfigPlanChecks: nothing},
		resource.TestStep{Config: until("2999-06-01T12:00:00Z"), ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionReplace)},
		resource.TestStep{ResourceName: tokenAddress, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"secret_wo_version"}},
		resource.TestStep{Config: until("2999-06-01T12:00:00.25Z"), ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionReplace)},
		resource.TestStep{Config: w.config(apiToken(withSecret(firstSecret, 1))), ConfigPlanChecks: planned(tokenAddress, plancheck.ResourceActionReplace)},
	)
}

// TestAPIToken_StaysWhenItExpires looks at a token past its time: the plan is empty, and says so.
func TestAPIToken_StaysWhenItExpires(t *testing.T) {
	w := newWorld(t)
	soon := time.Now().Add(5 * time.Second)
	token, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, client.TokenInput{Name: "engine", Role: new(client.TokenInputRole("engine")), ExpiresAt: &soon}))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(soon))
	work := enginetest.NewWorkspace(
		t, enginetest.RequiredProviders+fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", tokenAddress, token.ID)+
			apiToken(fmt.Sprintf("secret_wo = %q\n  expires_at = %q", firstSecret, soon.Format(time.RFC3339Nano))),
		"ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token,
	)
	work.Must(t, "apply", "-auto-approve")
	if out := work.Must(t, "plan", "-no-color", "-detailed-exitcode"); !strings.Contains(out, `The token "engine" has expired`) {
		t.Errorf("the plan does not say that the token has expired:\n%s", out)
	}
	if out, err := work.Run(t, "plan", "-no-color", "-replace="+tokenAddress); err == nil || !strings.Contains(out, "must be in the future") {
		t.Errorf("replacing it with itself: got %v\n%s", err, out)
	}
	work.Must(t, "destroy", "-auto-approve")
}

func TestAPIToken_RefusesAtPlanWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	w.URL = p.URL
	long := "alertrouter_" + strings.Repeat("x", 42)
	refuse := func(more string, want *regexp.Regexp) resource.TestStep {
		return resource.TestStep{Config: w.config(apiToken(more)), PlanOnly: true, ExpectError: want}
	}
	secret := fmt.Sprintf("secret_wo = %q\n", firstSecret)
	w.run(
		t,
		refuse("role = \"engine\"\npermissions = [\"alerts:read\"]\n"+secret, regexp.MustCompile(`(?s)Exactly\s+one\s+of\s+these\s+attributes.*role,\s*permissions`)),
		refuse("role = null\n"+secret, regexp.MustCompile(`(?s)Exactly\s+one\s+of\s+these\s+attributes.*role,\s*permissions`)),
		refuse("permissions = []\n"+secret, onAttribute("permissions", "at\\s+least\\s+1")),
		refuse("permissions = [\"alerts:eat\"]\n"+secret, onAttribute("permissions", "alerts:write")),
		refuse("role = \"chief\"\n"+secret, onAttribute("role", "operator")),
		refuse("expires_at = \"tomorrow\"\n"+secret, onAttribute("expires_at", "RFC\\s+3339")),
		refuse("expires_at = \"9999-12-31T23:59:59-10:00\"\n"+secret, onAttribute("expires_at", "RFC\\s+3339")),
		refuse("expires_at = \"2020-01-01T00:00:00Z\"\n"+secret, onAttribute("expires_at", "must\\s+be\\s+in\\s+the\\s+future")),
		refuse("", regexp.MustCompile(`(?s)A secret is missing.*secret_wo\s+is\s+required`)),
		refuse("secret_wo_version = 1", onAttribute("secret_wo_version", "secret_wo")),
		refuse(fmt.Sprintf("secret_wo = %q", long), onAttribute("secret_wo", "openssl\\s+rand")),
		resource.TestStep{Config: w.config(strings.Replace(apiToken(secret), `"engine"`, `" engine"`, 1)), PlanOnly: true, ExpectError: onAttribute("name", "space")},
	)
	if asked := p.requests(); len(asked) > 0 {
		t.Errorf("the control plane was asked %v", asked)
	}
	// A literal secret would be in Terraform's own excerpt of the configuration, one from a variable only in ours.
	work := enginetest.NewWorkspace(
		t, enginetest.RequiredProviders+"variable \"secret\" { ephemeral = true }\n"+apiToken("secret_wo = var.secret"),
		"ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_secret="+long,
	)
	if out, err := work.Run(t, "plan", "-no-color"); err == nil || strings.Contains(out, long) {
		t.Errorf("a wrong secret: got %v, and the error must not quote it:\n%s", err, out)
	}
}

func TestAPIToken_GivesNoMoreThanItsMakerHas(t *testing.T) {
	w := newWorld(t)
	maker, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, client.TokenInput{Name: "maker", Permissions: []client.Permission{"tokens:write", "alerts:read"}}))
	if err != nil {
		t.Fatal(err)
	}
	w.Token = maker.Secret
	refuse := func(config string, want *regexp.Regexp) resource.TestStep {
		return resource.TestStep{Config: w.config(config), ExpectError: want}
	}
	ephemeral := func(more string) string {
		return "ephemeral \"alertrouter_api_token\" \"test\" {\n  name = \"brief\"\n  " + more + "\n}\n"
	}
	w.run(
		t,
		refuse(apiToken(withSecret(firstSecret, 1)), onAttribute("role", `lacks\s+alerts:write.*403`)),
		refuse(apiToken(withSecret(firstSecret, 1)+`permissions = ["overrides:read", "alerts:read"]`), onAttribute("permissions", `lacks\s+overrides:read.*403`)),
		refuse(ephemeral(`role = "viewer"`), onAttribute("role", `lacks\s+destinations:read,\s+overrides:read.*403`)),
		refuse(ephemeral(`permissions = ["backup:read"]`), onAttribute("permissions", `lacks\s+backup:read.*403`)),
	)
	if left := w.tokens(t); len(left) != 1 {
		t.Errorf("there are the tokens %v, want only the maker's", left)
	}
}

func TestAPIToken_IsImported(t *testing.T) {
	w := newWorld(t)
	config := enginetest.RequiredProviders
	at := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, input := range map[string]client.TokenInput{
		"role":        {Name: "by role", Role: new(client.TokenInputRole("viewer")), Secret: &firstSecret},
		"permissions": {Name: "by permissions", Permissions: []client.Permission{"alerts:read", "alerts:write"}, ExpiresAt: &at},
	} {
		token, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, input))
		if err != nil {
			t.Fatal(err)
		}
		config += fmt.Sprintf("import {\n  to = alertrouter_api_token.%s\n  id = %q\n}\n", name, token.ID)
	}
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	if out := work.Must(t, "plan", "-no-color", "-generate-config-out=generated.tf"); !strings.Contains(out, "2 to import, 0 to add, 0 to change, 0 to destroy") {
		t.Errorf("the plan is\n%s", out)
	}
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")

	// The first version is written down, the second makes another token.
	for _, step := range []struct {
		version int
		want    string
		first   int
	}{{1, "0 added, 1 changed, 0 destroyed", http.StatusOK}, {2, "1 added, 0 changed, 1 destroyed", http.StatusUnauthorized}} {
		work.Write(t, "generated.tf", fmt.Sprintf("resource \"alertrouter_api_token\" \"role\" {\n  name = \"by role\"\n  role = \"viewer\"\n  %s}\n", withSecret(secondSecret, step.version))+
			"resource \"alertrouter_api_token\" \"permissions\" {\n  name = \"by permissions\"\n  permissions = [\"alerts:write\", \"alerts:read\"]\n  expires_at = \"2999-01-01T01:00:00+01:00\"\n}\n")
		if out := work.Must(t, "apply", "-auto-approve", "-no-color"); !strings.Contains(out, step.want) {
			t.Errorf("with version %d: want %s\n%s", step.version, step.want, out)
		}
		if got := w.answers(t, firstSecret); got != step.first {
			t.Errorf("with version %d the imported secret is answered %d, want %d", step.version, got, step.first)
		}
		work.Must(t, "plan", "-detailed-exitcode")
	}
}

func TestAPIToken_SaysWhyTheLastAdminsStays(t *testing.T) {
	w := newWorld(t)
	list, err := client.OK(w.api.ListTokensWithResponse(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	work := enginetest.NewWorkspace(
		t, enginetest.RequiredProviders+fmt.Sprintf("import {\n  to = alertrouter_api_token.test\n  id = %q\n}\n", list.Items[0].ID)+
			strings.Replace(apiToken(`role = "admin"`), `"engine"`, fmt.Sprintf("%q", list.Items[0].Name), 1),
		"ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token,
	)
	work.Must(t, "apply", "-auto-approve")
	if out, err := work.Run(t, "destroy", "-auto-approve", "-no-color"); err == nil || !strings.Contains(out, "no other token has tokens:write") || strings.Contains(out, "import") {
		t.Errorf("got %v\n%s", err, out)
	}
}
