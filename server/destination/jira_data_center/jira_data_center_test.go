// SPDX-License-Identifier: MPL-2.0

package jiradatacenter_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	jiradatacenter "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_data_center"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// config returns a config with further members.
func config(members string) string {
	return `{"base_url":"https://jira.example.com/jira","personal_access_token":"hidden-token","project_key":"SEC"` + members + `}`
}

// hostile are texts that mean something in wiki markup.
var hostile = []string{
	"{code}", "{code:title=x|borderStyle=solid}\nx\n{code}", "{noformat}", "{panel}", "{color:red}red{color}", "{html}<script>alert(1)</script>{html}", "{{mono}}", `\{code}`, `\\{code}`,
	"h1. Title", " h6. Title", "text\nh2. Title", "bq. quote", "\tbq.quote", "* item", "# item", "- item", "** item", "----", "text\n----\ntext", "a -- b --- c",
	"|cell|cell|", "||head||", "a|b", "[~admin]", "[evil|https://evil.example]", "[https://evil.example]", "[^file.txt]", "[#anchor]", "[mailto:a@evil.example]",
	"!https://evil.example/x.png!", "!x.png|thumbnail!", "https://evil.example/a?b=c", "see http://evil.example.", "FTP://evil.example", "mailto:a@evil.example", "file:///etc/passwd", "file:x",
	"*bold*", "_it_", "-del-", "+ins+", "^sup^", "~sub~", "??cite??", "(*bold*)", "a *b* c", "%x%", "@x@",
	`C:\temp\new`, `\\server\share`, `line\\break`, ":)", ":-)", ":(", ":D", ":P", ";)", "(y)", "(!)", "(/)", "(x)", "(*r)", "(on)", "x!)", "Alert!!",
	"&#123;code&#125;", "&lt;b&gt;", "&amp;", "AT&T & co", "{", "}", "[", "]", "|", "!", `\`, "*", "-", "é*x*é", "x*é", "😀_x_", "a_b-c+d^e~f@g#h%i",
}

// What the notation gives a meaning: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all. The
// checks are made on their own, not from what the package escapes.
var notation = map[string]*regexp.Regexp{
	"a macro, link, image, cell or escape": regexp.MustCompile(`[{}\[\]|!\\]`),
	"a heading, quotation or list":         regexp.MustCompile(`(?m)^\s*(h[1-6]\.|bq\.|[*#-]+\s|-{4,})`),
	"emphasis":                             regexp.MustCompile(`(^|[^A-Za-z0-9])([*_+^~-]|\?\?)[^\s]|[^\s]([*_+^~-]|\?\?)($|[^A-Za-z0-9])`),
	"a dash":                               regexp.MustCompile(`--`),
	"a URL":                                regexp.MustCompile(`(?i)(https?|ftps?|irc|news|nntp)://|(mailto|file):`),
	"an emoticon":                          regexp.MustCompile(`;-?\)|:-?[()DPp]|\((y|n|i|x|/|on|off|[!?+*-][rgby]?)\)`),
}

// quoted finds where an issue has text from an alert, in a description of which the context is left off.
var quoted = []*regexp.Regexp{
	regexp.MustCompile(`(?s)^\{panel:borderStyle=solid\|borderColor=#[0-9A-F]{6}\}\n\*[A-Z]+:\* (.*?)\{panel\}\n`),
	regexp.MustCompile(`(?m)^\|\|[A-Z][a-z ]+\|(.*)\|$`),
}

// links is the line of links.
var links = regexp.MustCompile(`(?m)^(\[(View alert|Open runbook|Open reference)\|https?://[^\s|\[\]{}]+\]( · )?)+$`)

// dissect takes a description apart: the texts from the alert, and the context.
func dissect(t *testing.T, description string) (texts []string, context string) {
	t.Helper()
	rest, code, found := strings.Cut(description, "\nh4. Context\n{code:json}\n")
	if found {
		end := "\n{code}\n"
		if !strings.HasSuffix(code, end) {
			t.Errorf("the context's block is not closed: %q", code)
		}
		context = strings.TrimSuffix(code, end)
	}
	rest = links.ReplaceAllString(rest, "")
	for _, place := range quoted {
		for _, match := range place.FindAllStringSubmatch(rest, -1) {
			texts = append(texts, match[1])
		}
		rest = place.ReplaceAllString(rest, "")
	}
	return append(texts, strings.Split(rest, "\nh4. Runbook\n")...), context
}

// mustBeInert fails where a text of the alert's, or its context, would be read as markup.
func mustBeInert(t *testing.T, description string) (texts []string) {
	t.Helper()
	texts, context := dissect(t, description)
	for _, text := range texts {
		for name, pattern := range notation {
			if match := pattern.FindString(text); match != "" {
				t.Errorf("%q is %s in %q", match, name, text)
			}
		}
	}
	if tag := regexp.MustCompile(`\{[^\n}]`).FindString(context); tag != "" {
		t.Errorf("%q may be a tag in the context %q", tag, context)
	}
	return texts
}

func TestRender_MakesTextsInert(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	for _, text := range hostile {
		m := destinationtest.Overlong(text)
		m.FallbackOf, m.Link = text, text
		m.Alert.Detection.ID, m.Alert.Detection.Version, m.Alert.LogTypes, m.AlertID = text, text, []string{text}, text
		m.Alert.Detection.Runbook = "Run: " + text
		m.Alert.Context, _ = json.Marshal(map[string]any{text: []any{text, map[string]any{}, map[string]any{text: text}}})
		description := descriptionOf(t, renderBody(t, sender, m))
		texts := mustBeInert(t, description)
		for _, want := range []string{render.Line(text), render.Text(text), render.Text("Run: " + text)} {
			if !slices.ContainsFunc(texts, func(got string) bool { return strings.Contains(html.UnescapeString(got), want) }) {
				t.Errorf("a reader does not see %q of\n%s", want, description)
			}
		}
		_, context := dissect(t, description)
		var got, want any
		if err := json.Unmarshal([]byte(context), &got); err != nil {
			t.Fatalf("the context is no JSON any more: %v\n%s", err, context)
		}
		_ = json.Unmarshal(m.Alert.Context, &want)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got the context %v, want %v", got, want)
		}
	}
}

func TestRender_MakesEveryPairOfCharactersInert(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	var text strings.Builder
	for a := rune(' '); a <= '~'; a++ {
		for b := rune(' '); b <= '~'; b++ {
			fmt.Fprintf(&text, "%c%cx\ny%c%c%c\n", a, b, a, b, a)
		}
		m := destinationtest.Message()
		m.Alert.Detection.Description = text.String()
		mustBeInert(t, descriptionOf(t, renderBody(t, sender, m)))
		text.Reset()
	}
}

func TestRender_MakesTheCorpusInert(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	for _, m := range destinationtest.Corpus(t) {
		body := renderBody(t, sender, m)
		mustBeInert(t, descriptionOf(t, body))
		mustFit(t, m, body, 32_767)
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 10_000), "two bytes": strings.Repeat("é", 10_000), "emoji": "x" + strings.Repeat("😀", 10_000),
		"markup": strings.Repeat("{}|", 10_000), "lines": strings.Repeat("h1. a\n", 10_000), "families": strings.Repeat("👨‍👩‍👧‍👦", 3_000),
		"ampersands": strings.Repeat("&a", 10_000), "colons": strings.Repeat(":/", 10_000),
		"one URL": "https://example.com/" + strings.Repeat("x", 900), "long URL": "https://example.com/" + strings.Repeat("x", 10_000),
	} {
		for _, limit := range []int{4_000, 32_767, 100_000} {
			t.Run(fmt.Sprintf("%s in %d", name, limit), func(t *testing.T) {
				t.Parallel()
				m := destinationtest.Overlong(text)
				m.FallbackOf, m.Test, m.Link = text, true, text
				m.Alert.Detection.ID, m.Alert.Detection.Version, m.Alert.LogTypes = text, text, []string{text}
				m.Alert.Context, _ = json.Marshal(map[string]string{"text": strings.Repeat(text, 1+200_000/len(text))})
				if name == "one URL" { // as a runbook it leaves room, so that there are all links and all texts
					m.Alert.Detection.Description = strings.Repeat("x", 10_000)
				}
				own := config(fmt.Sprintf(`,"max_description_characters":%d,"body_template":"%s"`, limit, strings.Repeat("{{.description}}", 20)))
				for _, config := range []string{config(fmt.Sprintf(`,"max_description_characters":%d`, limit)), own} {
					rendering, err := open(t, config).Render(m)
					if err != nil || !rendering.Truncated {
						t.Fatalf("error %v, cut %t, want it cut", err, rendering.Truncated)
					}
					mustFit(t, m, rendering.Body, limit)
					description := descriptionOf(t, rendering.Body)
					if !strings.Contains(description, "… cut ") {
						t.Errorf("got no note in %.200q", description)
					}
					if config != own {
						mustBeInert(t, description)
					}
				}
			})
		}
	}
}

