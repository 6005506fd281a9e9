// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestTemplates_AreCheckedWithoutAControlPlane has what the server would refuse found by validate, which asks nobody.
func TestTemplates_AreCheckedWithoutAControlPlane(t *testing.T) {
	wrong := []struct{ attribute, value, want string }{
		{"title_template", `"{{ .titel }}"`, `line 1: there is no .titel; did you mean .title?`},
		{"title_template", `"{{ env \"HOME\" }}"`, `line 1: there is no function env`},
		{"body_template", "<<-EOT\n    a\n    {{ if .test }}\n  EOT", `line 3: unexpected EOF`},
		{"body_template", `"{{ index .tags 0 }}"`, `line 1: index: there is no such entry in the list`},
		{"body_template", `"{{ range 1000000 }}{{ end }}"`, `line 1: stopped after 200000 steps`},
		{"body_template", `""`, `string length must be at least 1`},
	}
	config := enginetest.RequiredProviders + "resource \"terraform_data\" \"x\" {}\n"
	destination := func(name, more string) string {
		return fmt.Sprintf("resource \"alertrouter_destination_slack\" %q {\n  display_name = %[1]q\n  severities = []\n  %s\n}\n", name, more)
	}
	for i, c := range wrong {
		config += destination(fmt.Sprintf("n%d", i), c.attribute+" = "+c.value)
	}
	config += "resource \"alertrouter_destination_webhook\" \"text\" {\n  display_name = \"Text\"\n  severities = []\n  url = \"https://soar.example.com\"\n" +
		"  title_template = \"{{ .title }}\"\n  body_template = \"{{ .title }}: text\"\n}\n"
	config += destination("unknown", `body_template = "{{ .titel }} ${terraform_data.x.id}"`)
	config += destination("right", `body_template = "*{{ .title }}* {{ join \", \" .tags }} {{ .context.user.name }}"`)
	out, err := enginetest.NewWorkspace(t, config).Run(t, "validate", "-no-color")
	if err == nil {
		t.Fatalf("nothing was refused:\n%s", out)
	}
	spaces := regexp.MustCompile(`[\s│]+`)
	plain := spaces.ReplaceAllString(out, " ")
	for i, c := range wrong {
		at := fmt.Sprintf(`with alertrouter_destination_slack\.n%d, on main\.tf line \d+, [^:]*: \d+: %s = .{0,200}?%s`, i, c.attribute, regexp.QuoteMeta(c.want))
		if !regexp.MustCompile(at).MatchString(plain) {
			t.Errorf("%s = %s is not refused on its line with %q", c.attribute, c.value, c.want)
		}
	}
	if !regexp.MustCompile(`destination_webhook\.text, on main\.tf line \d+, [^:]*: \d+: body_template = .{0,200}?does not give JSON`).MatchString(plain) {
		t.Error("the body of a webhook that is no JSON is not refused")
	}
	if regexp.MustCompile(`alertrouter_destination_slack\.(unknown|right)`).MatchString(out) {
		t.Error("something is refused that is right, or not known yet")
	}
	if t.Failed() {
		t.Log(out)
	}
}
