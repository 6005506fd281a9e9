// SPDX-License-Identifier: MPL-2.0

package discord_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/discord"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

const address = "https://discord.com/api/webhooks/223704706495545344/hidden_token-0123456789"

type message struct {
	Content    string `json:"content"`
	Username   string `json:"username"`
	ThreadName string `json:"thread_name"`
	Embeds     []struct {
		Title       string `json:"title"`
		URL         string `json:"url"`
		Description string `json:"description"`
		Color       int    `json:"color"`
		Fields      []struct {
			Name   string `json:"name"`
			Value  string `json:"value"`
			Inline bool   `json:"inline"`
		} `json:"fields"`
	} `json:"embeds"`
	Mentions map[string][]string `json:"allowed_mentions"`
}

// renderWith renders as a sender does, the config's templates included.
func renderWith(t *testing.T, c discord.Config, m *destination.Message) (msg message, cut bool) {
	t.Helper()
	c.WebhookURL = secret.New(address)
	sender, err := discord.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(rendering.Body, &msg); err != nil {
		t.Fatal(err)
	}
	return msg, rendering.Truncated
}

// length counts UTF-16, of which there is never less than of characters.
func length(text string) int { return len(utf16.Encode([]rune(text))) }

// mustFit checks the limits of https://docs.discord.com/developers/resources/message#embed-object-embed-limits
func mustFit(t *testing.T, m *destination.Message, msg message) {
	t.Helper()
	all := 0
	check := func(name, text string, limit int) {
		all += length(text)
		if n := length(text); n > limit {
			t.Errorf("%.40q: %s has %d characters, want at most %d", m.Alert.Detection.ID, name, n, limit)
		}
	}
	for _, e := range msg.Embeds {
		check("the title", e.Title, 256)
		check("the description", e.Description, 4096)
		for _, f := range e.Fields {
			check("a field's name", f.Name, 256)
			check("a field's value", f.Value, 1024)
			if f.Name == "" || strings.TrimSpace(f.Value) == "" {
				t.Errorf("got an empty field %+v", f)
			}
		}
		if len(e.Fields) > 25 {
			t.Errorf("got %d fields, want at most 25", len(e.Fields))
		}
		if e.Title == "" && e.Description == "" {
			t.Error("got an embed without a text")
		}
	}
	if all > 6000 || len(msg.Embeds) == 0 || len(msg.Embeds) > 10 {
		t.Errorf("%.40q: got %d characters in %d embeds", m.Alert.Detection.ID, all, len(msg.Embeds))
	}
	if n := length(msg.ThreadName); n > 100 {
		t.Errorf("got a thread's name of %d characters", n)
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", 10_000), strings.Repeat("é", 10_000), strings.Repeat("😀", 10_000), strings.Repeat("👨‍👩‍👧‍👦", 1_500),
		strings.Repeat("*_", 5_000), strings.Repeat("`", 10_000), strings.Repeat("- a\n", 5_000), strings.Repeat("1. a\n", 5_000),
		strings.Repeat("https://e.example ", 600), "https://example.com/" + strings.Repeat("(", 90), "https://example.com/" + strings.Repeat("x", 280),
	} {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Test, m.Again, m.Link = text, true, true, text
		m.Alert.Detection.ID, m.Alert.Detection.Version, m.AlertID = text, text, text
		m.Alert.LogTypes = []string{text}
		for _, config := range []discord.Config{
			{},
			{ThreadName: "{{.title}}"},
			{Templates: render.Templates{TitleTemplate: "{{.title}}", BodyTemplate: "{{.description}} {{.context}} {{.title}}"}},
		} {
			msg, _ := renderWith(t, config, m)
			mustFit(t, m, msg)
		}
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	all, cut := destinationtest.Corpus(t), 0
	for _, m := range all {
		msg, was := renderWith(t, discord.Config{Mention: "@here"}, m)
		mustFit(t, m, msg)
		if was {
			cut++
		}
	}
	destinationtest.WantFewCut(t, cut, len(all))
}

func TestRender_MentionsOnlyWhomTheConfigNames(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]map[string][]string{
		"":                       {"parse": {}},
		"@here":                  {"parse": {"everyone"}},
		"@everyone":              {"parse": {"everyone"}},
		"<@80351110224678912>":   {"parse": {}, "users": {"80351110224678912"}},
		"<@&165511591545143296>": {"parse": {}, "roles": {"165511591545143296"}},
	} {
		for _, m := range []*destination.Message{destinationtest.Message(), destinationtest.Hostile(), destinationtest.Fallback()} {
			msg, _ := renderWith(t, discord.Config{Mention: config}, m)
			if msg.Content != config || len(msg.Mentions) != len(want) {
				t.Errorf("mention %q: got %q and %v, want %v", config, msg.Content, msg.Mentions, want)
			}
			for kind, ids := range want {
				if !slices.Equal(msg.Mentions[kind], ids) {
					t.Errorf("mention %q: got %v allowed, want %v", config, msg.Mentions, want)
				}
			}
		}
	}
}

