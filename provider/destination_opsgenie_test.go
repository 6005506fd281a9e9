// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestOpsgenie_IsCheckedAtPlan looks where the error of each wrong attribute is shown, and whose it is.
func TestOpsgenie_IsCheckedAtPlan(t *testing.T) {
	w := newWorld(t)
	config := func(more string) string {
		return w.config(`
resource "alertrouter_destination_opsgenie" "test" {
  display_name = "Duty"
  severities   = []
  ` + more + `
}
`)
	}
	var steps []resource.TestStep
	for _, c := range []struct{ arguments, want string }{
		{`responders = [{ type = "team" }]`, `(?s)responders\[0\].*exactly\s+one\s+of\s+id\s+and\s+name`},
		{`responders = [{ type = "team", name = "a", id = "b" }]`, `(?s)responders\[0\].*exactly\s+one`},
		{`responders = [{ type = "user", name = "a" }]`, `(?s)responders\[0\].*of\s+id\s+and\s+username`},
		{`responders = [{ type = "group", name = "a" }]`, `(?s)responders\[0\].type.*escalation`},
		{`visible_to = [{ type = "schedule", name = "a" }]`, `(?s)visible_to\[0\].type.*team`},
		{`responders = [{ type = "team", name = "a\nb" }]`, `(?s)responders\[0\].name.*one\s+line`},
		{`service = "opsgenie_us"`, `(?s)service.*opsgenie_eu`},
		{`priority_by_severity = { HIGH = "P6" }`, `(?s)priority_by_severity\["HIGH"\].*P5`},
		{`priority_by_severity = { high = "P1" }`, `(?s)priority_by_severity.*CRITICAL`},
		{`tags = ["` + strings.Repeat("x", 51) + `"]`, `(?s)tags\[0\].*between\s+1\s+and\s+50`},
		{`details = { " a" = "b" }`, `(?s)details.*begin\s+or\s+end\s+with\s+space`},
		{``, `(?s)api_key_wo\s+is\s+required`},
		// By the server.
		{`api_key_wo = "GenieKey x"`, `(?s)api_key_wo.*without\s+GenieKey`},
		{"api_key_wo = \"x\"\n  tags = [\"a\", \"" + strings.Repeat("😀", 26) + "\"]", `(?s)tags\[1\].*at\s+most\s+50\s+characters`},
		{"api_key_wo = \"x\"\n  details = { a = \"" + strings.Repeat("x", 4000) + "\" }", `(?s)details.*4000\s+characters\s+in\s+all`},
	} {
		steps = append(steps, resource.TestStep{Config: config(c.arguments), PlanOnly: true, ExpectError: regexp.MustCompile(c.want)})
	}
	w.run(t, steps...)
}

// TestBlinkOps_HasOneKey asks for a key in exactly one of the places where it can be.
func TestBlinkOps_HasOneKey(t *testing.T) {
	w := newWorld(t)
	config := func(more string) string {
		return w.config(`
resource "alertrouter_destination_blink_ops" "test" {
  display_name = "Triage"
  severities   = []
  ` + more + `
}
`)
	}
	const base, full = `webhook_url_wo = "https://x.app.blinkops.com/webhooks/a"`, `webhook_url_wo = "https://x.app.blinkops.com/webhooks/a?apikey=k"`
	const key, secret = "\n  api_key_wo = \"k\"", "\n  signing_secret_wo = \"k\""
	var steps []resource.TestStep
	for _, c := range []struct{ arguments, want string }{
		{base, `(?s)api_key_wo\s+is\s+required,\s+or\s+signing_secret_wo\s+in\s+its\s+place`},
		{base + key + secret, `(?s)cannot\s+be\s+configured\s+together`},
		{full + key, `(?s)webhook_url_wo\s+must\s+not\s+have\s+a\s+key`},
		{key, `(?s)webhook_url_wo\s+is\s+required`},
	} {
		steps = append(steps, resource.TestStep{Config: config(c.arguments), PlanOnly: true, ExpectError: regexp.MustCompile(c.want)})
	}
	for _, arguments := range []string{base + key, base + secret, full} {
		steps = append(steps, resource.TestStep{Config: config(arguments)})
	}
	w.run(t, steps...)
}
