// SPDX-License-Identifier: MPL-2.0

package github_test

import (
	"bytes"
	"encoding/json"
	"html"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/github"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// GitHub's limits, in characters.
const (
	maxTitle = 256
	maxBody  = 65536
)

var config = github.Config{
	Owner: "octo-org", Repository: "alerts", Token: secret.New("github_pat_needle"), Labels: []string{"alert"},
	LabelsBySeverity: map[alert.Severity]string{alert.High: "severity: high"}, Assignees: []string{"octocat"}, Milestone: 3, IssueType: "Bug",
}

func TestRender_PassesGitHubsContract(t *testing.T) {
	t.Parallel()
	contract := newContract(t)
	messages := append(destinationtest.Corpus(t), destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(),
		destinationtest.Blank(), destinationtest.Test(), destinationtest.Fallback(), destinationtest.Overlong(strings.Repeat("😀", 10_000)))
	for _, m := range messages {
		body := renderAll(t, config, m)
		if err := contract.validate(t, body); err != nil {
			t.Errorf("%s: %v\n%s", m.Alert.Detection.ID, err, body)
		}
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 10_000), "two bytes": strings.Repeat("é", 10_000), "four bytes": strings.Repeat("😀", 10_000),
		"families": strings.Repeat("👨‍👩‍👧‍👦", 1_500), "markup": strings.Repeat("|", 10_000), "mentions": strings.Repeat("@a ", 10_000),
		"references": strings.Repeat("#1", 10_000), "GH": strings.Repeat("GH-1", 10_000), "spaces": "x" + strings.Repeat(" ", 10_000) + "x",
		"lines": strings.Repeat("- \n", 10_000), "backticks": strings.Repeat("`", 70_000), "long": strings.Repeat("x&", 100_000),
		"addresses": "https://example.com/" + strings.Repeat("x", 10_000), "issues": strings.Repeat("/issues/1", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Overlong(text)
			m.Link, m.FallbackOf, m.Test = text, text, true
			m.Alert.Detection.ID, m.Alert.Detection.Version = text, text
			m.Alert.LogTypes = slices.Repeat([]string{text}, 50)
			m.Alert.Context, _ = json.Marshal(map[string]string{"text": strings.Repeat(text, 1+80_000/len(text))})
			for _, c := range []github.Config{config, {Templates: render.Templates{BodyTemplate: "{{ .description }}{{ .runbook }}{{ .title }}{{ .dedup }}", TitleTemplate: "{{ .title }}"}}} {
				i := decode(t, renderAll(t, c, m))
				if n := len(utf16.Encode([]rune(i.Title))); n > maxTitle || n == 0 {
					t.Errorf("got a title of %d characters, want at most %d", n, maxTitle)
				}
				if len(i.Body) > maxBody || !utf8.ValidString(i.Body) {
					t.Errorf("got a body of %d bytes, want at most %d", len(i.Body), maxBody)
				}
				mustEndWithMark(t, i.Body)
			}
			i := decode(t, renderAll(t, config, m))
			if len(i.Body) < maxBody/2 {
				t.Errorf("got a body of %d bytes, want the room used", len(i.Body))
			}
			if !cutBlock.MatchString(i.Body) {
				t.Errorf("got no note of the cut, or an open block: …%s", i.Body[len(i.Body)-300:])
			}
		})
	}
}

// cutBlock is the end of a context that says that it was cut.
var cutBlock = regexp.MustCompile("\n… cut[^\n]*\n```\n\n</details>\n\n<!--")