// live is what Discord would format, link or ping, were it not escaped or in code.
var live = regexp.MustCompile("(?m)(^|[^\\\\])([*_~`|<>\\[\\]@])|^[ \t]*([-+#>]|\\d+[.)] )|https?://")

func TestRender_KeepsAlertTextOutOfMarkdown(t *testing.T) {
	t.Parallel()
	const text = "**b** _i_ ~~s~~ `c` ```k``` ||sp|| <@80351110224678912> <@&1> <#1> <t:1618953630> @everyone [x](https://evil.example) https://evil.example\n" +
		"# heading\n-# small\n> quote\n>>> all\n- list\n  * list\n+ list\n1. list\n2) list \\*not bold\\*"
	m := destinationtest.Message()
	m.Alert.Generated.Title, m.Alert.Generated.Description, m.Alert.Generated.Runbook = new(text), new(text), new("steps "+text)
	m.Alert.Detection.ID, m.Alert.Dedup, m.AlertID, m.FallbackOf = text, text, text, "SOC"
	m.Link, m.Alert.Detection.Reference = "", "see "+text
	m.Alert.Context = json.RawMessage(`{"a":"` + "``` `x` @everyone [x](https://evil.example)" + `"}`)
	msg, _ := renderWith(t, discord.Config{}, m)
	main, context := msg.Embeds[0], msg.Embeds[1].Description
	prose := strings.NewReplacer("**Runbook**\n", "", "*Fallback for SOC, which did not take this alert.*", "").Replace(main.Description)
	for _, got := range []string{strings.TrimPrefix(main.Title, "🟠 HIGH: "), prose} {
		unescaped := strings.ReplaceAll(got, `\\`, "") // a backslash that is one
		if found := live.FindString(unescaped); found != "" {
			t.Errorf("got %q, which Discord would read, in %q", found, got)
		}
	}
	for _, f := range main.Fields {
		if strings.Count(f.Value, "`") != 2 || !strings.HasPrefix(f.Value, "`") || !strings.HasSuffix(f.Value, "`") {
			t.Errorf("got %q, want one code span", f.Value)
		}
	}
	if strings.Count(context, "```") != 2 || !strings.HasPrefix(context, "```json\n{") || !strings.HasSuffix(context, "}\n```") {
		t.Errorf("got %q, want one code block", context)
	}
}

func TestRender_LinksOnlyWhereItsOwnTextsSay(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Runbook = new("https://wiki.example.com/Root_(login)")
	msg, _ := renderWith(t, discord.Config{}, m)
	fields := msg.Embeds[0].Fields
	want := "[View alert](" + m.Link + ") · [Open runbook](https://wiki.example.com/Root_%28login%29) · [Open reference](" + m.Alert.Detection.Reference + ")"
	if got := fields[len(fields)-1]; got.Name != "Links" || got.Value != want {
		t.Errorf("got %+v, want the links %s", got, want)
	}
	if msg.Embeds[0].URL != m.Link {
		t.Errorf("the title leads to %q, want %q", msg.Embeds[0].URL, m.Link)
	}
	hostile, _ := renderWith(t, discord.Config{}, destinationtest.Hostile())
	for _, f := range hostile.Embeds[0].Fields {
		if f.Name == "Links" || hostile.Embeds[0].URL != "" {
			t.Errorf("got links to %+v and %q, want none to what is no link", f, hostile.Embeds[0].URL)
		}
	}
}

