// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestQuery_FindsWhatIsNotManagedYet lists what was made by hand, has Terraform write its configuration, and adopts it.
func TestQuery_FindsWhatIsNotManagedYet(t *testing.T) {
	enginetest.Needs(t, "terraform query", "1.14", "")
	w := newWorld(t)
	_, count := w.fill(t)
	count++ // with the destination that is the others' last resort
	work := w.workspace(t, "provider \"alertrouter\" {}\n")
	lists := "list \"alertrouter_detection_override\" \"all\" {\n  provider = alertrouter\n}\n"
	for typeName := range exampleConfigs(t) {
		lists += fmt.Sprintf("list \"alertrouter_destination_%s\" \"all\" {\n  provider = alertrouter\n}\n", typeName)
	}
	work.Write(t, "all.tfquery.hcl", lists)
	out := work.Must(t, "query", "-no-color")
	for _, name := range []string{"slack least", "webhook secret", "Last resort", "AWS/Root Login: ${ünï}"} {
		if !strings.Contains(out, name) {
			t.Errorf("the query does not find %q:\n%s", name, out)
		}
	}
	work.Must(t, "query", "-generate-config-out=generated.tf")
	generated, err := os.ReadFile(filepath.Join(work.Dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(regexp.MustCompile(`(?m)^import \{`).FindAll(generated, -1)); got != count {
		t.Errorf("there are %d import blocks, want %d", got, count)
	}
	out = work.Must(t, "plan", "-no-color")
	if want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy", count); !strings.Contains(out, want) {
		t.Errorf("want %q, the plan is\n%s", want, out)
	}
	work.Must(t, "apply", "-auto-approve")
	work.Must(t, "plan", "-detailed-exitcode")
}

func TestQuery_Narrows(t *testing.T) {
	enginetest.Needs(t, "terraform query", "1.14", "")
	w := newWorld(t)
	for _, name := range []string{"SOC one", "SOC two", "Legal"} {
		w.createSlack(t, name)
	}
	query := func(more string) string {
		work := w.workspace(t, "provider \"alertrouter\" {}\n")
		work.Write(t, "slack.tfquery.hcl", "list \"alertrouter_destination_slack\" \"some\" {\n  provider = alertrouter\n"+more+"}\n")
		out, err := work.Run(t, "query", "-no-color")
		if err != nil {
			return "Error:" + out
		}
		return out
	}
	for _, c := range []struct {
		more string
		want []string
	}{
		{"config {\n    display_name_contains = \"soc\"\n  }\n", []string{"SOC one", "SOC two"}},
		{"limit = 1\n", []string{"Legal"}},
		{"config {\n    display_name_contains = \"\"\n  }\n", []string{"Error:"}},
		{"", []string{"Legal", "SOC one", "SOC two"}},
	} {
		out := query(c.more)
		for _, name := range []string{"Legal", "SOC one", "SOC two", "Error:"} {
			if want := strings.Contains(strings.Join(c.want, "\n"), name); strings.Contains(out, name) != want {
				t.Errorf("%s: that it finds %q should be %v:\n%s", c.more, name, want, out)
			}
		}
	}
}

// TestQuery_RunsTheDocumentedExamples runs the query of every list's page.
func TestQuery_RunsTheDocumentedExamples(t *testing.T) {
	enginetest.Needs(t, "terraform query", "1.14", "")
	w := newWorld(t)
	w.createSlack(t, "SOC on-call")
	pages, err := filepath.Glob("../docs/list-resources/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no pages to check (%v)", err)
	}
	work := w.workspace(t, "provider \"alertrouter\" {}\n")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		example := regexp.MustCompile("(?s)```terraform\n(.*?)```").FindSubmatch(text)
		if example == nil {
			t.Fatalf("%s has no example", page)
		}
		work.Write(t, filepath.Base(page)+".tfquery.hcl", string(example[1]))
	}
	if out := work.Must(t, "query", "-no-color"); strings.Count(out, "SOC on-call") != 2 { // once as one of all, once as one of some
		t.Errorf("the examples find\n%s", out)
	}
}
