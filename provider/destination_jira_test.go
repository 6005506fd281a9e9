// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestJira_IsCheckedAtPlan looks where the error of each wrong attribute is shown, for both kinds of Jira.
func TestJira_IsCheckedAtPlan(t *testing.T) {
	w := newWorld(t)
	config := func(kind, arguments string) string {
		return w.config(`
resource "alertrouter_destination_` + kind + `" "test" {
  display_name = "Issues"
  severities   = []
  ` + arguments + `
}
`)
	}
	const (
		cloud  = "site_url = \"https://acme.atlassian.net\"\n  api_token_wo = \"x\"\n"
		center = "base_url = \"https://jira.example.com\"\n  project_key = \"SEC\"\n"
		sec    = "project_key = \"SEC\"\n"
	)
	var steps []resource.TestStep
	for _, c := range []struct{ kind, arguments, want string }{
		{"jira_cloud", sec + "site_url = \"acme.atlassian.net\"", `(?s)site_url\s+must\s+be\s+a\s+URL`},
		{"jira_cloud", cloud + "project_key = \"sec\"", `(?s)project_key.*capital\s+letters`},
		{"jira_cloud", cloud + sec + "cloud_id = \"acme\"", `(?s)cloud_id.*1324a887`},
		{"jira_cloud", cloud + sec + "labels = [\"a b\"]", `(?s)labels.*no\s+spaces`},
		{"jira_cloud", cloud + sec + "priority_by_severity = { high = \"High\" }", `(?s)priority_by_severity.*CRITICAL`},
		{"jira_cloud", cloud + sec + "parent_key = \"SEC\"", `(?s)parent_key.*SEC-123`},
		{"jira_cloud", cloud + sec + "security_level = \"Internal\"", `(?s)security_level.*digits`},
		{"jira_cloud", cloud + sec + "custom_fields = jsonencode([1])", `(?s)custom_fields.*JSON\s+object`},
		{"jira_cloud", cloud + sec + "custom_fields = \"null\"", `(?s)custom_fields.*JSON\s+object`},
		{"jira_cloud", cloud + sec + "custom_fields = \"{\"", `(?s)custom_fields.*JSON\s+object`},
		{"jira_cloud", sec + "site_url = \"https://acme.atlassian.net\"", `(?s)api_token_wo\s+is\s+required`},
		{"jira_data_center", center + "max_description_characters = 100", `(?s)max_description_characters.*4000`},
		{"jira_data_center", center + "username = \"a\"\n  personal_access_token_wo = \"x\"", `(?s)cannot\s+be\s+configured\s+together`},
		// By the server.
		{"jira_cloud", cloud + sec + "custom_fields = jsonencode({ summary = \"x\" })", `(?s)custom_fields.*set\s+by\s+title_template`},
		{"jira_cloud", cloud + sec + "custom_fields = jsonencode({ Team = \"x\" })", `(?s)custom_fields.*customfield_10042`},
		{"jira_cloud", cloud + sec + "assignee = \"jane@acme.example\"", `(?s)assignee.*account\s+id`},
		{"jira_cloud", sec + "site_url = \"https://acme.atlassian.net/jira\"\n  api_token_wo = \"x\"", `(?s)site_url.*alone`},
		{"jira_cloud", cloud + sec + "body_template = \"{{\"", `(?s)body_template`},
		{"jira_data_center", center, `(?s)personal_access_token_wo\s+is\s+required,\s+or\s+username\s+and\s+password_wo`},
		{"jira_data_center", center + "username = \"a\"", `(?s)password_wo\s+is\s+required`},
		{"jira_data_center", "project_key = \"SEC\"\n  personal_access_token_wo = \"x\"\n  base_url = \"https://acme.atlassian.net\"", `(?s)base_url.*jira_cloud`},
	} {
		steps = append(steps, resource.TestStep{Config: config(c.kind, c.arguments), PlanOnly: true, ExpectError: regexp.MustCompile(c.want)})
	}
	for _, c := range []struct{ kind, arguments string }{
		{"jira_cloud", cloud + sec + "labels = [\"é\", \"b\"]\n  custom_fields = jsonencode({})\n  send_priority = false"},
		{"jira_data_center", center + "username = \"a\"\n  password_wo = \"x y\""},
	} {
		steps = append(steps, resource.TestStep{Config: config(c.kind, c.arguments)})
	}
	w.run(t, steps...)
}
