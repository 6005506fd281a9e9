// SPDX-License-Identifier: MPL-2.0

package asana_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/asana"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// What a task stays within: characters of a name, bytes of notes.
const (
	maxName  = 255
	maxNotes = 65535
)

var config = asana.Config{
	AccessToken: secret.New("2/12/34:needle"), ProjectGIDs: []string{"10", "11"}, SectionGID: "20", ParentGID: "30", Assignee: "me",
	Followers: []string{"soc@example.com"}, TagGIDs: []string{"50"}, CustomFields: `{"60":"x"}`, SeverityCustomFieldGID: "70",
	SeverityEnumOptionGIDs: map[alert.Severity]string{alert.Critical: "71", alert.High: "72"},
}

// attacks are texts that do something, or are refused, when they are taken as they are.
var attacks = []string{
	"</body><body>", "<a data-asana-gid=\"1\"/>", "<a href=\"https://evil.example\">x</a>", "<img src=\"https://evil.example/p.png\"/>", "<!-- x -->",
	"<![CDATA[x]]>", "]]>", "<?xml version=\"1.0\"?>", "<!DOCTYPE x [<!ENTITY y \"z\">]>&y;", "&nbsp;", "&", "&amp;", "&#0;", "&#64;", "<", ">", "\"'", "' onclick='x",
	"\ufffe\uffff", "\x00\x0b\x1b", "\ud7ff\ue000\ufffd", "\U0010ffff", "bad\xff\xfebytes", "</pre>", "</code></li></ul>", "<script>alert(1)</script>", "<br>", "<p>",
	"https://app.asana.com/0/123/456", "http://APP.ASANA.COM/0/profile/1", "app.asana.com:443/1/2", "https://asana.com?x", "a\n\n\nb", "- item\n* item", "@me", "#1",
}

func TestRender_IsAlwaysWhatAsanaTakes(t *testing.T) {
	t.Parallel()
	messages := []*destination.Message{
		destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(), destinationtest.Blank(), destinationtest.Test(), destinationtest.Fallback(),
	}
	for _, attack := range attacks {
		m := destinationtest.Overlong(attack)
		m.FallbackOf, m.Link, m.AlertID = attack, attack, attack
		m.Alert.Detection.ID, m.Alert.Detection.Version = attack, attack
		m.Alert.LogTypes = []string{attack}
		messages = append(messages, m)
	}
	templated := asana.Config{Templates: render.Templates{
		TitleTemplate: "{{ .dedup }}", BodyTemplate: `<h1>{{ .title }}</h1>{{ .description }}<a href="https://example.com/?q={{ .dedup }}">x</a>`,
	}}
	for _, m := range messages {
		for _, c := range []asana.Config{config, templated} {
			mustBeRichText(t, decode(t, renderOf(t, c, m).Body))
		}
	}
}

func TestRender_OfTheCorpusIsWhatAsanaTakes(t *testing.T) {
	t.Parallel()
	for _, m := range destinationtest.Corpus(t) {
		rendering := renderOf(t, config, m)
		mustBeRichText(t, decode(t, rendering.Body))
		if rendering.Truncated {
			t.Errorf("%s is cut", m.Alert.Detection.ID)
		}
	}
}

func TestRender_ShowsWhatAnAlertSays(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks {
		m := destinationtest.Message()
		m.Alert.Detection.Description, m.Alert.Dedup = attack, attack
		text := mustBeRichText(t, decode(t, renderOf(t, config, m).Body))
		text = strings.ReplaceAll(text, "\u200b", "")
		if !render.Blank(attack) && (!strings.Contains(text, "\n\n"+render.Text(attack)+"\n\n") || !strings.Contains(text, "Dedup: "+render.Line(attack)+"Tags: ")) {
			t.Errorf("%q cannot be read in\n%s", attack, text)
		}
	}
}