func TestRender_EscapesAddressesInsideOfWords(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Description = new("xhttps://evil 1http://evil éhttp://evil ahttp:/evil")
	msg, _ := renderWith(t, discord.Config{Templates: render.Templates{BodyTemplate: "{{.description}}"}}, m)
	if want := `xhttps:\//evil 1http:\//evil éhttp:\//evil ahttp:\/evil`; msg.Embeds[0].Description != want {
		t.Errorf("got %q, want %q", msg.Embeds[0].Description, want)
	}
}

func TestRender_SaysThatTheThreadsTemplateFailed(t *testing.T) {
	t.Parallel()
	sender, err := discord.New(discord.Config{WebhookURL: secret.New(address), ThreadName: "{{index .tags 9}}"}, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(destinationtest.Message())
	if err != nil {
		t.Fatal(err)
	}
	var msg message
	if err := json.Unmarshal(rendering.Body, &msg); err != nil || msg.ThreadName != "Root login to 123456789012 from 198.51.100.7 without MFA" {
		t.Errorf("got the thread %q (error %v), want the usual title", msg.ThreadName, err)
	}
	const want = "The thread_name template failed (line 1: index: there is no such entry in the list"
	if len(rendering.Notes) != 1 || !strings.HasPrefix(rendering.Notes[0], want) || !strings.Contains(msg.Embeds[0].Description, `The thread\_name template failed`) {
		t.Errorf("got the notes %q and %q, want %q", rendering.Notes, msg.Embeds[0].Description, want)
	}
}

func TestTemplates_EscapeMarkdown(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Description = new("*b* [x](http://evil) @everyone <@1>")
	c := discord.Config{
		ThreadName: "{{.severity}} {{.title}}",
		Templates:  render.Templates{TitleTemplate: "{{.detection.id}} *raw*", BodyTemplate: "**{{.severity}}** {{.description}} [wiki](https://wiki.example.com)"},
	}
	msg, _ := renderWith(t, c, m)
	if want := `**HIGH** \*b\* \[x\](http:\//evil) \@everyone \<\@1\> [wiki](https://wiki.example.com)`; msg.Embeds[0].Description != want {
		t.Errorf("got the text %q, want %q", msg.Embeds[0].Description, want)
	}
	if want := `🟠 HIGH: AWS.Console.RootLogin \*raw\*`; msg.Embeds[0].Title != want {
		t.Errorf("got the title %q, want %q: it is plain text", msg.Embeds[0].Title, want)
	}
	if want := "HIGH Root login to 123456789012 from 198.51.100.7 without MFA"; msg.ThreadName != want {
		t.Errorf("got the thread %q, want %q", msg.ThreadName, want)
	}
	if len(msg.Embeds) != 1 || len(msg.Embeds[0].Fields) != 1 || msg.Embeds[0].Fields[0].Name != "Links" {
		t.Errorf("got %+v, want only the text and the links", msg.Embeds)
	}
}

func TestRender_SaysThatAnAlertMayComeTwice(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Again = true
	if msg, _ := renderWith(t, discord.Config{}, m); !strings.Contains(msg.Embeds[0].Description, "Discord may show it twice") {
		t.Errorf("got %q, want a note", msg.Embeds[0].Description)
	}
}

func TestRender_SaysWhereTheContextWasCut(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"log":"` + strings.Repeat("z", 50_000) + `"}`)
	msg, cut := renderWith(t, discord.Config{}, m)
	mustFit(t, m, msg)
	if got := msg.Embeds[1].Description; !cut || !strings.HasSuffix(got, " characters shown; the alert has the whole context\n```") {
		t.Errorf("got (cut %t) …%q, want a note", cut, got[len(got)-80:])
	}
}