func TestRender_ShowsALongTitleInTheBody(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Generated.Title = new(strings.Repeat("word ", 70) + "end")
	sender := open(t, config)
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	if i := decode(t, rendering.Body); !strings.HasSuffix(i.Title, "…") || !strings.Contains(i.Body, "word end**") || rendering.Truncated {
		t.Errorf("got title %q, truncated %t and body\n%s", i.Title, rendering.Truncated, i.Body)
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	sender := open(t, config)
	for _, m := range destinationtest.Corpus(t) {
		rendering, err := sender.Render(m)
		if err != nil || rendering.Truncated {
			t.Errorf("%s is cut (error %v)", m.Alert.Detection.ID, err)
		}
	}
}

// block is the context, and row a line of the table. What stands in either is code: GitHub does not look for references in it.
var (
	block = regexp.MustCompile("(?s)\n````*json\n.*\n````*\n")
	row   = regexp.MustCompile(`^\| \*\*[A-Za-z ]+\*\* \| <code>(.*)</code> \|$`)
)

// What GitHub takes for a mention, a reference or a link, in the text that came of Markdown; see
// https://github.com/gjtorikian/html-pipeline for the forms it once published.
var forbidden = map[string]*regexp.Regexp{
	"a mention":              regexp.MustCompile(`(?i)(^|[^0-9A-Za-z_])@[a-z0-9]`),
	"a commit of another":    regexp.MustCompile(`(?i)[0-9a-z]@[0-9a-f]{7}`),
	"a number":               regexp.MustCompile(`#[0-9]`),
	"a GH number":            regexp.MustCompile(`(?i)\bgh-[0-9]`),
	"an address of an issue": regexp.MustCompile(`(?i)/(issues|pull|discussions|commit)/[0-9a-z]`),
}

// markup finds what Markdown would take for more than text, once entities are out of the way.
var markup = regexp.MustCompile("[<>*`~|$\\[\\]()\\\\]|(?i:[a-z]+://|www\\.[a-z])|(?m:^ {4}|^\t|^[-+=:#]|^[0-9]+[.)]|^>)|(^|\\W)_|_($|\\W)")

var entities = regexp.MustCompile(`&(amp|lt|gt|#[0-9]{2,3});`)

// attacks are texts that do something on GitHub when they are taken as they are.
var attacks = []string{
	"@octocat", "hello @octo-org/security", "(@octocat)", "é@octocat", "@@octocat", "a@octocat b", "octocat@a5c3785ed8d6a35868bc169f07e40e889087fd2e",
	"#1", "fixes #1", "Closes: #12, closes #13", "octo-org/repo#4039", "GH-1", "gh-26", "resolves GH-7", "#1#2#3", "\\#1", "##1",
	"https://github.com/jlord/sheetsee.js/issues/26", "http://github.com/a/b/pull/1", "closes https://github.com/a/b/issues/3", "HTTPS://GITHUB.COM/A/B/ISSUES/1",
	"www.github.com/a/b/pull/4", "github.com/a/b/discussions/4", "a/b/commit/a5c3785", "ftp://evil.example/x", "bob@evil.example", "mailto:bob@evil.example",
	"<img src=https://evil.example/p.png>", "![x](https://evil.example/p.png)", "[x](javascript:alert(1))", "[x]: https://evil.example", "[^1]: x", "![x][y]",
	"<script>alert(1)</script>", "<!-- alertrouter:delivery=00 -->", "<details open>", "</details>", "</code></td>", "--><b>x", "&#64;octocat", "&commat;octocat", "&lt;b&gt;",
	"# Heading", "###### x", "Heading\n===", "Heading\n---", "***", "___", "- item", "+ item", "* item", "1. item", "1) item", "12345. item", "- [ ] task", "> quote", "> [!WARNING]\n> x",
	"    code", "\tcode", "```\ncode\n```", "~~~\ncode", "`code`", "`` ` ``", "a | b\n--- | ---\nc | d", "|a|\n|-|", "a\n:-", "\\|", "\\\\|", "a\\", "**bold**", "__bold__", "_it_ a_b_c _x", "~~gone~~",
	"$x^2$", "$$\nx\n$$", "$`x`$", "line one\\\nline two", "a\n\n\n\nb", "\n- x", "x\r\n- y\r# z", "x\u2028- y\u2028@octocat",
}

func TestRender_DoesNothingThatAnAlertSays(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks {
		for _, text := range []string{attack, "before " + attack + " after", attack + "\n" + attack} {
			m := destinationtest.Overlong(text)
			m.FallbackOf, m.Link, m.AlertID = text, text, text
			m.Alert.Detection.ID, m.Alert.Detection.Version = text, text
			m.Alert.LogTypes = []string{text}
			body := decode(t, renderAll(t, config, m)).Body
			mustBeInert(t, text, block.ReplaceAllString(body, "\n"))
			mustEndWithMark(t, body)
			for name, form := range forbidden {
				if name != "a commit of another" && name != "an address of an issue" && form.MatchString(decode(t, renderAll(t, config, m)).Title) {
					t.Errorf("%q: the title has %s", text, name)
				}
			}
		}
	}
}

// TestRender_DoesNothingThatPiecesOfAttacksSay puts them together in ways nobody thought of.
func TestRender_DoesNothingThatPiecesOfAttacksSay(t *testing.T) {
	t.Parallel()
	pieces := append(strings.Split("@,#,1,gh,-,\n,\n\n, ,    ,\t,`,*,_,[,],(,),|,---,~~~,```,<,&,http,://,/issues/,www,.,a,$,\\,!,:", ","), attacks...)
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var out strings.Builder
		for range 1 + random.IntN(8) {
			out.WriteString(pieces[random.IntN(len(pieces))])
		}
		return out.String()
	}
	templated := github.Config{Templates: render.Templates{BodyTemplate: "{{ .description }}{{ .dedup }} {{ .dedup }}{{ .runbook }}{{ .description }}"}}
	for range 300 {
		m := destinationtest.Overlong(text())
		m.Alert.Dedup, m.AlertID, m.FallbackOf = text(), text(), text()
		what := m.Alert.Description() + "|" + m.Alert.Dedup
		mustBeInert(t, what, block.ReplaceAllString(decode(t, renderAll(t, config, m)).Body, "\n"))
		mustBeInert(t, what, decode(t, renderAll(t, templated, m)).Body)
	}
}