func TestRender_MentionsNobody(t *testing.T) {
	t.Parallel()
	for _, attack := range []string{"https://app.asana.com/0/profile/1", "see https://app.asana.com/0/1/2 there", "APP.ASANA.COM/0/1"} {
		m := destinationtest.Overlong(attack)
		m.Link, m.FallbackOf = attack, attack
		task := decode(t, renderOf(t, config, m).Body)
		if found := regexp.MustCompile(`(?i)asana\.com/`).FindString(task.Name + task.HTMLNotes); found != "" || strings.Contains(task.HTMLNotes, "<a ") {
			t.Errorf("%q: got %q in %s", attack, found, task.HTMLNotes)
		}
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 10_000), "two bytes": strings.Repeat("é", 10_000), "four bytes": strings.Repeat("😀", 10_000),
		"families": strings.Repeat("👨‍👩‍👧‍👦", 1_500), "markup": strings.Repeat("<&>", 10_000), "addresses": strings.Repeat("asana.com/ ", 10_000),
		"quotes": strings.Repeat(`"'`, 10_000), "long": strings.Repeat("x&", 100_000), "links": "https://example.com/" + strings.Repeat("&", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Overlong(text)
			m.Link, m.FallbackOf, m.Test = text, text, true
			m.Alert.Detection.ID, m.Alert.Detection.Version = text, text
			m.Alert.LogTypes = slices.Repeat([]string{text}, 50)
			m.Alert.Context, _ = json.Marshal(map[string]string{"text": strings.Repeat(text, 1+80_000/len(text))})
			for _, template := range []string{"", "<strong>{{ .description }}{{ .dedup }}</strong><ul><li>{{ .title }}</li><li><em>{{ .runbook }}</em></li></ul>"} {
				c := config
				c.BodyTemplate = template
				rendering := renderOf(t, c, m)
				task := decode(t, rendering.Body)
				mustBeRichText(t, task)
				if n := len(utf16.Encode([]rune(task.Name))); n > maxName || n < maxName/3 {
					t.Errorf("got a name of %d characters, want at most %d", n, maxName)
				}
				if n := len(task.HTMLNotes); n > maxNotes || n < maxNotes/10 || !rendering.Truncated {
					t.Errorf("got notes of %d bytes (cut %t), want at most %d", n, rendering.Truncated, maxNotes)
				}
				usual := template == "" || strings.Contains(strings.Join(rendering.Notes, "\n"), "body template failed") // on far too much text
				if usual && !strings.Contains(task.HTMLNotes, "\n… cut") || !strings.Contains(task.HTMLNotes, "…") {
					t.Errorf("got no note of the cut: …%s", task.HTMLNotes[len(task.HTMLNotes)-300:])
				}
			}
		})
	}
}

func TestRender_CutsATemplatesTextWhereverItIs(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.LogTypes = slices.Repeat([]string{"<&é"}, 900) // none of which can be cut
	c := config
	cases := 30
	if testing.Short() {
		cases = 3
	}
	for n := range cases {
		c.BodyTemplate = strings.Repeat("x", n*7) + `{{ range .log_types }}<ul><li><a href="https://example.com/">{{ . }}</a></li><li><hr/></li></ul><pre>"</pre>{{ end }}`
		rendering := renderOf(t, c, m)
		task := decode(t, rendering.Body)
		mustBeRichText(t, task)
		if len(task.HTMLNotes) > maxNotes || len(task.HTMLNotes) < maxNotes-200 || !rendering.Truncated || !strings.Contains(task.HTMLNotes, "\n… cut here") {
			t.Errorf("%d more: got %d bytes (cut %t), want the room used, and a note", n*7, len(task.HTMLNotes), rendering.Truncated)
		}
	}
}

func TestRender_UsesTemplates(t *testing.T) {
	t.Parallel()
	m := destinationtest.Test()
	c := config
	c.TitleTemplate, c.BodyTemplate = "{{ .detection.id }}", `<h2>What</h2>{{ .description }}<hr/><a href="{{ .runbook }}">How</a> <a data-asana-gid="40"/>`
	rendering := renderOf(t, c, m)
	task := decode(t, rendering.Body)
	mustBeRichText(t, task)
	for _, want := range []string{"<em>This is a test", "<h2>What</h2>The root", "<hr></hr>", `<a href="https://runbooks.example.com/aws/root-login?from=alert&amp;v=2">How</a>`, `<a data-asana-gid="40"></a>`} {
		if !strings.Contains(task.HTMLNotes, want) {
			t.Errorf("got no %s in\n%s", want, task.HTMLNotes)
		}
	}
	if task.Name != "[TEST] AWS.Console.RootLogin" || strings.Contains(task.HTMLNotes, "<pre>") {
		t.Errorf("got %+v", task)
	}
}

