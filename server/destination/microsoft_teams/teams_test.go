// SPDX-License-Identifier: MPL-2.0

package teams_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	teams "github.com/alertrouter/terraform-provider-alertrouter/server/destination/microsoft_teams"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// maxMessage is what a whole request stays within, in bytes of UTF-8 and of UTF-16.
const maxMessage = 24_000

var full = teams.Config{Mentions: map[string]string{"Jane Doe": "jane@example.com", "John (SOC)": "49c4641c-ab91-4248-aebb-6a7de286397b"}, FullWidth: true}

func renderWith(c teams.Config, m *destination.Message) (body []byte, cut bool) {
	var none *render.TemplateSet
	return teams.Render(c, none.Apply(m), m)
}

func TestRender_PassesTheSchemaOfAdaptiveCards(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	messages := append(destinationtest.Corpus(t), destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(),
		destinationtest.Test(), destinationtest.Fallback(), destinationtest.Blank(), destinationtest.Critical(),
		destinationtest.Overlong(strings.Repeat("é", 10_000)))
	for i, m := range messages {
		config := full
		if i%3 == 0 {
			config.Templates = render.Templates{TitleTemplate: "{{.title}}!", BodyTemplate: "**{{.severity}}** {{.description}}"}
		}
		card := cardOf(t, renderTemplates(t, config, m))
		delete(card, "msteams") // Teams' own
		if err := schema.Validate(card); err != nil {
			t.Fatalf("%s: %v\n%v", m.Alert.Detection.ID, err, card)
		}
	}
}