func TestRender_CutsFewOrdinaryAlerts(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	all, cut := destinationtest.Corpus(t), 0
	for _, m := range all {
		rendering, err := sender.Render(m)
		if err != nil {
			t.Fatal(err)
		}
		if rendering.Truncated {
			cut++
		}
	}
	destinationtest.WantFewCut(t, cut, len(all))
}

func TestRender_LinksOnlyToWhatIsChecked(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	for url, want := range map[string]string{
		"https://example.com/a?b=c&d=e#f":       "[View alert|https://example.com/a?b=c&d=e#f]",
		"https://example.com/a!b{c}d]e^f":       "[View alert|https://example.com/a%21b%7Bc%7Dd%5De%5Ef]",
		"https://[::1]/a":                       "",
		"javascript:alert(1)":                   "",
		"https://example.com/a|https://evil.eu": "",
	} {
		m := destinationtest.Minimal()
		m.Link = url
		description := descriptionOf(t, renderBody(t, sender, m))
		if got := links.FindString(description); got != want {
			t.Errorf("%s: got %q, want %q in\n%s", url, got, want, description)
		}
	}
}

func TestRender_ShowsNoBlankTexts(t *testing.T) {
	t.Parallel()
	description := descriptionOf(t, renderBody(t, open(t, config("")), destinationtest.Blank()))
	if strings.Contains(description, "||\n") || strings.Contains(description, "| |") || strings.Contains(description, "Runbook") {
		t.Errorf("got %q, want no text with nothing in it", description)
	}
}