func TestRender_LeavesOutATemplatesTextThatAsanaWouldRefuse(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		"<p>x</p>", "<strong>x", "x</strong>", "<strong>x</em></strong>", "a & b", "a < b", "&nbsp;", "<br>", "<!-- x -->", "<?x y?>", "<img src=\"x\"/>", "</body><body>",
		"</body>x<body>", `<a href="javascript:alert(1)">x</a>`, `<a onclick="x">x</a>`, `<strong class="x">x</strong>`, `<a data-asana-gid="x"/>`, `<x:strong>x</x:strong>`,
		`<a href="{{ .dedup }}">x</a>`,
	} {
		c := config
		c.BodyTemplate = template
		rendering := renderOf(t, c, destinationtest.Message())
		task := decode(t, rendering.Body)
		mustBeRichText(t, task)
		if len(rendering.Notes) != 1 || !strings.Contains(rendering.Notes[0], "body template") || !strings.Contains(task.HTMLNotes, rendering.Notes[0]) || !strings.Contains(task.HTMLNotes, "<pre>{") {
			t.Errorf("%s: got notes %q and\n%s\nwant the usual text and a note", template, rendering.Notes, task.HTMLNotes)
		}
	}
}

func TestRender_FillsTheTask(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	task := decode(t, renderOf(t, config, m).Body)
	task.HTMLNotes = ""
	raw, _ := json.Marshal(task)
	const want = `{"name":"HIGH: Root login to 123456789012 from 198.51.100.7 without MFA","html_notes":"","projects":["10","11"],"memberships":[{"project":"10","section":"20"}],` +
		`"parent":"30","assignee":"me","followers":["soc@example.com"],"tags":["50"],"custom_fields":{"60":"x","70":"72"}}`
	if string(raw) != want {
		t.Errorf("got %s, want %s", raw, want)
	}
	m.Severity = alert.Low // of which the config knows no option
	if got := decode(t, renderOf(t, config, m).Body).CustomFields; string(got) != `{"60":"x"}` {
		t.Errorf("got custom fields %s", got)
	}
	task = decode(t, renderOf(t, asana.Config{ProjectGIDs: []string{"10"}}, destinationtest.Minimal()).Body)
	task.HTMLNotes = ""
	if raw, _ := json.Marshal(task); string(raw) != `{"name":"INFO: AWS.S3.Public","html_notes":"","projects":["10"]}` {
		t.Errorf("got %s, want no more than what is set", raw)
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const ok = `"access_token":"2/1/2:hidden","project_gids":["10"]`
	for config, want := range map[string][]string{
		`{` + ok + `}`: nil,
		`{` + ok + `,"section_gid":"1","parent_gid":"2","assignee":"me","followers":["a@b.example","12"],"tag_gids":["3"]}`:    nil,
		`{` + ok + `,"custom_fields":"{\"1\":[\"2\"],\"3\":{\"date\":\"2026-01-01\"},\"4\":null}"}`:                            nil,
		`{` + ok + `,"severity_custom_field_gid":"1","severity_enum_option_gids":{"HIGH":"2"},"api_url":"https://x.example/"}`: nil,
		`{}`: {"/access_token", "/project_gids"},
		`{"access_token":"hidden token","project_gids":[]}`:                                                                 {"/access_token", "/project_gids"},
		`{"access_token":"hidden\n","project_gids":["x","","1","` + strings.Repeat("1", 33) + `"]}`:                         {"/access_token", "/project_gids/0", "/project_gids/1", "/project_gids/3"},
		`{` + ok + `,"project_gids":[` + strings.Repeat(`"1",`, 20) + `"1"]}`:                                               {"/project_gids"},
		`{` + ok + `,"section_gid":"x","parent_gid":"y","assignee":"z","api_url":"app.asana.com"}`:                          {"/api_url", "/assignee", "/parent_gid", "/section_gid"},
		`{` + ok + `,"followers":["Me","a b@c.d","a@","<a@b.c>\n"],"tag_gids":["urgent"]}`:                                  {"/followers/0", "/followers/1", "/followers/2", "/followers/3", "/tag_gids/0"},
		`{` + ok + `,"custom_fields":"{"}`:                                                                                  {"/custom_fields"},
		`{` + ok + `,"custom_fields":"[]"}`:                                                                                 {"/custom_fields"},
		`{` + ok + `,"custom_fields":"null"}`:                                                                               {"/custom_fields"},
		`{` + ok + `,"custom_fields":"{\"1\":2,\"1\":3}"}`:                                                                  {"/custom_fields"},
		`{` + ok + `,"custom_fields":"{\"Priority\":2}"}`:                                                                   {"/custom_fields"},
		`{` + ok + `,"custom_fields":"{\"1\":\"` + strings.Repeat("x", 16<<10) + `\"}"}`:                                    {"/custom_fields"},
		`{` + ok + `,"severity_custom_field_gid":"1"}`:                                                                      {"/severity_enum_option_gids"},
		`{` + ok + `,"severity_enum_option_gids":{"HIGH":"2","high":"x"}}`:                                                  {"/severity_custom_field_gid", "/severity_enum_option_gids/high", "/severity_enum_option_gids/high"},
		`{` + ok + `,"severity_custom_field_gid":"1","severity_enum_option_gids":{"HIGH":"2"},"custom_fields":"{\"1\":2}"}`: {"/custom_fields"},
		`{` + ok + `,"api_url":"https://app.asana.com/api/1.0/"}`:                                                           nil,
		`{` + ok + `,"api_url":"https://app.asana.com"}`:                                                                    nil,
		`{` + ok + `,"api_url":"https://app.asana.com/0/10/list"}`:                                                          {"/api_url"},
		`{` + ok + `,"api_url":"https://app.asana.com/api/2.0"}`:                                                            {"/api_url"},
		`{` + ok + `,"api_url":"https://x.example/?a=b"}`:                                                                   {"/api_url"},
		`{` + ok + `,"body_template":"<h3>{{ .title }}"}`:                                                                   {"/body_template"},
		`{` + ok + `,"body_template":"<strong>{{ .title }}"}`:                                                               {"/body_template"},
		`{` + ok + `,"body_template":"<h3>{{ .title }}</h3>"}`:                                                              {"/body_template"},
		`{` + ok + `,"body_template":"<strong>{{ .title }}</strong>"}`:                                                      nil,
		`{` + ok + `,"body_template":"{{ end }}"}`:                                                                          {"/body_template"},
		`{` + ok + `,"workspace_gid":"1"}`:                                                                                  {"/workspace_gid"},
	} {
		_, _, err := asana.Type.Split(json.RawMessage(config), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", config, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", config, err)
		}
	}
}