// mustBeInert looks through all but the context of a body.
func mustBeInert(t *testing.T, text, body string) {
	t.Helper()
	for _, own := range []string{"<details>\n<summary>Context</summary>", "</details>", "| | |\n| --- | --- |"} {
		body = strings.Replace(body, own, "", 1)
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if mark.MatchString("\n\n" + line) {
			continue
		}
		if fact := row.FindStringSubmatch(line); fact != nil {
			if found := markup.FindString("in a line: " + entities.ReplaceAllString(fact[1], "x")); found != "" || strings.Contains(fact[1], "@") {
				t.Errorf("%q: got %q in %q, want no markup", text, found, line)
			}
			continue
		}
		line = strings.TrimPrefix(links.ReplaceAllString(strings.ReplaceAll(line, "**", ""), ""), "> ")
		if found := markup.FindString(entities.ReplaceAllString(line, "x")); found != "" {
			t.Errorf("%q: got %q in %q, want no markup", text, found, line)
		}
		for name, form := range forbidden {
			if form.MatchString(html.UnescapeString(line)) {
				t.Errorf("%q: got %s in %q", text, name, line)
			}
		}
	}
}

var links = regexp.MustCompile(`\[(View alert|Open runbook|Open reference)\]\(<https?://[^<> ]+>\)`)

func TestRender_ShowsWhatAnAlertSays(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks {
		m := destinationtest.Message()
		m.Alert.Detection.Description = attack
		m.Alert.Dedup = attack
		body := strings.NewReplacer("\u200b", "", "\u00a0", " ").Replace(html.UnescapeString(decode(t, renderAll(t, config, m)).Body))
		want := strings.ReplaceAll(render.Text(attack), "\t", " ")
		if !strings.Contains(strings.ReplaceAll(body, "\t", " "), "\n\n"+want+"\n\n") || !strings.Contains(body, "<code>"+render.Line(attack)+"</code>") {
			t.Errorf("%q cannot be read in\n%s", attack, body)
		}
	}
}

func TestRender_EscapesWhatTemplatesPrint(t *testing.T) {
	t.Parallel()
	c := github.Config{Templates: render.Templates{TitleTemplate: "{{ .dedup }}", BodyTemplate: "{{ .description }}{{ .dedup }}{{ .runbook }}"}}
	for _, attack := range append(attacks, "@", "#", "GH", "gh-", "www", "https:", "a/issues/") {
		m := destinationtest.Overlong(attack)
		m.Alert.Detection.Runbook = "1.evil.example" // what the texts before may become one with
		body := decode(t, renderAll(t, c, m)).Body
		mustBeInert(t, attack, body)
	}
}

