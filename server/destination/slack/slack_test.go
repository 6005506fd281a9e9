// SPDX-License-Identifier: MPL-2.0

package slack_test

import (
	"encoding/json"
	"fmt"
	"maps"
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

// TestTemplates_EscapeWhatMeansSomething wants from the user's template its own markup, and from the alert nothing but text.
func TestTemplates_EscapeWhatMeansSomething(t *testing.T) {
	t.Parallel()
	const text = "<!channel> <@U024BE7LH> <https://evil.example|safe> a &amp; b ``` `x` @here *bold* _it_ ~st~ :tada: https://evil.example\n> quoted\n"
	m := destinationtest.Message()
	m.Alert.Generated.Description = new(text + "\ufdd1*x*\ufdd0")
	m.Alert.Generated.Title = new("<!here> title")
	c := slack.Config{Templates: render.Templates{
		TitleTemplate: "{{.title}} <!channel>", BodyTemplate: "*{{.severity}}*{{.severity}} {{.description}} ```{{.description}}``` > {{.description}} *{{.description}}*",
	}}
	value := valueOf(t, renderTemplates(t, c, m))
	shown := text + "\ufffd*x*\ufffd"
	want := []string{
		"text *HIGH*HIGH " + shown + " ", "rich_text_section", "text " + shown, "rich_text_preformatted",
		"text  > " + shown + " ", "text/bold " + shown, "rich_text_section",
	}
	if got := richText(value); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := mrkdwn(value); len(got) > 0 {
		t.Errorf("got %q, want no text in which markup means something", got)
	}
	if want := "🟠 HIGH: &lt;!here&gt; title &lt;!channel&gt;"; !slices.Contains(texts(value), want) {
		t.Errorf("got no %q in %q: a title is plain text", want, texts(value))
	}
}

// TestTemplates_KeepTheirOwnMarkup wants what Slack makes of mrkdwn from the template's own, whatever the values in it are.
func TestTemplates_KeepTheirOwnMarkup(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for body, want := range map[string][]string{
		"plain, 2 * 3 * 4, snake_case_name, ~/x, 10:30:15": {"text plain, 2 * 3 * 4, snake_case_name, ~/x, 10:30:15"},
		"*b* _i_ ~s~ `c`":                                     {"text/bold b", "text  ", "text/italic i", "text  ", "text/strike s", "text  ", "text/code c"},
		"*b _both_ b* x":                                      {"text/bold b ", "text/bold/italic both", "text/bold  b", "text  x"},
		"*_{{.title}}_*":                                      {"text/bold/italic *T*"},
		"*not\nbold* `not\ncode`":                             {"text *not\nbold* `not\ncode`"},
		"* a* *a * **":                                        {"text * a* *a * **"},
		"{{.title}}_{{.title}}_{{.title}}":                    {"text *T*_*T*_*T*"},
		"*{{.title}}*{{.title}}":                              {"text **T***T*"},
		"*{{.fallback_of}}* *b*":                              {"text  ", "text/bold b"},
		"`*{{.title}}*` `a &lt; <b> *c*`":                     {"text/code **T**", "text  ", "text/code a < <b> *c*"},
		"*a `*` b*":                                           {"text/bold a ", "text/bold/code *", "text/bold  b"},
		"a &amp; b &lt;!here&gt; &quot;":                      {"text a & b <!here> &quot;"},
		"<!here> <!subteam^SAZ94GDB8|soc> <@U024BE7LH>":       {"broadcast here", "text  ", "usergroup SAZ94GDB8", "text  ", "user U024BE7LH"},
		"<#C024BE7LR|general> <!channel|x> <!else> <x>":       {"channel C024BE7LR", "text  ", "broadcast channel", "text  <!else> <x>"},
		"<https://wiki.example.com/?a=1&amp;b=2|the *W*>":     {"link https://wiki.example.com/?a=1&b=2 the *W*"},
		"*<https://wiki.example.com>* <mailto:a@b.c|a>":       {"link/bold https://wiki.example.com ", "text  ", "link mailto:a@b.c a"},
		"<javascript:alert(1)|x> <data:text/html,x|y>":        {"text <javascript:alert(1)|x> <data:text/html,x|y>"},
		"<https://w.example/{{.dedup}}|{{.title}}>":           {"link https://w.example/d *T*"},
		"<https://w.example/?x=1&amp;id={{.dedup}}|open>":     {"link https://w.example/?x=1&id=d open"},
		"<https://w.example/{{.title}} x|name> <{{.title}}>":  {"text name *T*"},
		"<{{.runbook}}|run *b*>":                              {"text run *b*"},
		"<{{.reference}}>":                                    {"link https://docs.example.com/a?b=1&c=2 "},
		"<!{{.title}}> <@{{.title}}>":                         {"text <!*T*> <@*T*>"},
		"<@{{index .tags 0}}> <!{{index .tags 1}}>":           {"text <@U024BE7LH> <!here>"}, // an alert mentions nobody
		":tada: :wave::skin-tone-3: a:b:c :{{.dedup}}: :100:": {"emoji tada", "text  ", "emoji wave", "text  a:b:c :d: ", "emoji 100"},
		"<!date^1392734382^{date_short}|18 Feb>":              {"date 1392734382 {date_short} 18 Feb"},
		"```a *b* <!here> <https://w.example|w>```":           {"text a *b* <!here> ", "link https://w.example w", "rich_text_preformatted"},
		"x\n```\n{{.title}}\n```\ny ``` z":                    {"text x", "rich_text_section", "text *T*", "rich_text_preformatted", "text y ``` z"},
		"> q *b*\n&gt; r\n\ns > t":                            {"text q ", "text/bold b", "text \nr", "rich_text_quote", "text \ns > t"},
		"a\n>>> q\nr\n> s":                                    {"text a", "rich_text_section", "text q\nr\n> s", "rich_text_quote"},
		"> {{.description}}":                                  {"text one\n> two", "rich_text_quote"},
	} {
		m := destinationtest.Message()
		m.Alert.Dedup, m.Alert.Generated.Title, m.Alert.Generated.Description = "d", new("*T*"), new("one\n> two")
		m.Alert.Detection.Runbook, m.Alert.Detection.Reference = "https://a@evil.example", "https://docs.example.com/a?b=1&c=2"
		m.Alert.Detection.Tags = []string{"U024BE7LH", "here"}
		rendered := renderTemplates(t, slack.Config{Templates: render.Templates{BodyTemplate: body}}, m)
		got := richText(valueOf(t, rendered))
		if last := want[len(want)-1]; !strings.HasPrefix(last, "rich_text_") {
			want = append(want, "rich_text_section")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", body, got, want)
		}
		for _, blocks := range blocksOf(t, rendered) {
			if err := schema.Validate(map[string]any{"blocks": blocks}); err != nil {
				t.Errorf("%s: %v\n%s", body, err, rendered)
			}
		}
	}
}

// TestTemplates_StayWithinLimitsWhateverTheirMarkupCosts has a template of which nearly every character is a text of its own.
func TestTemplates_StayWithinLimitsWhateverTheirMarkupCosts(t *testing.T) {
	t.Parallel()
	for _, item := range []string{"*a* ", "<!here>", "`a`", ":a: ", "> a\n```b```\n", "*", "<", "`", "*a <b `c ", "<https://a.example|x>"} {
		c := slack.Config{Templates: render.Templates{BodyTemplate: "{{range .context.l}}" + item + "{{end}}"}}
		m := destinationtest.Message()
		m.Alert.Context, _ = json.Marshal(map[string]any{"l": make([]int, 5_000)})
		body := renderTemplates(t, c, m)
		mustFit(t, m, body)
		if got := richText(valueOf(t, body)); len(got) < 2 {
			t.Errorf("%s: got %s, want the beginning of the text", item, body)
		}
	}
}

// richText returns the parts of rich text in order, with their styles, and after them what they are in.
func richText(value any) []string {
	var all []string
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			all = append(all, richText(e)...)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		elements, isPart := v["elements"].([]any)
		switch {
		case kind == "rich_text":
			return richText(elements)
		case isPart && strings.HasPrefix(kind, "rich_text_"):
			return append(richText(elements), kind)
		case kind == "text" || kind == "link" || kind == "emoji" || kind == "date" || kind == "user" || kind == "usergroup" || kind == "channel" || kind == "broadcast":
			return []string{describe(kind, v)}
		}
		for _, name := range []string{"blocks", "attachments"} {
			all = append(all, richText(v[name])...)
		}
	}
	return all
}

func describe(kind string, v map[string]any) string {
	style, _ := v["style"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(style)) {
		kind += "/" + name
	}
	var parts []string
	for _, name := range []string{"text", "name", "user_id", "usergroup_id", "channel_id", "range"} {
		if s, ok := v[name].(string); ok {
			parts = append(parts, s)
		}
	}
	if url, ok := v["url"].(string); ok {
		return kind + " " + url + " " + strings.Join(parts, " ")
	}
	if v["type"] == "date" {
		return fmt.Sprintf("%s %.0f %s %s", kind, v["timestamp"], v["format"], v["fallback"])
	}
	return kind + " " + strings.Join(parts, " ")
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
	destinationtest.WantFewCut(t, cut, len(all))
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
	attachments, _ := msg["attachments"].([]any) // a template's message without buttons has none
	for _, a := range attachments {
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