// task is a task as it is sent.
type task struct {
	Name         string          `json:"name"`
	HTMLNotes    string          `json:"html_notes"`
	Projects     json.RawMessage `json:"projects,omitempty"`
	Memberships  json.RawMessage `json:"memberships,omitempty"`
	Parent       string          `json:"parent,omitempty"`
	Assignee     string          `json:"assignee,omitempty"`
	Followers    []string        `json:"followers,omitempty"`
	Tags         []string        `json:"tags,omitempty"`
	CustomFields json.RawMessage `json:"custom_fields,omitempty"`
}

func renderOf(t *testing.T, c asana.Config, m *destination.Message) destination.Rendering {
	t.Helper()
	sender, err := asana.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering
}

func decode(t *testing.T, body []byte) task {
	t.Helper()
	var request struct {
		Data task `json:"data"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	return request.Data
}

// within says which tags may stand in which, as https://developers.asana.com/docs/rich-text has it: nothing but text and
// inline tags in a heading and in preformatted text, and only items in a list.
var within = map[string][]string{
	"": {"body"}, "body": {"strong", "em", "code", "ul", "pre", "a", "h1", "h2", "hr"}, "ul": {"li"}, "li": {"strong", "em", "code", "a", "hr"},
	"strong": {}, "em": {}, "code": {}, "a": {}, "pre": {}, "h1": {}, "h2": {}, "hr": {},
}

var mark = regexp.MustCompile(`\n<em>alertrouter delivery [0-9a-f]{32}</em></body>$`)

// mustBeRichText wants one body of XML with Asana's tags, and the mark at its end. It returns the text.
func mustBeRichText(t *testing.T, of task) string {
	t.Helper()
	if !mark.MatchString(of.HTMLNotes) {
		t.Errorf("got no mark at the end of …%q", of.HTMLNotes[max(0, len(of.HTMLNotes)-100):])
	}
	if render.Blank(of.Name) {
		t.Error("the name is blank")
	}
	decoder := xml.NewDecoder(strings.NewReader(of.HTMLNotes))
	open, text := []string{""}, strings.Builder{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("%v in %s", err, of.HTMLNotes)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if !slices.Contains(within[open[len(open)-1]], name) {
				t.Errorf("got <%s> in <%s>:\n%s", name, open[len(open)-1], of.HTMLNotes)
			}
			for _, a := range token.Attr {
				if name != "a" || a.Name.Local != "data-asana-gid" && (a.Name.Local != "href" || render.URL(a.Value) != a.Value) {
					t.Errorf("got <%s %s=%q>", name, a.Name.Local, a.Value)
				}
			}
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			text.Write(token)
			if len(open) == 1 {
				t.Errorf("got text %q outside of the body", token)
			}
		default:
			t.Errorf("got %T in %s", token, of.HTMLNotes)
		}
	}
}
