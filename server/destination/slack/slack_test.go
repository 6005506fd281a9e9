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
	for i, m := range messages(t) {
		config := slack.Config{Mention: "@here"}
		if i%3 == 0 {
			config.Templates = render.Templates{TitleTemplate: "{{.title}}!", BodyTemplate: "*{{.severity}}* {{.description}} ```{{.context}}```"}
		}
		body := renderTemplates(t, config, m)
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
		m.FallbackOf, m.Test, m.Again = text, true, true
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
		config := slack.Config{Mention: "<!subteam^SAZ94GDB8>"}
		body, _ := renderWith(config, m)
		mustFit(t, m, body)
		config.Templates = render.Templates{TitleTemplate: "{{.title}}", BodyTemplate: "{{.description}} {{.context}} {{.title}}"}
		body = renderTemplates(t, config, m)
		mustFit(t, m, body)
		for _, text := range mrkdwn(valueOf(t, body)) {
			if n := len(utf16.Encode([]rune(text))); n > 3000 {
				t.Errorf("%.40q: got a section of %d characters", m.Alert.Detection.ID, n)
			}
		}
	}
}

func TestRender_SaysThatAnAlertMayComeTwice(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Again = true
	if body, _ := renderWith(slack.Config{}, m); !strings.Contains(string(body), "Slack may show it twice") {
		t.Errorf("got %s, want a note", body)
	}
}

func TestRender_SaysWhereTheContextWasCut(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"log":"` + strings.Repeat("z", 50_000) + `"}`)
	body, cut := renderWith(slack.Config{}, m)
	mustFit(t, m, body)
	all := mrkdwn(valueOf(t, body))
	if last := all[len(all)-1]; !cut || !strings.HasSuffix(last, " of 50,015 characters shown; the alert has the whole context\n```") {
		t.Errorf("got (cut %t) …%q, want a note", cut, last[len(last)-80:])
	}
}

// TestTemplates_EscapeWhatMeansSomething wants from the user's template its own markup, and from the alert no mention, no
// link, and no end of the code it stands in.
func TestTemplates_EscapeWhatMeansSomething(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Description = new("<!channel> <@U024BE7LH> <https://evil.example|safe> a & b ``` `x` @here")
	m.Alert.Generated.Title = new("<!here> title")
	c := slack.Config{Templates: render.Templates{
		TitleTemplate: "{{.title}} <!channel>", BodyTemplate: "*{{.severity}}* ```{{.description}}``` <https://wiki.example.com|wiki> <!subteam^S1>",
	}}
	value := valueOf(t, renderTemplates(t, c, m))
	want := "*HIGH* ```&lt;!channel&gt; &lt;@U024BE7LH&gt; &lt;https://evil.example|safe&gt; a &amp; b ''' 'x' @here``` <https://wiki.example.com|wiki> <!subteam^S1>"
	if got := mrkdwn(value); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := "🟠 HIGH: &lt;!here&gt; title &lt;!channel&gt;"; !slices.Contains(texts(value), want) {
		t.Errorf("got no %q in %q: a title is plain text", want, texts(value))
	}
}

// TestTemplates_LeaveOutAnAttachmentOfNothing has a template of no text and an alert without links: Slack refuses an
// attachment whose list of blocks is empty.
func TestTemplates_LeaveOutAnAttachmentOfNothing(t *testing.T) {
	t.Parallel()
	c := slack.Config{Templates: render.Templates{BodyTemplate: "{{if .test}}x{{end}}"}}
	body := renderTemplates(t, c, destinationtest.Minimal())
	if strings.Contains(string(body), "attachments") || !strings.Contains(string(body), `"blocks":[{`) {
		t.Errorf("got %s, want no attachments", body)
	}
	if body = renderTemplates(t, c, destinationtest.Message()); !strings.Contains(string(body), `"attachments":[{"color":"#`) {
		t.Errorf("got %s, want the buttons in an attachment", body)
	}
}

// renderTemplates renders as a sender does, the config's templates included.
func renderTemplates(t *testing.T, c slack.Config, m *destination.Message) []byte {
	t.Helper()
	sender, err := slack.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering.Body
}

func valueOf(t *testing.T, body []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	return value
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
		`{` + url + `}`:                   nil,
		`{` + url + `,"mention":"@here"}`: nil,
		`{"webhook_url":"https://hooks.slack-gov.com/services/T/B/x"}`:      nil,
		`{"webhook_url":"https://chat.example.com/hooks/x"}`:                nil,
		`{"webhook_url":"https://hooks.slack.com/triggers/T/hidden"}`:       {"/webhook_url"},
		`{"webhook_url":"https://hooks.slack.com/workflows/T/hidden"}`:      {"/webhook_url"},
		`{"webhook_url":"https://SOC.slack.com/archives/hidden"}`:           {"/webhook_url"},
		`{"webhook_url":"https://hooks.slack.com/commands/T/hidden"}`:       {"/webhook_url"},
		`{"webhook_url":"https://hooks.slack.com/services/"}`:               {"/webhook_url"},
		`{"webhook_url":"https://hooks.slack.com"}`:                         {"/webhook_url"},
		`{"webhook_url":"https://slack.com/api/chat.postMessage?t=hidden"}`: {"/webhook_url"},
		`{` + url + `,"username":"bot"}`:                                    {"/username"},
		`{` + url + `,"mention":"<@W024BE7LH>"}`:                            nil,
		`{` + url + `,"mention":"<!subteam^S012AB>"}`:                       nil,
		`{` + url + `,"mention":"here"}`:                                    {"/mention"},
		`{` + url + `,"mention":"<!here> hello"}`:                           {"/mention"},
		`{` + url + `,"mention":"<!here>\n"}`:                               {"/mention"},
		`{` + url + `,"mention":"<@u024be7lh>"}`:                            {"/mention"},
		`{` + url + `,"mention":"<https://evil|x>"}`:                        {"/mention"},
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
