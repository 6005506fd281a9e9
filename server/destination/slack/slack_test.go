// SPDX-License-Identifier: MPL-2.0

package slack_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/slack"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// maxMessage is what a whole message must stay under, in characters.
const maxMessage = 9000

func TestRender_PassesSlacksSchema(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for _, m := range messages(t) {
		body, _ := renderWith(slack.Config{Mention: "@here"}, m)
		for _, blocks := range blocksOf(t, body) {
			if err := schema.Validate(map[string]any{"blocks": blocks}); err != nil {
				t.Fatalf("%s: %v\n%s", m.Alert.Detection.ID, err, body)
			}
		}
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	messages := []*destination.Message{destinationtest.Message(), destinationtest.Hostile(), destinationtest.Fallback()}
	for _, text := range []string{
		strings.Repeat("x", 10_000), strings.Repeat("😀", 10_000), strings.Repeat("&", 10_000), strings.Repeat(`"\`, 10_000),
		strings.Repeat("https://example.com/", 20), "https://example.com/" + strings.Repeat("x", 300), strings.Repeat("a\n", 10_000),
	} {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Test, m.Attempt = text, true, 100
		m.Link = text
		messages = append(messages, m)

		full := *m.Alert // and all three buttons beside the longest texts
		linked := *m
		linked.Alert = &full
		linked.Link = "https://example.com/" + strings.Repeat("x", 380)
		linked.AlertID = strings.Repeat("<", 256)
		linked.Alert.Detection.ID, linked.Alert.Detection.Version = text, text
		linked.Alert.LogTypes = []string{text}
		linked.Alert.Detection.Reference = linked.Link
		messages = append(messages, &linked)
	}
	for _, m := range messages {
		body, _ := renderWith(slack.Config{Mention: "<!subteam^SAZ94GDB8>"}, m)
		mustFit(t, m, body)
	}
}

func TestRender_ShowsNoBlankTexts(t *testing.T) {
	t.Parallel()
	body, _ := renderWith(slack.Config{}, destinationtest.Blank())
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts(value) {
		if render.Blank(strings.Trim(text, "`")) || strings.HasSuffix(text, "\n``") {
			t.Errorf("got %q, want no text with nothing in it:\n%s", text, body)
		}
	}
	if want := "🟠 HIGH: b4b3f0d2c1e04f6f"; !slices.Contains(texts(value), want) {
		t.Errorf("got no %q:\n%s", want, body)
	}
}

func TestRender_BoundsLists(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.LogTypes = append(make([]string, 100_000), slices.Repeat([]string{"AWS.CloudTrail"}, 100_000)...)
	m.Alert.Detection.Tags = m.Alert.LogTypes
	body, cut := renderWith(slack.Config{}, m)
	mustFit(t, m, body)
	if !cut || !strings.Contains(string(body), "`AWS.CloudTrail, AWS.CloudTrail, ") {
		t.Errorf("got (cut %t) %s, want the log types that are not blank, cut", cut, body)
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	all, cut := corpus(t), 0
	for _, m := range all {
		body, was := renderWith(slack.Config{Mention: "@here"}, m)
		mustFit(t, m, body)
		if was {
			cut++
		}
	}
	if cut > len(all)/20 {
		t.Errorf("%d of %d real alerts are cut, want few", cut, len(all))
	}
	t.Logf("%d of %d real alerts are cut", cut, len(all))
}

func renderWith(c slack.Config, m *destination.Message) (body []byte, cut bool) {
	var none *render.TemplateSet
	return slack.Render(c, none.Apply(m), m)
}

// special finds what Slack takes for a mention or a link.
var special = regexp.MustCompile(`<[^>]*>`)

func TestRender_MentionsOnlyWhomTheConfigNames(t *testing.T) {
	t.Parallel()
	for config, want := range map[string][]string{
		"":                     nil,
		"@here":                {"<!here>"},
		"@channel":             {"<!channel>"},
		"<!everyone>":          {"<!everyone>"},
		"<@U024BE7LH>":         {"<@U024BE7LH>"},
		"<!subteam^SAZ94GDB8>": {"<!subteam^SAZ94GDB8>"},
	} {
		for _, m := range []*destination.Message{destinationtest.Message(), destinationtest.Hostile(), destinationtest.Fallback()} {
			body, _ := renderWith(slack.Config{Mention: config}, m)
			var value any
			if err := json.Unmarshal(body, &value); err != nil {
				t.Fatal(err)
			}
			if got := special.FindAllString(strings.Join(texts(value), "\n"), -1); !slices.Equal(got, want) {
				t.Errorf("mention %q: %s: got %q, want %q", config, m.Alert.Detection.ID, got, want)
			}
		}
	}
}

func TestRender_KeepsCodeInItsBlock(t *testing.T) {
	t.Parallel()
	body, _ := renderWith(slack.Config{}, destinationtest.Hostile())
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	for _, text := range mrkdwn(value) {
		fenced := strings.HasPrefix(text, "```\n") && strings.HasSuffix(text, "\n```")
		if n := strings.Count(text, "`"); n != 2 && (n != 6 || !fenced) {
			t.Errorf("got %q, want one code span or block", text)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const url = `"webhook_url":"https://hooks.slack.com/services/T/B/x"`
	for config, want := range map[string][]string{
		`{` + url + `}`:                               nil,
		`{` + url + `,"mention":"@here"}`:             nil,
		`{` + url + `,"mention":"<@W024BE7LH>"}`:      nil,
		`{` + url + `,"mention":"<!subteam^S012AB>"}`: nil,
		`{` + url + `,"mention":"here"}`:              {"/mention"},
		`{` + url + `,"mention":"<!here> hello"}`:     {"/mention"},
		`{` + url + `,"mention":"<!here>\n"}`:         {"/mention"},
		`{` + url + `,"mention":"<@u024be7lh>"}`:      {"/mention"},
		`{` + url + `,"mention":"<https://evil|x>"}`:  {"/mention"},
		`{}`:                                     {"/webhook_url"},
		`{"webhook_url":"hidden","mention":"x"}`: {"/mention", "/webhook_url"},
		`{"webhook_url":"https://a:hidden@example.com"}`: {"/webhook_url"},
		`{"webhook_url":7}`:              {"/webhook_url"},
		`{` + url + `,"channel":"#soc"}`: {"/channel"},
	} {
		_, _, err := slack.Type.Split(json.RawMessage(config), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", config, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", config, err)
		}
	}
}

func mustFit(t *testing.T, m *destination.Message, body []byte) {
	t.Helper()
	if n := len(utf16.Encode([]rune(string(body)))); n >= maxMessage {
		t.Errorf("%s: got %d characters, want fewer than %d", m.Alert.Detection.ID, n, maxMessage)
	}
	var msg struct{ Text string }
	if err := json.Unmarshal(body, &msg); err != nil || msg.Text == "" {
		t.Errorf("%s: got text %q (error %v), want a fallback", m.Alert.Detection.ID, msg.Text, err)
	}
}

func messages(t *testing.T) []*destination.Message {
	t.Helper()
	return append(corpus(t), destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(), destinationtest.Test(),
		destinationtest.Fallback(), destinationtest.Blank(), destinationtest.Overlong(strings.Repeat("é", 10_000)))
}

func corpus(t *testing.T) []*destination.Message {
	t.Helper()
	return destinationtest.Corpus(t)
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(destinationtest.Shared(t, "contracts/slack-block-kit.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// blocksOf returns a message's lists of blocks.
func blocksOf(t *testing.T, body []byte) []any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	msg := value.(map[string]any)
	lists := []any{msg["blocks"]}
	for _, a := range msg["attachments"].([]any) {
		lists = append(lists, a.(map[string]any)["blocks"])
	}
	return lists
}

// texts returns every text in a JSON value.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	}
	return nil
}

// mrkdwn returns the texts in which formatting means something.
func mrkdwn(value any) []string {
	var all []string
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			all = append(all, mrkdwn(e)...)
		}
	case map[string]any:
		if v["type"] == "mrkdwn" {
			return []string{v["text"].(string)}
		}
		for _, e := range v {
			all = append(all, mrkdwn(e)...)
		}
	}
	return all
}