func TestRender_LinksOnlyWhatLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://runbooks.example.com/a_b?c=d&e=f#g":          true,
		"https://github.com/octo-org/runbooks/blob/main/x.md": true,
		"https://github.com/octo-org/runbooks/wiki/Root":      true,
		"https://github.com/octo-org/runbooks/issues/1":       false,
		"https://github.com/octo-org/runbooks/pull/1#x":       false,
		"https://ghe.example.com/o/r/discussions/1":           false,
		"https://github.com/o/r/commit/a5c3785":               false,
		"javascript:alert(1)":                                 false,
		"https://example.com/" + strings.Repeat("x", 3000):    false,
	} {
		m := destinationtest.Message()
		m.Alert.Detection.Runbook = address
		body := decode(t, renderAll(t, config, m)).Body
		if got := strings.Contains(body, "[Open runbook](<"+address+">)"); got != want {
			t.Errorf("%s is linked: %t, want %t", address, got, want)
		}
		if strings.Contains(body, "**Runbook**") == want {
			t.Errorf("%s: got\n%s\nwant the runbook either linked or shown", address, body)
		}
	}
}

func TestRender_FencesTheContext(t *testing.T) {
	t.Parallel()
	for text, fence := range map[string]string{
		"x": "```", "`x`": "```", "```": "````", "`````": "``````", strings.Repeat("`", 40): "```", "a\u2028```\u2028b": "````",
	} {
		m := destinationtest.Message()
		m.Alert.Context, _ = json.Marshal(map[string]string{"text": text})
		body := decode(t, renderAll(t, config, m)).Body
		if !strings.Contains(body, "\n\n"+fence+"json\n{\n") || !strings.Contains(body, "\n}\n"+fence+"\n\n</details>") {
			t.Errorf("%q: got no context between %s in\n%s", text, fence, body)
		}
	}
}

func TestRender_UsesTemplates(t *testing.T) {
	t.Parallel()
	m := destinationtest.Test()
	c := github.Config{Templates: render.Templates{TitleTemplate: "{{ .detection.id }}", BodyTemplate: "## What\n\n{{ .description }}\n"}}
	i := decode(t, renderAll(t, c, m))
	if i.Title != "[TEST] AWS.Console.RootLogin" {
		t.Errorf("got title %q", i.Title)
	}
	if !strings.Contains(i.Body, "\n\n## What\n\nThe root account was used to sign in.\n") || strings.Contains(i.Body, "<details>") || !strings.Contains(i.Body, "This is a test") {
		t.Errorf("got body\n%s", i.Body)
	}
	mustEndWithMark(t, i.Body)
}

func TestRender_ShowsNoBlankTexts(t *testing.T) {
	t.Parallel()
	i := decode(t, renderAll(t, config, destinationtest.Blank()))
	if i.Title != "HIGH: b4b3f0d2c1e04f6f" || strings.Contains(i.Body, "Runbook") || strings.Contains(i.Body, "<code></code>") {
		t.Errorf("got title %q and body\n%s", i.Title, i.Body)
	}
}

