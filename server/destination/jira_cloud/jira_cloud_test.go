// SPDX-License-Identifier: MPL-2.0

package jiracloud_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	jiracloud "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_cloud"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

const (
	maxSummary     = 254
	maxDescription = 32_767
)

// config returns a config with further members.
func config(members string) string {
	return `{"site_url":"https://acme.atlassian.net","email":"a@example.com","api_token":"hidden-token","project_key":"SEC"` + members + `}`
}

func TestRender_PassesJirasContracts(t *testing.T) {
	t.Parallel()
	request, document := newContract(t), newSchema(t)
	for _, config := range []string{
		config(""),
		config(`,"labels":["a"],"components":["b","10010"],"assignee":"5b10","send_priority":false,"parent_key":"SEC-1","security_level":"1","custom_fields":"{\"customfield_1\":[1.5,null,\"x\"]}"`),
		config(`,"title_template":"{{.title}}","body_template":"{{.description}}\n\n\n{{.context}}\n \n"`),
	} {
		sender := open(t, config)
		for _, m := range messages(t) {
			body := renderBody(t, sender, m)
			if err := request.validate(t, "/rest/api/3/issue", body); err != nil {
				t.Fatalf("%s: %v\n%s", m.Alert.Detection.ID, err, body)
			}
			if err := document.Validate(descriptionOf(t, body)); err != nil {
				t.Fatalf("%s: %v\n%s", m.Alert.Detection.ID, err, body)
			}
			mustFit(t, m, body)
		}
	}
}

func TestSend_SearchesByJirasContract(t *testing.T) {
	t.Parallel()
	contract := newContract(t)
	var searched []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		searched, _ = io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/rest/api/3/search/jql" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		_, _ = io.WriteString(w, `{"issues":[{"id":"1","key":"SEC-9"}]}`)
	}))
	t.Cleanup(server.Close)
	m := destinationtest.Message()
	m.Again, m.Attempt = true, 2
	receipt, err := open(t, strings.Replace(config(""), "https://acme.atlassian.net", server.URL, 1)).Send(t.Context(), m)
	if err != nil || receipt.ExternalID != "SEC-9" || receipt.ExternalURL != server.URL+"/browse/SEC-9" {
		t.Errorf("got %+v, error %v", receipt, err)
	}
	if err := contract.validate(t, "/rest/api/3/search/jql", searched); err != nil {
		t.Errorf("%v\n%s", err, searched)
	}
}