func TestRender_FollowsTemplates(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Dedup = "{panel}*root*"
	body := renderBody(t, open(t, config(`,"title_template":"{{.detection.id}} fired","body_template":"h2. Who\n*{{.dedup}}*"`)), m)
	var sent struct{ Fields struct{ Summary string } }
	if err := json.Unmarshal(body, &sent); err != nil || sent.Fields.Summary != "AWS.Console.RootLogin fired" {
		t.Errorf("got summary %q (error %v)", sent.Fields.Summary, err)
	}
	description := descriptionOf(t, body)
	if !strings.Contains(description, "\nh2. Who\n*&#123;panel&#125;&#42;root&#42;*\n") || strings.Contains(description, "{code") || strings.Contains(description, "||") {
		t.Errorf("got %q, want the template's markup with the alert's text escaped, in place of the usual", description)
	}
	if !links.MatchString(description) || !strings.HasPrefix(description, "{panel:") {
		t.Errorf("got %q, want the panel and links too", description)
	}
}

// TestRender_CutsNoEntityInTwo has a template that is too long by itself cut at every place in a value's entity.
func TestRender_CutsNoEntityInTwo(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Dedup = "{{{{{{{{"
	for shift := range 12 {
		template := strings.Repeat("x", shift) + strings.Repeat("{{.dedup}}", 200) + " R&D"
		description := descriptionOf(t, renderBody(t, open(t, config(`,"max_description_characters":4000,"body_template":"`+template+`"`)), m))
		if !strings.Contains(description, "… cut ") {
			t.Fatalf("got no cut in …%.100q", description[len(description)-100:])
		}
		_, own, _ := strings.Cut(description, "{panel}\n")
		own, _, _ = strings.Cut(own, "[View alert")
		if rest := strings.ReplaceAll(own, "&#123;", ""); strings.ContainsAny(rest, "&#") {
			t.Errorf("shifted by %d: got %q beside whole entities", shift, rest)
		}
	}
	whole := descriptionOf(t, renderBody(t, open(t, config(`,"body_template":"R&D … and &amp"`)), m))
	if !strings.Contains(whole, "R&D … and &amp\n") {
		t.Errorf("got %q, want what is not cut as it is", whole)
	}
}