func TestRender_ShowsNoBlankTexts(t *testing.T) {
	t.Parallel()
	msg, _ := renderWith(t, discord.Config{}, destinationtest.Blank())
	mustFit(t, destinationtest.Blank(), msg)
	if want := "🟠 HIGH: b4b3f0d2c1e04f6f"; msg.Embeds[0].Title != want {
		t.Errorf("got the title %q, want %q", msg.Embeds[0].Title, want)
	}
	for _, f := range msg.Embeds[0].Fields {
		if render.Blank(strings.Trim(f.Value, "`")) {
			t.Errorf("got %+v, want no blank fact", f)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const url = `"webhook_url":"` + address + `"`
	long := strings.Repeat("x", 81)
	for config, want := range map[string][]string{
		`{` + url + `}`: nil,
		`{"webhook_url":"https://discordapp.com/api/webhooks/1/hidden"}`:                      nil,
		`{"webhook_url":"https://ptb.discord.com/api/v10/webhooks/1/hidden/?wait=true"}`:      nil,
		`{"webhook_url":"https://proxy.example.com/discord/api/webhooks/1/hidden"}`:           nil,
		`{` + url + `,"username":"Alert router","avatar_url":"https://static.example.com/a"}`: nil,
		`{` + url + `,"thread_id":"199737254929760256","mention":"@here"}`:                    nil,
		`{` + url + `,"thread_name":"{{.title}}","mention":"<@&165511591545143296>"}`:         nil,
		`{}`: {"/webhook_url"},
		`{"webhook_url":"https://discord.com/api/webhooks/1/hidden/slack"}`:       {"/webhook_url"},
		`{"webhook_url":"https://discord.com/api/webhooks/1/hidden?thread_id=2"}`: {"/webhook_url"},
		`{"webhook_url":"https://discord.com/channels/1/hidden"}`:                 {"/webhook_url"},
		`{"webhook_url":"https://discord.com/api/webhooks/hidden/1"}`:             {"/webhook_url"},
		`{"webhook_url":"hidden","mention":"everyone"}`:                           {"/mention", "/webhook_url"},
		`{` + url + `,"mention":"<@!1>"}`:                                         {"/mention"},
		`{` + url + `,"mention":"@here\n"}`:                                       {"/mention"},
		`{` + url + `,"mention":"@here @everyone"}`:                               {"/mention"},
		`{` + url + `,"username":"My Discord bot","avatar_url":"javascript:x"}`:   {"/avatar_url", "/username"},
		`{` + url + `,"username":"` + long + `"}`:                                 {"/username"},
		`{` + url + `,"username":"a\nb"}`:                                         {"/username"},
		`{` + url + `,"thread_id":"general"}`:                                     {"/thread_id"},
		`{` + url + `,"thread_id":"18446744073709551615"}`:                        nil,
		`{` + url + `,"thread_id":"18446744073709551616"}`:                        {"/thread_id"},
		`{` + url + `,"thread_id":"0199737254929760256"}`:                         {"/thread_id"},
		`{` + url + `,"mention":"<@0199737254929760256>"}`:                        {"/mention"},
		`{` + url + `,"mention":"<@&18446744073709551616>"}`:                      {"/mention"},
		`{"webhook_url":"https://discord.com/api/webhooks/01/hidden"}`:            {"/webhook_url"},
		`{` + url + `,"thread_id":"1","thread_name":"x"}`:                         {"/thread_name"},
		`{` + url + `,"thread_name":"{{"}`:                                        {"/thread_name"},
		`{` + url + `,"body_template":"{{"}`:                                      {"/body_template"},
		`{` + url + `,"channel":"soc"}`:                                           {"/channel"},
	} {
		_, _, err := discord.Type.Split(json.RawMessage(config), nil)
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
