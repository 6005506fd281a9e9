// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

const guideFile = "../../../templates/guides/templates.md"

func guide(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(guideFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// guideAlert is the alert of the guide, which all its examples are about.
func guideAlert(t *testing.T, page string) map[string]any {
	t.Helper()
	fences := regexp.MustCompile("(?ms)^```text\n(\\{\n.*?)^```$").FindStringSubmatch(page)
	if fences == nil {
		t.Fatal("the guide has no alert")
	}
	var data map[string]any
	var parts struct{ Context json.RawMessage }
	if err := json.Unmarshal([]byte(fences[1]), &data); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(fences[1]), &parts); err != nil {
		t.Fatal(err)
	}
	var context bytes.Buffer // without the spaces that make it readable
	if err := json.Compact(&context, parts.Context); err != nil {
		t.Fatal(err)
	}
	data["context"] = template.Raw{JSON: context.Bytes()}
	return data
}

func TestGuide_ListsEveryName(t *testing.T) {
	t.Parallel()
	page := guide(t)
	for _, n := range template.Names() {
		if row := "| `" + n.Path + "` | " + strings.TrimPrefix(string(n.Kind), "a ") + " | " + n.Doc + " |\n"; !strings.Contains(page, row) {
			t.Errorf("the guide lacks this row:\n%s", row)
		}
	}
}

func TestGuide_ListsEveryFunctionAndItsExampleGivesWhatItSays(t *testing.T) {
	t.Parallel()
	page := guide(t)
	alert := guideAlert(t, page)
	cell := func(text string) string {
		return "`" + strings.NewReplacer("|", `\|`, "\n", "↵").Replace(text) + "`"
	}
	for _, f := range template.Functions() {
		if row := "| " + cell(f.Usage) + " | " + f.Doc + " | " + cell(f.Example) + " | " + cell(f.Result) + " |\n"; !strings.Contains(page, row) {
			t.Errorf("the guide lacks this row:\n%s", row)
		}
		if !strings.Contains(f.Example, f.Name) {
			t.Errorf("the example of %s does not use it", f.Name)
		}
		if got := executed(t, f.Example, alert); got != f.Result {
			t.Errorf("%s gives %q, want %q", f.Example, got, f.Result)
		}
	}
}

// Each template that stands alone is followed by what it gives.
func TestGuide_EveryExampleGivesWhatItSays(t *testing.T) {
	t.Parallel()
	page := guide(t)
	alert := guideAlert(t, page)
	examples := regexp.MustCompile("(?ms)^```text\n([^`]*\\{\\{[^`]*?)\n```\n\n(gives|gives the JSON)\n\n```text\n(.*?)\n```$").FindAllStringSubmatch(page, -1)
	if len(examples) < 4 {
		t.Fatalf("found %d examples; there are more", len(examples))
	}
	for _, e := range examples {
		source, want := e[1], e[3]
		if e[2] == "gives" {
			if got := executed(t, source, alert); got != want {
				t.Errorf("%s\ngives\n%s\nwant\n%s", source, got, want)
			}
			continue
		}
		parsed, err := template.ParseJSON(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Execute(alert); err != nil || got != want {
			t.Errorf("%s\ngives\n%s (%v)\nwant\n%s", source, got, err, want)
		}
	}
}

func TestGuide_TellsTheLimits(t *testing.T) {
	t.Parallel()
	page := guide(t)
	for what, limit := range map[string]int{" KiB long": template.MaxSource >> 10, " KiB of text": template.MaxOutput >> 10, " MiB of JSON": template.MaxJSONOutput >> 20} {
		if text := strconv.Itoa(limit) + what; !strings.Contains(page, text) {
			t.Errorf("the guide does not say %q", text)
		}
	}
	if !strings.Contains(page, "200,000 steps") || template.MaxSteps != 200_000 {
		t.Error("the guide does not say how many steps there are")
	}
}

func executed(t *testing.T, source string, data map[string]any) string {
	t.Helper()
	parsed, err := template.Parse(source, nil)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	got, err := parsed.Execute(data)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return got
}