func TestRender_AddsTheSeveritysLabelOnce(t *testing.T) {
	t.Parallel()
	c := config
	c.Labels = []string{"alert", "Severity: High", "ALERT"}
	for severity, want := range map[alert.Severity][]string{alert.High: {"alert", "Severity: High"}, alert.Low: {"alert", "Severity: High"}} {
		m := destinationtest.Message()
		m.Severity = severity
		if got := decode(t, renderAll(t, c, m)).Labels; !slices.Equal(got, want) {
			t.Errorf("%s: got labels %q, want %q", severity, got, want)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const ok = `"owner":"octo-org","repository":"a.b_c-d","token":"ghp_hidden"`
	for config, want := range map[string][]string{
		`{` + ok + `}`: nil,
		`{` + ok + `,"labels":["a b","é"],"labels_by_severity":{"HIGH":"x"},"assignees":["octocat","a_corp","renovate[bot]"],"milestone":1,"issue_type":"Bug"}`: nil,
		`{` + ok + `,"api_url":"https://ghe.example.com/api/v3/"}`:                      nil,
		`{` + ok + `,"api_url":"https://api.octocorp.ghe.com"}`:                         nil,
		`{` + ok + `,"api_url":"https://ghe.example.com"}`:                              nil,
		`{` + ok + `,"api_url":"https://github.com/octo-org"}`:                          {"/api_url"},
		`{` + ok + `,"api_url":"https://octocorp.ghe.com"}`:                             {"/api_url"},
		`{` + ok + `,"api_url":"ghe.example.com"}`:                                      {"/api_url"},
		`{` + ok + `,"api_url":"https://ghe.example.com/?x=1"}`:                         {"/api_url"},
		`{` + ok + `,"api_url":"https://ghe.example.com/api/v3/repos/octo-org/alerts"}`: {"/api_url"},
		`{}`: {"/owner", "/repository", "/token"},
		`{"owner":"a/b","repository":"a/b","token":"hidden token"}`:                                                  {"/owner", "/repository", "/token"},
		`{"owner":"-a","repository":"..","token":"hidden\n"}`:                                                        {"/owner", "/repository", "/token"},
		`{"owner":"a","repository":"a.git","token":"hiddené"}`:                                                       {"/repository", "/token"},
		`{"owner":"` + strings.Repeat("a", 40) + `","repository":"` + strings.Repeat("a", 101) + `","token":"x"}`:    {"/owner", "/repository"},
		`{` + ok + `,"labels":["","a\nb"," c","` + strings.Repeat("é", 51) + `","` + strings.Repeat("é", 50) + `"]}`: {"/labels/0", "/labels/1", "/labels/2", "/labels/3"},
		`{` + ok + `,"labels":[` + strings.Repeat(`"a",`, 20) + `"a"]}`:                                              {"/labels"},
		`{` + ok + `,"labels_by_severity":{"high":"x","LOW":""}}`:                                                    {"/labels_by_severity/LOW", "/labels_by_severity/high"},
		`{` + ok + `,"assignees":["@octocat","",  "a b"]}`:                                                           {"/assignees/0", "/assignees/1", "/assignees/2"},
		`{` + ok + `,"assignees":[` + strings.Repeat(`"a",`, 10) + `"a"]}`:                                           {"/assignees"},
		`{` + ok + `,"milestone":-1,"issue_type":"\t"}`:                                                              {"/issue_type", "/milestone"},
		`{` + ok + `,"title_template":"{{","body_template":"{{ .title | nothing }}"}`:                                {"/body_template", "/title_template"},
		`{` + ok + `,"milestone":"v1"}`:                                                                              {"/milestone"},
		`{` + ok + `,"label":"x"}`:                                                                                   {"/label"},
	} {
		_, _, err := github.Type.Split(json.RawMessage(config), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", config, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", config, err)
		}
	}
}

// issue is what the tests look at.
type issue struct {
	Title  string   `json:"title"`
	Body   string   `json:"body"`
	Labels []string `json:"labels"`
}

func open(t *testing.T, c github.Config) destination.Sender {
	t.Helper()
	sender, err := github.New(c, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func renderAll(t *testing.T, c github.Config, m *destination.Message) []byte {
	t.Helper()
	rendering, err := open(t, c).Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering.Body
}

func decode(t *testing.T, body []byte) issue {
	t.Helper()
	var i issue
	if err := json.Unmarshal(body, &i); err != nil {
		t.Fatal(err)
	}
	return i
}

var mark = regexp.MustCompile(`\n\n<!-- alertrouter:delivery=[0-9a-f]{32} -->$`)

func mustEndWithMark(t *testing.T, body string) {
	t.Helper()
	if !mark.MatchString(body) {
		t.Errorf("got no mark at the end of …%q", body[max(0, len(body)-100):])
	}
}

// contract judges requests by GitHub's own description of its API.
type contract struct{ router routers.Router }

func newContract(t *testing.T) contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(destinationtest.Shared(t, "contracts/github-issues.openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://api.github.com"}}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		t.Fatal(err)
	}
	return contract{router}
}

func (c contract) validate(t *testing.T, body []byte) error {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://api.github.com/repos/octo-org/alerts/issues", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return c.validateRequest(t, req)
}

func (c contract) validateRequest(t *testing.T, req *http.Request) error {
	t.Helper()
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatal(err)
	}
	return openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}