func TestRender_StaysWithinLimits(t *testing.T) {
	t.Parallel()
	document := newSchema(t)
	for name, text := range map[string]string{
		"ASCII": strings.Repeat("x", 10_000), "two bytes": strings.Repeat("é", 10_000), "emoji": "x" + strings.Repeat("😀", 10_000),
		"quotes": strings.Repeat(`"\`, 10_000), "lines": strings.Repeat("a\n", 10_000), "paragraphs": strings.Repeat("a\n\n", 10_000),
		"families": strings.Repeat("👨‍👩‍👧‍👦", 3_000), "one URL": "https://example.com/" + strings.Repeat("x", 970), "long URL": "https://example.com/" + strings.Repeat("x", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := destinationtest.Overlong(text)
			m.FallbackOf, m.Test, m.Link = text, true, text
			m.Alert.Detection.ID, m.Alert.Detection.Version, m.Alert.LogTypes = text, text, []string{text}
			if name == "one URL" { // as a runbook it leaves room, so that there are all links and all texts
				m.Alert.Detection.Description = strings.Repeat("x", 10_000)
			}
			for _, config := range []string{config(""), config(`,"body_template":"{{.description}}{{.description}}{{.description}}{{.description}}"`), config(`,"title_template":"{{.description}}"`)} {
				sender := open(t, config)
				rendering, err := sender.Render(m)
				if err != nil || !rendering.Truncated {
					t.Fatalf("got %+v, error %v, want it cut", rendering, err)
				}
				mustFit(t, m, rendering.Body)
				if err := document.Validate(descriptionOf(t, rendering.Body)); err != nil {
					t.Error(err)
				}
			}
		})
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

func TestRender_UsesTheRoomForTheContext(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Context = json.RawMessage(`{"text":"` + strings.Repeat("x", 100_000) + `"}`)
	body := renderBody(t, open(t, config("")), m)
	nodes := nodesOf(descriptionOf(t, body), "codeBlock")
	if len(nodes) != 1 {
		t.Fatalf("got %d code blocks, want the context", len(nodes))
	}
	text := textOf(nodes[0])
	if !strings.HasSuffix(text, " of 100,016 characters shown; the alert has the whole context") {
		t.Errorf("got %.40q … %q, want a note at its end", text, text[len(text)-60:])
	}
	if n := len(rawDescription(t, body)); n < maxDescription-300 {
		t.Errorf("got a description of %d, want the room used", n)
	}
}

func TestRender_LinksOnlyToWhatIsChecked(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	hrefs := func(m *destination.Message) []string {
		var all []string
		for _, n := range nodesOf(descriptionOf(t, renderBody(t, sender, m)), "text") {
			marks, _ := n["marks"].([]any)
			for _, mark := range marks {
				if attrs, ok := mark.(map[string]any)["attrs"].(map[string]any); ok {
					all = append(all, attrs["href"].(string))
				}
			}
		}
		return all
	}
	if got := hrefs(destinationtest.Hostile()); len(got) != 0 {
		t.Errorf("a hostile alert has links to %q", got)
	}
	m := destinationtest.Message()
	if got, want := hrefs(m), []string{m.Link, m.Alert.Runbook(), m.Alert.Reference()}; !slices.Equal(got, want) {
		t.Errorf("got links to %q, want %q", got, want)
	}
}

func TestRender_SaysAllOfAnAlert(t *testing.T) {
	t.Parallel()
	m := destinationtest.Hostile()
	text := textOf(descriptionOf(t, renderBody(t, open(t, config("")), m)))
	for _, want := range []string{render.Title(m), string(m.Severity), m.AlertID, "second\tline", "Runbook"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in %q", want, text)
		}
	}
}

func TestRender_ColoursTheSeverity(t *testing.T) {
	t.Parallel()
	sender := open(t, config(""))
	for severity, want := range map[alert.Severity][2]string{
		alert.Critical: {"error", "Highest"}, alert.High: {"error", "High"}, alert.Medium: {"warning", "Medium"}, alert.Low: {"info", "Low"}, alert.Info: {"note", "Lowest"},
	} {
		m := destinationtest.Message()
		m.Severity = severity
		body := renderBody(t, sender, m)
		panel := nodesOf(descriptionOf(t, body), "panel")[0]
		fields := fieldsOf(t, body)
		priority := fields["priority"].(map[string]any)["name"]
		if got := panel["attrs"].(map[string]any)["panelType"]; got != want[0] || priority != want[1] || !strings.HasPrefix(textOf(panel), string(severity)+": ") {
			t.Errorf("%s: got a panel %s with %q and priority %s, want %s", severity, got, textOf(panel), priority, want)
		}
		if summary := fields["summary"].(string); !strings.HasPrefix(summary, string(severity)+": ") {
			t.Errorf("%s: got summary %q", severity, summary)
		}
	}
}

func TestRender_SetsTheFields(t *testing.T) {
	t.Parallel()
	const custom = `,"custom_fields":"{\"customfield_1\":{\"value\":\"<Security>\"},\"duedate\":null,\"customfield_2\":12345678901234567890}"`
	for members, want := range map[string]string{
		"": `"issuetype":{"name":"Task"},"labels":["LABEL"],"priority":{"name":"High"},"project":{"key":"SEC"}`,
		`,"issue_type":"10002","labels":["b","a"]`:                                `"issuetype":{"id":"10002"},"labels":["b","a","LABEL"],"priority":{"name":"High"},"project":{"key":"SEC"}`,
		`,"send_priority":false,"priority_by_severity":{"HIGH":"2"}`:              `"issuetype":{"name":"Task"},"labels":["LABEL"],"project":{"key":"SEC"}`,
		`,"priority_by_severity":{"LOW":"P4"}`:                                    `"issuetype":{"name":"Task"},"labels":["LABEL"],"priority":{"name":"High"},"project":{"key":"SEC"}`,
		`,"priority_by_severity":{"HIGH":"2"}`:                                    `"issuetype":{"name":"Task"},"labels":["LABEL"],"priority":{"id":"2"},"project":{"key":"SEC"}`,
		`,"components":["API","10010"]`:                                           `"components":[{"name":"API"},{"id":"10010"}],"issuetype":{"name":"Task"},"labels":["LABEL"],"priority":{"name":"High"},"project":{"key":"SEC"}`,
		`,"assignee":"712020:2d0f1b3e","parent_key":"SEC-1","security_level":"7"`: `"assignee":{"accountId":"712020:2d0f1b3e"},"issuetype":{"name":"Task"},"labels":["LABEL"],"parent":{"key":"SEC-1"},"priority":{"name":"High"},"project":{"key":"SEC"},"security":{"id":"7"}`,
		custom: `"customfield_1":{"value":"<Security>"},"customfield_2":12345678901234567890,"duedate":null,"issuetype":{"name":"Task"},"labels":["LABEL"],"priority":{"name":"High"},"project":{"key":"SEC"}`,
	} {
		var sent struct{ Fields map[string]json.RawMessage }
		if err := json.Unmarshal(renderBody(t, open(t, config(members)), destinationtest.Message()), &sent); err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, value := range sent.Fields {
			if name != "summary" && name != "description" {
				got = append(got, fmt.Sprintf("%q:%s", name, value))
			}
		}
		slices.Sort(got)
		want = strings.Replace(want, "LABEL", "alertrouter-dad6a0fa522fbbf31eb9", 1)
		if text := strings.Join(got, ","); text != want {
			t.Errorf("%s:\ngot  %s\nwant %s", members, text, want)
		}
	}
}

func TestRender_FollowsTemplates(t *testing.T) {
	t.Parallel()
	sender := open(t, config(`,"title_template":"{{.detection.id}} fired","body_template":"Who: {{.dedup}}\n\n{{.description}}"`))
	body := renderBody(t, sender, destinationtest.Message())
	if got := fieldsOf(t, body)["summary"]; got != "AWS.Console.RootLogin fired" {
		t.Errorf("got summary %q", got)
	}
	description := descriptionOf(t, body)
	text := textOf(description)
	if !strings.Contains(text, "Who: arn:aws:iam::123456789012:root") || strings.Contains(text, "sourceIPAddress") || len(nodesOf(description, "table")) != 0 {
		t.Errorf("got %q, want the template's text in place of the usual", text)
	}
	if n := len(nodesOf(description, "paragraph")); n != 4 { // the panel's, two of the template, and the links
		t.Errorf("got %d paragraphs, want 4: %q", n, text)
	}
	test := renderBody(t, sender, destinationtest.Test())
	if got := fieldsOf(t, test)["summary"]; got != "[TEST] AWS.Console.RootLogin fired" {
		t.Errorf("got summary %q of a test", got)
	}
}

func TestConfig_ChoosesTheAddress(t *testing.T) {
	t.Parallel()
	const id = "1324a887-45db-1bf4-1e99-ef0ff456d421"
	var asked *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"key":"SEC-9"}`)
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct{ members, path, auth, link string }{
		{`"site_url":"` + server.URL + `/","email":"a@example.com"`, "/rest/api/3/issue", "Basic YUBleGFtcGxlLmNvbTpzZWNyZXQ=", server.URL},
		{`"site_url":"https://acme.atlassian.net","api_url":"` + server.URL + `/proxy/"`, "/proxy/rest/api/3/issue", "Bearer secret", "https://acme.atlassian.net"},
		{`"site_url":"https://acme.atlassian.net","api_url":"` + server.URL + `","cloud_id":"` + id + `"`, "/ex/jira/" + id + "/rest/api/3/issue", "Bearer secret", "https://acme.atlassian.net"},
		{`"site_url":"https://acme.atlassian.net","api_url":"` + server.URL + `/ex/jira/` + id + `/","cloud_id":"` + id + `"`, "/ex/jira/" + id + "/rest/api/3/issue", "Bearer secret", "https://acme.atlassian.net"},
	} {
		receipt, err := open(t, `{"project_key":"SEC","api_token":"secret",`+c.members+`}`).Send(t.Context(), destinationtest.Message())
		if err != nil {
			t.Fatal(err)
		}
		if asked.URL.Path != c.path || asked.Header.Get("Authorization") != c.auth || receipt.ExternalURL != c.link+"/browse/SEC-9" {
			t.Errorf("%s: got %s with %s and link %s, want %+v", c.members, asked.URL.Path, asked.Header.Get("Authorization"), receipt.ExternalURL, c)
		}
	}
}

func TestConfig_ReportsEveryWrongField(t *testing.T) {
	t.Parallel()
	const base = `"site_url":"https://acme.atlassian.net","email":"a@example.com","api_token":"hidden-token","project_key":"SEC"`
	for text, want := range map[string][]string{
		`{` + base + `}`: nil,
		`{` + base + `,"cloud_id":"1324a887-45db-1bf4-1e99-ef0ff456d421","api_url":"https://api.atlassian-us-gov-mod.com"}`: nil,
		`{` + base + `,"issue_type":"Vorfall (kritisch)","components":["Über"],"labels":["é","b"]}`:                         nil,
		`{` + base + `,"priority_by_severity":{"INFO":"Lowest"},"parent_key":"A1_B-1","security_level":"10"}`:               nil,
		`{}`: {"/site_url", "/api_token", "/project_key"},
		`{"site_url":"acme","api_token":"hidden token","email":"Al: hidden","project_key":"sec","cloud_id":"x","api_url":"x"}`: {"/site_url", "/cloud_id", "/api_url", "/email", "/api_token", "/project_key"},
		`{` + base + `,"assignee":"Jane Doe"}`:                             {"/assignee"},
		`{` + base + `,"assignee":"jane@example.com"}`:                     {"/assignee"},
		`{` + base + `,"issue_type":" "}`:                                  {"/issue_type"},
		`{` + base + `,"issue_type":""}`:                                   {"/issue_type"},
		`{` + base + `,"issue_type":"a\nb"}`:                               {"/issue_type"},
		`{` + base + `,"labels":["a b","ok","","ok","\u00a0","\u0001"]}`:   {"/labels/0", "/labels/2", "/labels/3", "/labels/4", "/labels/5"},
		`{` + base + `,"labels":["` + strings.Repeat("é", 255) + `"]}`:     nil,
		`{` + base + `,"labels":["` + strings.Repeat("é", 256) + `"]}`:     {"/labels/0"},
		`{` + base + `,"labels":["` + strings.Repeat("😀", 128) + `"]}`:     {"/labels/0"},
		`{` + base + `,"components":["","a","a"]}`:                         {"/components/0", "/components/2"},
		`{` + base + `,"components":["` + strings.Repeat("x", 256) + `"]}`: {"/components/0"},
		`{` + base + `,"priority_by_severity":{"HIGH":""}}`:                {"/priority_by_severity/HIGH"},
		`{` + base + `,"priority_by_severity":{"high":"High"}}`:            {"/priority_by_severity/high"},
		`{` + base + `,"parent_key":"SEC"}`:                                {"/parent_key"},
		`{` + base + `,"parent_key":"SEC-01"}`:                             {"/parent_key"},
		`{` + base + `,"security_level":"Internal"}`:                       {"/security_level"},
		`{` + base + `,"custom_fields":"[]"}`:                              {"/custom_fields"},
		`{` + base + `,"custom_fields":"{"}`:                               {"/custom_fields"},
		`{` + base + `,"custom_fields":"{} {}"}`:                           {"/custom_fields"},
		`{` + base + `,"custom_fields":"{\"a\":1,\"a\":2}"}`:               {"/custom_fields"},
		`{` + base + `,"custom_fields":"{\"a\":}"}`:                        {"/custom_fields"},
		`{` + base + `,"custom_fields":"{\"Team\":1}"}`:                    {"/custom_fields"},
		`{` + base + `,"custom_fields":"{\"summary\":\"x\"}"}`:             {"/custom_fields"},
		`{` + base + `,"custom_fields":"{\"project\":{\"key\":\"OPS\"}}"}`: {"/custom_fields"},
		`{` + base + `,"custom_fields":"{}"}`:                              nil,
		`{` + base + `,"body_template":"{{"}`:                              {"/body_template"},
		`{` + base + `,"labels":"a"}`:                                      {"/labels"},
		`{` + base + `,"summary":"a"}`:                                     {"/summary"},
		`{"site_url":"https://api.atlassian.com/ex/jira/1324a887-45db-1bf4-1e99-ef0ff456d421","api_token":"hidden","project_key":"SEC"}`: {"/site_url"},
		`{"site_url":"https://acme.atlassian.net/jira/software","api_token":"hidden","project_key":"SEC"}`:                               {"/site_url"},
		`{"site_url":"https://acme.atlassian.net?x=1","api_token":"hidden","project_key":"SEC"}`:                                         {"/site_url"},
		`{"site_url":"https://acme.atlassian.net","api_url":"https://a.example/?x=1","api_token":"hidden","project_key":"S"}`:            {"/api_url", "/project_key"},
		`{` + base + `,"api_url":"https://acme.atlassian.net/rest/api/3"}`:                                                               {"/api_url"},
		`{` + base + `,"api_url":"https://api.atlassian.com"}`:                                                                           {"/api_url"},
		`{` + base + `,"api_url":"https://api.atlassian.com/ex/jira/1324a887-45db-1bf4-1e99-ef0ff456d421"}`:                              nil,
		`{` + base + `,"api_url":"https://api.atlassian.com","cloud_id":"1324a887-45db-1bf4-1e99-ef0ff456d421"}`:                         nil,
	} {
		_, _, err := jiracloud.Type.Split(json.RawMessage(text), nil)
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

func mustFit(t *testing.T, m *destination.Message, body []byte) {
	t.Helper()
	summary := fieldsOf(t, body)["summary"].(string)
	if n := len(utf16.Encode([]rune(summary))); n == 0 || n > maxSummary || strings.ContainsAny(summary, "\r\n") {
		t.Errorf("%s: got a summary of %d characters: %q", m.Alert.Detection.ID, n, summary)
	}
	if n := len(rawDescription(t, body)); n > maxDescription {
		t.Errorf("%s: got a description of %d bytes of JSON, want at most %d", m.Alert.Detection.ID, n, maxDescription)
	}
}

func messages(t *testing.T) []*destination.Message {
	t.Helper()
	return append(destinationtest.Corpus(t), destinationtest.Message(), destinationtest.Minimal(), destinationtest.Hostile(), destinationtest.Test(),
		destinationtest.Fallback(), destinationtest.Blank(), destinationtest.Overlong(strings.Repeat("é", 10_000)))
}

func open(t *testing.T, config string) destination.Sender {
	t.Helper()
	public, secrets, err := jiracloud.Type.Split(json.RawMessage(config), nil)
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	sender, err := jiracloud.Type.Open(public, secrets, destination.Env{HTTP: client, Now: time.Now})
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

func fieldsOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var sent struct{ Fields map[string]any }
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	return sent.Fields
}

func rawDescription(t *testing.T, body []byte) []byte {
	t.Helper()
	var sent struct {
		Fields struct{ Description json.RawMessage }
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	return sent.Fields.Description
}

func descriptionOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(rawDescription(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any)
}

// nodesOf returns the nodes of a type in a document.
func nodesOf(node map[string]any, kind string) []map[string]any {
	var all []map[string]any
	if node["type"] == kind {
		all = append(all, node)
	}
	content, _ := node["content"].([]any)
	for _, child := range content {
		all = append(all, nodesOf(child.(map[string]any), kind)...)
	}
	return all
}

func textOf(node map[string]any) string {
	var all strings.Builder
	for _, n := range nodesOf(node, "text") {
		all.WriteString(n["text"].(string))
	}
	return all.String()
}

// newSchema is the vendor's of the document format.
func newSchema(t *testing.T) *schema {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(destinationtest.Shared(t, "contracts/atlassian-adf-full.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return &schema{compiled: compiled}
}

// schema judges each form of a document once, since it takes its time. Of a text it asks only whether it is empty.
type schema struct {
	compiled *jsonschema.Schema
	judged   sync.Map // an error, or nothing, by form
}

func (s *schema) Validate(document map[string]any) error {
	form := formOf(document)
	key := fmt.Sprint(form)
	verdict, known := s.judged.Load(key)
	if !known {
		verdict = s.compiled.Validate(form)
		s.judged.Store(key, verdict)
	}
	err, _ := verdict.(error)
	return err
}

// formOf returns a document in which every text that says something says the same.
func formOf(value any) any {
	switch v := value.(type) {
	case []any:
		form := make([]any, len(v))
		for i, child := range v {
			form[i] = formOf(child)
		}
		return form
	case map[string]any:
		form := map[string]any{}
		for name, child := range v {
			form[name] = formOf(child)
			if text, ok := child.(string); ok && text != "" && (name == "text" || name == "href") {
				form[name] = "x"
			}
		}
		return form
	}
	return value
}

func TestContract_RefusesWhatJiraWould(t *testing.T) {
	t.Parallel()
	document := newSchema(t)
	for name, raw := range map[string]string{
		"empty text":   `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}`,
		"unknown node": `{"type":"doc","version":1,"content":[{"type":"box"}]}`,
	} {
		var value map[string]any
		if err := json.Unmarshal([]byte(raw), &value); err != nil {
			t.Fatal(err)
		}
		if document.Validate(value) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// contract judges requests by the vendor's own description of its API.
type contract struct{ router routers.Router }

func newContract(t *testing.T) contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(destinationtest.Shared(t, "contracts/jira-cloud-v3.openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://acme.atlassian.net"}}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		t.Fatal(err)
	}
	return contract{router}
}

func (c contract) validate(t *testing.T, path string, body []byte) error {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://acme.atlassian.net"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		t.Fatal(err)
	}
	return openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}