// TestRender_UsesNothingNewerThanTheVersionItNames looks every member up in the schema, which says since when it is there.
func TestRender_UsesNothingNewerThanTheVersionItNames(t *testing.T) {
	t.Parallel()
	var schema struct {
		Definitions map[string]struct {
			Version    string
			Properties map[string]struct{ Version string }
			AnyOf      []struct {
				Properties map[string]struct{ Version string }
			}
		}
	}
	raw, err := os.ReadFile(destinationtest.Shared(t, "contracts/adaptive-card-1.5.0.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	body, _ := renderWith(full, destinationtest.Critical())
	card := cardOf(t, body)
	version, seen := card["version"].(string), 0
	delete(card, "msteams")
	walk(card, func(object map[string]any) {
		name, _ := object["type"].(string)
		definition, ok := schema.Definitions[name]
		if !ok {
			t.Errorf("the schema has no %q", name)
		}
		properties := definition.Properties
		for _, variant := range definition.AnyOf {
			if variant.Properties != nil {
				properties = variant.Properties
			}
		}
		for member := range object {
			if seen++; max(definition.Version, properties[member].Version) > version {
				t.Errorf("%s.%s is newer than %s", name, member, version)
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d members were looked up", seen)
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", 10_000), strings.Repeat("é", 10_000), strings.Repeat("漢", 10_000), strings.Repeat("😀", 10_000),
		strings.Repeat("👨‍👩‍👧‍👦", 1_500), strings.Repeat("<{", 5_000), strings.Repeat("<at>", 2_500), strings.Repeat("{{DATE(", 2_000),
		strings.Repeat(`"\`, 10_000), strings.Repeat("a\n", 10_000), strings.Repeat("*_", 5_000), "https://example.com/" + strings.Repeat("x", 370),
	} {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Test, m.Again, m.Link = text, true, true, text
		m.Alert.Detection.ID, m.Alert.Detection.Version, m.AlertID = text, text, text
		m.Alert.LogTypes = []string{text}

		linked := *m // all buttons beside the longest texts
		alert := *m.Alert
		linked.Alert = &alert
		linked.Link = "https://example.com/" + strings.Repeat("x", 380)
		linked.Alert.Detection.Reference = linked.Link

		config := teams.Config{FullWidth: true, Mentions: map[string]string{}}
		for i := range 5 {
			name := fmt.Sprint(i, strings.Repeat("漢", 49))
			config.Mentions[name] = strings.Repeat("x", 64) + "@" + strings.Repeat("y", 48)
		}
		for _, m := range []*destination.Message{m, &linked} {
			body, _ := renderWith(config, m)
			mustFit(t, m, body)

			config := config
			config.Templates = render.Templates{TitleTemplate: "{{.title}}", BodyTemplate: "{{.description}} {{.context}} {{.title}}"}
			mustFit(t, m, renderTemplates(t, config, m))
		}
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	all, cut := destinationtest.Corpus(t), 0
	for _, m := range all {
		body, was := renderWith(full, m)
		mustFit(t, m, body)
		if was {
			cut++
		}
	}
	destinationtest.WantFewCut(t, cut, len(all))
}

func TestRender_SaysWhereTheContextWasCut(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"log":"` + strings.Repeat("z", 50_000) + `"}`)
	body, cut := renderWith(full, m)
	mustFit(t, m, body)
	if texts := runs(cardOf(t, body)); !cut || !strings.HasSuffix(texts[len(texts)-1], " characters shown; the alert has the whole context") {
		t.Errorf("got (cut %t) %.80q at the end, want a note", cut, texts[len(texts)-1])
	}
}

// TestRender_KeepsAlertTextOutOfMarkdown wants every text from an alert in a TextRun, where Markdown means nothing.
func TestRender_KeepsAlertTextOutOfMarkdown(t *testing.T) {
	t.Parallel()
	m := destinationtest.Hostile()
	body, _ := renderWith(full, m)
	card := cardOf(t, body)
	var blocks []string
	walk(card, func(object map[string]any) {
		switch object["type"] {
		case "TextBlock":
			blocks = append(blocks, object["text"].(string))
		case "Action.OpenUrl":
			t.Errorf("got a button to %v, want none to what is no link", object["url"])
		case "FactSet":
			t.Error("got a FactSet, in which Markdown means something")
		}
	})
	if want := []string{"<at>Jane Doe</at>, <at>John (SOC)</at>"}; !slices.Equal(blocks, want) {
		t.Errorf("got the text blocks %q, want %q", blocks, want)
	}
	if texts := strings.Join(runs(card), "\n"); !strings.Contains(texts, "*bold* _it_ ~st~ `code`") || !strings.Contains(texts, "[link](https://evil.example)") {
		t.Errorf("got %q, want the text as it stands", texts)
	}
}

var at = regexp.MustCompile(`(?i)<\s*/?\s*at\b[^>]*>`)

func TestRender_MentionsOnlyWhomTheConfigNames(t *testing.T) {
	t.Parallel()
	const text = "<at>Jane Doe</at> <AT>everyone</AT> </at> < at>x {{DATE(2017-02-14T06:08:39Z, SHORT)}} {{ TIME(2017-02-14T06:08:39Z)}}"
	m := destinationtest.Overlong(text)
	m.Alert.Detection.ID, m.FallbackOf = text, text
	for _, c := range []struct {
		config teams.Config
		want   []string
	}{
		{teams.Config{}, nil},
		{full, []string{"<at>", "</at>", "<at>", "</at>"}},
	} {
		for _, c.config.BodyTemplate = range []string{"", "{{.description}} {{.title}} {{.context.text}}"} {
			body := renderTemplates(t, c.config, m)
			card := cardOf(t, body)
			delete(card, "msteams")
			all := strings.Join(texts(card), "\n")
			if got := at.FindAllString(all, -1); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(all, "{{DATE") || strings.Contains(all, "{{ TIME") {
				t.Errorf("got %q, want no function", all)
			}
			if n := strings.Count(string(body), `"type":"mention"`); n != len(c.config.Mentions) {
				t.Errorf("got %d mentions, want %d", n, len(c.config.Mentions))
			}
		}
	}
}

// TestTemplates_EscapeMarkdown wants from the user's template its own Markdown, and none from the alert.
func TestTemplates_EscapeMarkdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"*b* _i_ [x](http://evil)":       `**T** \*b\* \_i\_ \[x\](http\://evil) [runbook](https://r.example)`,
		"- a\n1. b\n2) c\n  + d\n# e":    `**T** \- a` + "\n\n" + `1\. b` + "\n\n" + `2\) c` + "\n\n" + "\u00a0\u00a0" + `\+ d` + "\n\n" + `\# e [runbook](https://r.example)`,
		"10.0.0.1 a-b c_d \\ `x` &lt;":   `**T** 10.0.0.1 a-b c\_d ` + `\\ ` + "\\`x\\`" + ` \&lt; [runbook](https://r.example)`,
		"a\n    code\n\tb":               "**T** a\n\n\u00a0\u00a0\u00a0\u00a0code\n\n\u00a0b [runbook](https://r.example)",
		"https://a\\[safe](//evil) a:b:": `**T** https\://a\\\[safe\](//evil) a:b\: [runbook](https://r.example)`,
		"<b>h</b> ![i](u) a|b ~s~":       `**T** \<b\>h\</b\> \!\[i\](u) a\|b \~s\~ [runbook](https://r.example)`,
	} {
		m := destinationtest.Message()
		m.Alert.Generated.Description = &text
		body := renderTemplates(t, teams.Config{Templates: render.Templates{BodyTemplate: "**T** {{.description}} [runbook](https://r.example)"}}, m)
		if texts := texts(cardOf(t, body)); !slices.Contains(texts, want) {
			t.Errorf("%q: got no %q in %q", text, want, texts)
		}
	}
}

func TestRender_ShowsSeverityAsColourAndWord(t *testing.T) {
	t.Parallel()
	for severity, style := range map[alert.Severity]string{
		alert.Critical: "attention", alert.High: "attention", alert.Medium: "warning", alert.Low: "accent", alert.Info: "emphasis",
	} {
		m := destinationtest.Message()
		m.Severity = severity
		body, _ := renderWith(teams.Config{}, m)
		head := cardOf(t, body)["body"].([]any)[0].(map[string]any)
		if head["style"] != style || !strings.HasSuffix(runs(head)[0], " "+string(severity)) {
			t.Errorf("%s: got style %v and %q", severity, head["style"], runs(head)[0])
		}
	}
}

func TestRender_ShowsNoBlankTexts(t *testing.T) {
	t.Parallel()
	body, _ := renderWith(full, destinationtest.Blank())
	for _, text := range runs(cardOf(t, body)) {
		if render.Blank(text) {
			t.Errorf("got %q, want no text with nothing in it:\n%s", text, body)
		}
	}
}

func TestRender_SaysThatAnAlertMayComeTwice(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Again = true
	body, _ := renderWith(full, m)
	if !strings.Contains(string(body), "Teams may show it twice") {
		t.Errorf("got %s, want a note", body)
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const url = `"webhook_url":"https://x.06.environment.api.powerplatform.com/powerautomate/hidden?sig=hidden"`
	for config, want := range map[string][]string{
		`{` + url + `}`: nil,
		`{"webhook_url":"https://prod-01.westeurope.logic.azure.com:443/workflows/hidden?sig=hidden"}`:  nil,
		`{"webhook_url":"https://x.8.environment.api.gov.powerplatform.microsoft.us:443/hidden?sig=x"}`: nil,
		`{"webhook_url":"https://gateway.example.com/hidden"}`:                                          nil,
		`{` + url + `,"mentions":{"Zoë O'Brien-Ng (SOC)":"49c4641c-ab91-4248-aebb-6a7de286397b"}}`:      nil,
		`{` + url + `,"mentions":{"Jane":"jane.o'brien@example.onmicrosoft.com"},"full_width":false}`:   nil,
		`{}`: {"/webhook_url"},
		`{"webhook_url":"https://x.06.environment.API.powerplatform.com/powerautomate/hidden?api-version=1"}`: {"/webhook_url"},
		`{"webhook_url":"https://prod-01.westeurope.logic.azure.com:443/workflows/hidden?sig="}`:              {"/webhook_url"},
		`{"webhook_url":"https://contoso.webhook.office.com/webhookb2/hidden"}`:                               {"/webhook_url"},
		`{"webhook_url":"https://OUTLOOK.office.com/webhook/hidden"}`:                                         {"/webhook_url"},
		`{"webhook_url":"https://teams.microsoft.com/l/channel/hidden"}`:                                      {"/webhook_url"},
		`{"webhook_url":"hidden","mentions":{"a":"b"}}`:                                                       {"/mentions/a", "/webhook_url"},
		`{` + url + `,"mentions":{"<at>x":"jane@example.com"}}`:                                               {"/mentions"},
		`{` + url + `,"mentions":{"*x*":"jane@example.com"}}`:                                                 {"/mentions"},
		`{` + url + `,"mentions":{"a/b":"29:1234"}}`:                                                          {"/mentions/a~1b"},
		`{` + url + `,"mentions":{"a":"a@b.c","b":"a@b.c","c":"a@b.c","d":"a@b.c","e":"a@b.c","f":"a@b.c"}}`:  {"/mentions"},
		`{` + url + `,"mentions":{"a":"a@b.c\n"}}`:                                                            {"/mentions/a"},
		`{` + url + `,"full_width":"yes"}`:                                                                    {"/full_width"},
		`{` + url + `,"body_template":"{{"}`:                                                                  {"/body_template"},
		`{` + url + `,"channel":"soc"}`:                                                                       {"/channel"},
	} {
		_, _, err := teams.Type.Split(json.RawMessage(config), nil)
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
	if n := max(len(body), 2*len(utf16.Encode([]rune(string(body))))); n > maxMessage {
		t.Errorf("%.40q: got %d bytes, want at most %d", m.Alert.Detection.ID, n, maxMessage)
	}
}

// renderTemplates renders as a sender does, the config's templates included.
func renderTemplates(t *testing.T, c teams.Config, m *destination.Message) []byte {
	t.Helper()
	sender, err := teams.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering.Body
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.Open(destinationtest.Shared(t, "contracts/adaptive-card-1.5.0.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	document, err := jsonschema.UnmarshalJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	delete(document.(map[string]any), "id") // another draft's spelling
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("card.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("card.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func cardOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var message struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     map[string]any
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		t.Fatal(err)
	}
	if message.Type != "message" || len(message.Attachments) != 1 || message.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		t.Fatalf("got %s, want a message with one card", body)
	}
	return message.Attachments[0].Content
}

// walk calls visit with every object that has a type.
func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	case map[string]any:
		if v["type"] != nil {
			visit(v)
		}
		for _, e := range v {
			walk(e, visit)
		}
	}
}

// runs returns the texts that no Markdown is read in, in order.
func runs(value any) []string {
	var all []string
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			all = append(all, runs(e)...)
		}
	case map[string]any:
		if v["type"] == "TextRun" {
			return []string{v["text"].(string)}
		}
		for _, member := range []string{"body", "items", "columns", "inlines"} {
			all = append(all, runs(v[member])...)
		}
	}
	return all
}

// texts returns every text in a JSON value.
func texts(value any) []string {
	var all []string
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			all = append(all, texts(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, texts(e)...)
		}
	}
	return all
}
