// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"encoding/json"
	"html"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

// data is the alert of the tests, less the context.
func data(context string) map[string]any {
	return map[string]any{
		"title": "Root <b>login</b>", "severity": "HIGH", "type": "RULE", "description": "", "alert_id": "a1",
		"created_at": "2026-11-21T03:35:21.5Z", "dedup": `"root"`, "tags": []string{"AWS", "prod"}, "log_types": []string{},
		"detection": map[string]any{"id": "AWS.Root", "name": "Root login", "tags": []string{"a", "b"}},
		"test":      false, "fallback_of": "", "attempt": 1,
		"context": template.Raw{JSON: json.RawMessage(context)},
	}
}

const context = `{"ip":"198.51.100.7","n":12345678901234567890,"f":1.50,"ok":true,"no":null,"list":[1,"two",{"x":"y"}],"next":12345678901234567891,"minus":-12345678901234567890,"empty":[],"user":{"name":"root","roles":["admin","ops"]},"zero":0}`

func run(t *testing.T, source string) string {
	t.Helper()
	parsed, err := template.Parse(source, nil)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	got, err := parsed.Execute(data(context))
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return got
}

func TestExecute_DoesWhatTheLanguageSays(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                    "",
		"plain":                               "plain",
		"{{.title}}":                          "Root <b>login</b>",
		"{{.description}}{{.context.no}}":     "",
		"{{.context.a.b.c}}{{.context.ip.x}}": "",
		"{{.context.n}} {{.context.f}} {{.context.ok}}": "12345678901234567890 1.50 true",
		"{{.tags}}":                             "AWS, prod",
		"{{.context.list}}":                     `1, two, {"x":"y"}`,
		"{{.context.user}}":                     `{"name":"root","roles":["admin","ops"]}`,
		"{{.detection.id}} {{.detection.tags}}": "AWS.Root a, b",
		"{{if .test}}a{{else if eq .severity `LOW`}}b{{else}}c{{end}}":                                  "c",
		"{{if .context.zero}}a{{else}}b{{end}}{{if .context.empty}}a{{else}}b{{end}}":                   "bb",
		"{{with .fallback_of}}a{{else}}b{{end}}":                                                        "b",
		"{{with .context.user}}{{.name}}:{{range .roles}}{{.}} {{end}}{{end}}":                          "root:admin ops ",
		"{{range .tags}}{{.}};{{end}}":                                                                  "AWS;prod;",
		"{{range $i, $t := .tags}}{{$i}}={{$t}} {{end}}":                                                "0=AWS 1=prod ",
		"{{range $k, $v := .context.user}}{{$k}}={{$v}} {{end}}":                                        "name=root roles=admin, ops ",
		"{{range .log_types}}x{{else}}none{{end}}":                                                      "none",
		"{{range .context.missing}}x{{else}}none{{end}}":                                                "none",
		"{{range 3}}{{.}}{{end}}":                                                                       "012",
		"{{range $i := 4}}{{if eq $i 1}}{{continue}}{{end}}{{if eq $i 3}}{{break}}{{end}}{{$i}}{{end}}": "02",
		"{{range ($y := .tags)}}{{$y}};{{end}}":                                                         "AWS, prod;AWS, prod;",
		"{{range $e := ($y := .tags)}}{{$e}}{{$y}};{{else}}none{{end}}":                                 "AWSAWS, prod;prodAWS, prod;",
		"{{range ($y := .log_types)}}x{{else}}none{{$y}}{{end}}":                                        "none",
		"{{$n := 0}}{{range .tags}}{{$n = add $n 1}}{{end}}{{$n}}":                                      "2",
		"{{$x := .detection}}{{$x.id}} {{with $y := .tags}}{{len $y}}{{end}}":                           "AWS.Root 2",
		`{{define "t"}}<{{.}}>{{end}}{{template "t" .title}}{{range .tags}}{{template "t" .}}{{end}}`:   "<Root <b>login</b>><AWS><prod>",
		`{{block "b" .detection}}{{.id}}{{end}}`:                                                        "AWS.Root",
		`{{(index .context.list 2).x}}{{index .context "user" "roles" 1}}{{index .context.none 3}}`:     "yops",
		"a {{- /* nothing */ -}} b":                                                                     "ab",
		`{{.title | printf "%.4s|" | lower}}`:                                                           "root|",
		`{{printf "%s %v %q %5d|%-5d|%05.1f %x %t %%" .severity .attempt "a" 7 7 1.25 "hi" true}}`:      `HIGH 1 "a"     7|7    |001.2 6869 true %`,
		`{{and 1 0 .tags}} {{or "" 0 "x"}} {{not .tags}} {{1 | and true}}`:                              "0 x false 1",
		`{{eq .context.n .context.next}} {{eq .context.n .context.n}} {{lt .context.n .context.next}} {{gt .context.minus .context.n}} {{lt .context.minus -5}} {{ge .context.n 5}}`: "false true true false true true",
		`{{eq .context.n 12345678901234567890}} {{eq .context.n 12345678901234567889}} {{gt .context.n 1.5}} {{12345678901234567891}}`:                                               "true false true 12345678901234567891",
		`{{eq 1 1.0}} {{eq "1" 1}} {{eq .context.no ""}} {{ne "a" "b"}} {{lt 1 2}} {{ge "b" "a"}} {{gt .context.missing 5}} {{lt .context.n 1}}`:                                     "true false true true true true false false",
		`{{eq .context.ip "1" "198.51.100.7"}} {{eq true .context.ok}} {{eq .tags .tags}}`:                                                                                           "true true false",
		`{{atLeast "medium" .severity}} {{.severity | atLeast "CRITICAL"}}`:                                                                                                          "true false",
		`{{contains "prod" .tags}} {{contains "pro" .tags}} {{contains 1 .context.list}} {{contains "login" .title}}`:                                                                "true false true true",
		`{{first .tags}} {{last .tags}} {{first .context.empty}}{{last .context.missing}}.`:                                                                                          "AWS prod .",
		`{{slice .title 0 4}} {{slice "👍🏽éa" 2}} {{slice .tags 1}} {{slice "abc" 2 9}} {{slice "abc" 2 1}}.`:                                                                         "Root éa prod c .",
		`{{len .title}} {{len "é👍"}} {{len .tags}} {{len .context.user}} {{len .context.missing}}`:                                                                                   "17 2 2 2 0",
		`{{join "-" .tags}} {{join "-" .severity}} {{range split ", " "a, b"}}[{{.}}]{{end}}`:                                                                                        "AWS-prod HIGH [a][b]",
		`{{truncate 4 "abcdef"}} {{truncate 4 "abcd"}} {{truncate 0 "a"}} {{truncate 1 "ab"}}`:                                                                                       "abc… abcd  …",
		`{{date "2006-01-02 15:04" .created_at}} {{date "2006" 1700000000}} {{date "2006" 1700000000000}} {{date "2006" "soon"}}`:                                                    "2026-11-21 03:35 2023 2023 soon",
		`{{json .tags}} {{json .title}} {{json .context.user}} {{json nil}}`:                                                                                                         `["AWS","prod"] "Root <b>login</b>" {"name":"root","roles":["admin","ops"]} null`,
		"{{pretty .context.user}}": "{\n  \"name\": \"root\",\n  \"roles\": [\n    \"admin\",\n    \"ops\"\n  ]\n}",
		"{{pretty .detection}}":    "{\n  \"id\": \"AWS.Root\",\n  \"name\": \"Root login\",\n  \"tags\": [\n    \"a\",\n    \"b\"\n  ]\n}",
		`{{url "https://a.example/b?c=d"}}|{{url "javascript:alert(1)"}}|{{url "https://u@evil.example"}}|{{url "//x"}}`:                            "https://a.example/b?c=d|||",
		`{{default "none" .description}} {{.severity | default "none"}} {{default 5 .context.zero}}`:                                                "none HIGH 5",
		`{{upper "aé"}} {{lower "AÉ"}} {{capitalize "éa"}} {{trim " a "}} {{trimPrefix "a" "ab"}} {{trimSuffix "b" "ab"}} {{replace "a" "b" "aa"}}`: "AÉ aé Éa a b a bb",
	} {
		if got := run(t, source); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func TestParts_CutsValuesAndNotTheTemplate(t *testing.T) {
	t.Parallel()
	parsed, err := template.Parse("<i>{{.severity}}</i>{{range .tags}}, <b>{{.}}</b>{{end}} {{.title}}", html.EscapeString)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := parsed.Execute(data(context))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := parsed.ExecuteParts(data(context))
	if err != nil {
		t.Fatal(err)
	}
	for characters, want := range map[int]string{
		0: whole,
		7: "<i>HIGH</i>, <b>AWS</b>, <b>prod</b> Root &lt;…",
		3: "<i>HI…</i>, <b>AWS</b>, <b>pr…</b> Ro…",
	} {
		if got, err := parts.Cut(characters); got != want || err != nil {
			t.Errorf("%d characters: got %q, %v; want %q", characters, got, err, want)
		}
	}
	d := data(context)
	d["title"] = strings.Repeat("x", template.MaxOutput+1)
	if parts, err = parsed.ExecuteParts(d); err != nil {
		t.Fatal(err)
	}
	if _, err := parts.Cut(0); err == nil || err.Error() != "gives more than 262144 bytes" {
		t.Errorf("got the error %v", err)
	}
	if got, err := parts.Cut(2); got != "<i>H…</i>, <b>A…</b>, <b>p…</b> x…" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExecute_EscapesEveryValueOnce(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"<i>{{.title}}</i>":                                    "<i>Root &lt;b&gt;login&lt;/b&gt;</i>",
		"{{with .title}}{{.}}{{end}}":                          "Root &lt;b&gt;login&lt;/b&gt;",
		"{{$t := print .title `<`}}{{$t}}":                     "Root &lt;b&gt;login&lt;/b&gt;&lt;",
		`{{define "t"}}<p>{{.}}{{end}}{{template "t" .title}}`: "<p>Root &lt;b&gt;login&lt;/b&gt;",
		"{{json .dedup}}":                                      "&#34;\\&#34;root\\&#34;&#34;",
		"{{upper .title}}":                                     "ROOT &lt;B&gt;LOGIN&lt;/B&gt;",
		"{{`<a>`}}":                                            "&lt;a&gt;",
	} {
		parsed, err := template.Parse(source, html.EscapeString)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Execute(data(context)); got != want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", source, got, err, want)
		}
	}
}
