// SPDX-License-Identifier: MPL-2.0

package opsgenie_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

// render returns what an alert becomes with a config whose members are extra, and whether a text was cut.
func render(t *testing.T, extra string, m *destination.Message) (alertBody, bool) {
	t.Helper()
	rendering, err := open(t, `{"api_key":"`+apiKey+`"`+extra+`}`, nil).Render(m)
	if err != nil {
		t.Fatal(err)
	}
	var body alertBody
	if err := json.Unmarshal(rendering.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body, rendering.Truncated
}

// length counts as Opsgenie's Java does; no other count is longer but that of bytes.
func length(text string) int { return len(utf16.Encode([]rune(text))) }

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	own := `,"tags":["own"],"details":{"own":"` + strings.Repeat("x", 3990) + `"}`
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 10_000), "two bytes": strings.Repeat("é", 10_000), "emoji": strings.Repeat("😀", 10_000),
		"families": strings.Repeat("👨‍👩‍👧‍👦", 2_000), "tags": strings.Repeat("<b>", 10_000), "quotes": strings.Repeat(`"`, 10_000),
		"a megabyte": strings.Repeat("word ", 200_000),
	} {
		for _, extra := range []string{"", own} {
			t.Run(fmt.Sprintf("%s %d", name, len(extra)), func(t *testing.T) {
				t.Parallel()
				m := destinationtest.Overlong(text)
				m.AlertID = strings.Repeat("i", 600)
				m.Link = "https://example.com/" + strings.ReplaceAll(text, "<", "-")
				m.Alert.LogTypes = slices.Repeat([]string{text}, 60)
				m.Alert.Detection.ID = text
				m.Alert.Detection.Version = text
				m.Alert.Detection.Tags = nil
				for i := range 60 {
					m.Alert.Detection.Tags = append(m.Alert.Detection.Tags, fmt.Sprint(i)+text)
				}
				body, cut := render(t, extra, m)
				for field, size := range map[string][3]int{
					"message": {length(body.Message), 100, 130}, "alias": {length(body.Alias), 1, 512},
					"description": {length(body.Description), 9_000, 15_000}, "entity": {length(body.Entity), 400, 512},
					"source": {length(body.Source), 1, 100}, "tags": {len(body.Tags), 20, 20}, "details": {sum(body.Details), 5_000, 8_000},
				} {
					if size[0] < size[1] || size[0] > size[2] {
						t.Errorf("%s: got %d, want %d to %d", field, size[0], size[1], size[2])
					}
				}
				for _, tag := range body.Tags {
					if n := length(tag); n > 50 {
						t.Errorf("got a tag of %d characters: %s", n, tag)
					}
				}
				if !cut || !strings.HasSuffix(body.Description, "shown; the alert has the whole context") {
					t.Errorf("got cut %t and a description that ends in %.60q", cut, body.Description[max(0, len(body.Description)-60):])
				}
			})
		}
	}
}

func sum(details map[string]string) (n int) {
	for key, value := range details {
		n += length(key) + length(value)
	}
	return n
}

func TestRender_TakesTagsApart(t *testing.T) {
	t.Parallel()
	html := regexp.MustCompile(`<[A-Za-z/!?]`)
	m := destinationtest.Hostile()
	m.Alert.Detection.Tags = []string{"<img src=x>", "a < b", "a<1"}
	m.Alert.Generated.Title = new(`<a href="https://evil.example">Log in</a> if 1 < 2 and a<3`)
	body, _ := render(t, "", m)
	for _, text := range append([]string{body.Message, body.Description, body.Entity, fmt.Sprint(body.Details)}, body.Tags...) {
		if found := html.FindString(text); found != "" {
			t.Errorf("got %q in %.80q", found, text)
		}
	}
	if want := `< a href="https://evil.example">Log in< /a> if 1 < 2 and a<3`; body.Message != want {
		t.Errorf("got message %q, want %q", body.Message, want)
	}
	if want := []string{"< img src=x>", "a < b", "a<1"}; !slices.Equal(body.Tags, want) {
		t.Errorf("got tags %q, want %q", body.Tags, want)
	}
}

func TestRender_MapsTheSeverity(t *testing.T) {
	t.Parallel()
	const own = `,"priority_by_severity":{"CRITICAL":"P2","INFO":"P4"}`
	for severity, want := range map[alert.Severity][2]string{
		alert.Critical: {"P1", "P2"}, alert.High: {"P2", "P2"}, alert.Medium: {"P3", "P3"}, alert.Low: {"P4", "P4"}, alert.Info: {"P5", "P4"},
	} {
		for i, extra := range []string{"", own} {
			m := destinationtest.Message()
			m.Severity = severity
			if body, _ := render(t, extra, m); body.Priority != want[i] {
				t.Errorf("%s%s: got %s, want %s", severity, extra, body.Priority, want[i])
			}
			m.Test = true
			if body, _ := render(t, extra, m); body.Priority != "P5" {
				t.Errorf("a test: got %s, want P5", body.Priority)
			}
		}
	}
}

func TestRender_PutsTheUsersWordsFirst(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Detection.Tags = []string{"b", "own", "a", "b"}
	body, cut := render(t, `,"tags":["own"],"details":{"severity":"always","team":"soc"},"entity":"fleet","source":"elsewhere"`, m)
	if want := []string{"own", "b", "a"}; !slices.Equal(body.Tags, want) {
		t.Errorf("got tags %q, want %q", body.Tags, want)
	}
	if d := body.Details; d["severity"] != "always" || d["team"] != "soc" || d["detection_id"] != "AWS.Console.RootLogin" {
		t.Errorf("got details %v", d)
	}
	if body.Entity != "fleet" || body.Source != "elsewhere" || cut {
		t.Errorf("got entity %q, source %q, cut %t", body.Entity, body.Source, cut)
	}
}

func TestRender_HashesLongAliases(t *testing.T) {
	t.Parallel()
	aliases := map[string]bool{}
	for _, id := range []string{"short", strings.Repeat("x", 507), strings.Repeat("x", 512), strings.Repeat("x", 513), strings.Repeat("y", 513)} {
		for _, test := range []bool{false, true} {
			m := destinationtest.Message()
			m.AlertID, m.Test = id, test
			body, _ := render(t, "", m)
			if length(body.Alias) > 512 || (len(id) <= 507 && !strings.HasSuffix(body.Alias, id)) || aliases[body.Alias] {
				t.Errorf("alert id %.10s…, test %t: got alias %q", id, test, body.Alias)
			}
			aliases[body.Alias] = true
		}
	}
}

func TestRender_SaysWhatItStandsInFor(t *testing.T) {
	t.Parallel()
	body, _ := render(t, "", destinationtest.Fallback())
	if !strings.HasPrefix(body.Description, "Fallback for SOC < on-call> & co, which did not take this alert.\n\n") {
		t.Errorf("got description %.100q, want the note first", body.Description)
	}
	body, _ = render(t, "", destinationtest.Blank())
	if strings.TrimSpace(body.Message) == "" || len(body.Tags) != 0 {
		t.Errorf("nothing to see: got message %q and tags %q, want words and none", body.Message, body.Tags)
	}
}