func TestRender_NamesTheUserByName(t *testing.T) {
	t.Parallel()
	body := string(renderBody(t, open(t, config(`,"assignee":"jane.doe"`)), destinationtest.Message()))
	if !strings.Contains(body, `"assignee":{"name":"jane.doe"}`) {
		t.Errorf("got %s", body)
	}
}

func TestSend_KeepsTheContextPath(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"startAt":0,"maxResults":1,"total":0,"issues":[]}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"key":"SEC-9"}`)
	}))
	t.Cleanup(server.Close)
	m := destinationtest.Message()
	m.Again, m.Attempt, m.Tried = true, 9, m.CreatedAt.Add(-time.Hour)
	receipt, err := open(t, strings.Replace(config(""), "https://jira.example.com", server.URL, 1)).Send(t.Context(), m)
	if err != nil || receipt.ExternalURL != server.URL+"/jira/browse/SEC-9" {
		t.Errorf("got %+v, error %v", receipt, err)
	}
	if want := []string{"GET /jira/rest/api/2/search Bearer hidden-token", "POST /jira/rest/api/2/issue Bearer hidden-token"}; !slices.Equal(asked, want) {
		t.Errorf("got %q, want %q", asked, want)
	}
}

func TestConfig_SaysWhatTheAddressIs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://jira.example.com":                                       "",
		"https://jira.example.com/jira/":                                 "",
		"https://jira.example.com/projects":                              "",
		"https://jira.example.com/browse/SEC-1":                          "https://jira.example.com",
		"https://jira.example.com:8443/jira/browse/SEC-1?x=1":            "https://jira.example.com:8443/jira",
		"https://jira.example.com/jira/rest/api/2":                       "https://jira.example.com/jira",
		"https://jira.example.com/jira/rest":                             "https://jira.example.com/jira",
		"https://jira.example.com/secure/Dashboard.jspa":                 "https://jira.example.com",
		"https://jira.example.com/jira/login.jsp":                        "https://jira.example.com/jira",
		"https://jira.example.com/projects/SEC/issues/SEC-1?filter=all":  "https://jira.example.com",
		"https://jira.example.com/jira?os_destination=x":                 "https://jira.example.com/jira",
		"https://jira.example.com/jira/plugins/servlet/project-config/A": "https://jira.example.com/jira",
	} {
		_, _, err := jiradatacenter.Type.Split(json.RawMessage(`{"base_url":"`+address+`","project_key":"SEC","personal_access_token":"hid"}`), nil)
		var got string
		for _, f := range problem.FieldsOf(err) {
			got += f.Name + " " + f.Message
		}
		if want != "" {
			want = "/base_url must be Jira's address alone: " + want
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const base = `"base_url":"https://jira.example.com/jira","project_key":"SEC"`
	const token = base + `,"personal_access_token":"hidden-token"`
	for text, want := range map[string][]string{
		`{` + token + `}`: nil,
		`{` + base + `,"username":"robot","password":"hidden pass"}`: nil,
		`{` + token + `,"assignee":"Jane.Doe@example.com"}`:          nil,
		`{` + token + `,"max_description_characters":4000}`:          nil,
		`{}`:                                 {"/base_url", "/personal_access_token", "/project_key"},
		`{` + base + `}`:                     {"/personal_access_token"},
		`{` + base + `,"username":"robot"}`:  {"/password"},
		`{` + base + `,"password":"hidden"}`: {"/username"},
		`{` + base + `,"username":"ro:bot","password":"hidden\npass"}`:                                           {"/username", "/password"},
		`{` + token + `,"username":"robot","password":"hidden"}`:                                                 {"/username", "/password"},
		`{` + base + `,"personal_access_token":"hidden\ntoken"}`:                                                 {"/personal_access_token"},
		`{` + token + `,"max_description_characters":3999}`:                                                      {"/max_description_characters"},
		`{` + token + `,"max_description_characters":0}`:                                                         {"/max_description_characters"},
		`{` + token + `,"max_description_characters":1000001}`:                                                   {"/max_description_characters"},
		`{` + token + `,"assignee":"a\u0007"}`:                                                                   {"/assignee"},
		`{` + token + `,"labels":["a b"],"custom_fields":"1"}`:                                                   {"/labels/0", "/custom_fields"},
		`{` + token + `,"site_url":"https://acme.atlassian.net"}`:                                                {"/site_url"},
		`{` + token + `,"body_template":"{{"}`:                                                                   {"/body_template"},
		`{"base_url":"jira","project_key":"SEC","personal_access_token":"hid"}`:                                  {"/base_url"},
		`{"base_url":"https://acme.atlassian.net","project_key":"SEC","personal_access_token":"hid"}`:            {"/base_url"},
		`{"base_url":"https://jira.example.com/browse/SEC-1","project_key":"SEC","personal_access_token":"hid"}`: {"/base_url"},
		`{"base_url":"https://jira.example.com/rest/api/2","project_key":"SEC","personal_access_token":"hid"}`:   {"/base_url"},
	} {
		_, _, err := jiradatacenter.Type.Split(json.RawMessage(text), nil)
		var got []string
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v (error %v), want %v", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error %q quotes a secret", text, err)
		}
	}
}

func mustFit(t *testing.T, m *destination.Message, body []byte, limit int) {
	t.Helper()
	var sent struct {
		Fields struct{ Summary, Description string }
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	if n := characters(sent.Fields.Summary); n == 0 || n > 254 || strings.ContainsAny(sent.Fields.Summary, "\r\n") {
		t.Errorf("%s: got a summary of %d characters: %q", m.Alert.Detection.ID, n, sent.Fields.Summary)
	}
	if n := characters(sent.Fields.Description); n > limit {
		t.Errorf("%s: got a description of %d characters, want at most %d", m.Alert.Detection.ID, n, limit)
	}
}

// characters counts as Jira does.
func characters(text string) int { return len(utf16.Encode([]rune(text))) }

func open(t *testing.T, config string) destination.Sender {
	t.Helper()
	public, secrets, err := jiradatacenter.Type.Split(json.RawMessage(config), nil)
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	sender, err := jiradatacenter.Type.Open(public, secrets, destination.Env{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func renderBody(t *testing.T, sender destination.Sender, m *destination.Message) []byte {
	t.Helper()
	rendering, err := sender.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return rendering.Body
}

func descriptionOf(t *testing.T, body []byte) string {
	t.Helper()
	var sent struct{ Fields struct{ Description string } }
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	return sent.Fields.Description
}
