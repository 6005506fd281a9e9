// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

func TestExecuteJSON_WritesValuesWhereTheyStand(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`{"a":"{{.dedup}}"}`:                                  `{"a":"\"root\""}`,
		`{"a":{{.dedup}}}`:                                    `{"a":"\"root\""}`,
		`{"a":{{json .dedup}},"b":{{.tags}}}`:                 `{"a":"\"root\"","b":["AWS","prod"]}`,
		`{"a":"x {{.tags}} y"}`:                               `{"a":"x AWS, prod y"}`,
		`{"a":"{{json .tags}}"}`:                              `{"a":"[\"AWS\",\"prod\"]"}`,
		`{"a":{{.attempt}},"b":{{.test}},"c":"{{.attempt}}"}`: `{"a":1,"b":false,"c":"1"}`,
		`{"a":{{.context.no}},"b":"{{.context.no}}","c":{{.context.missing}}}`: `{"a":null,"b":"","c":null}`,
		`{"a":{{.context.n}},"b":{{.context.f}},"c":{{.context.list}}}`:        `{"a":12345678901234567890,"b":1.50,"c":[1,"two",{"x":"y"}]}`,
		`{"a":{{.context}}}`:           `{"a":` + context + `}`,
		`{"a":{{upper (json .tags)}}}`: `{"a":"[\"AWS\",\"PROD\"]"}`,
		`{"quo\"te":"{{.severity}}","s":"\\{{.severity}}","u":"\u00E9{{.severity}}\\u{{.attempt}}"}`: `{"quo\"te":"HIGH","s":"\\HIGH","u":"\u00E9HIGH\\u1"}`,
		`[{{range $i, $t := .tags}}{{if $i}},{{end}}{"t":"{{$t}}"}{{end}}]`:                          `[{"t":"AWS"},{"t":"prod"}]`,
		`{"a":"{{if .test}}x{{else}}{{.dedup}}{{end}}", {{- /**/ -}} "b":{{len .tags}}}`:             `{"a":"\"root\"","b":2}`,
		`{{json .detection}}`: `{"id":"AWS.Root","name":"Root login","tags":["a","b"]}`,
		`{{.title}}`:          `"Root <b>login</b>"`,
	} {
		parsed, err := template.ParseJSON(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Execute(data(context)); got != want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestExecute_LaysJSONOut(t *testing.T) {
	t.Parallel()
	const raw = "\n{ \"b\" :\t[ 1.50, \"\\u0041 :,[\\\"\" ,{\"x\":[ ],\"y\":{\r\n}}],\n\n\"a\":null,\"b\":-0 } "
	const pretty = "{\n  \"b\": [\n    1.50,\n    \"\\u0041 :,[\\\"\",\n    {\n      \"x\": [],\n      \"y\": {}\n    }\n  ],\n  \"a\": null,\n  \"b\": -0\n}"
	people := template.Raw{JSON: json.RawMessage(raw), Clean: strings.TrimSpace}
	programs := template.Raw{JSON: json.RawMessage(raw)}
	for _, c := range []struct {
		source  string
		context template.Raw
		want    string
	}{
		{"{{json .context}}", people, `{"b":[1.50,"\u0041 :,[\"",{"x":[],"y":{}}],"a":null,"b":-0}`},
		{"{{json .context}}", programs, raw},
		{"{{pretty .context}}", people, pretty},
		{"{{pretty .context}}", programs, pretty},
	} {
		parsed, err := template.Parse(c.source, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := data("")
		d["context"] = c.context
		if got, err := parsed.Execute(d); got != c.want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", c.source, got, err, c.want)
		}
	}
}

func TestCheckJSON_RefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                         "does not give JSON (with an alert that has everything)",
		"hello":                    "does not give JSON: what it gives is wrong at byte 1 of 5 (with an alert that has everything)",
		`{"a":"{{.title}}}`:        "does not give JSON: what it gives is wrong at byte 63 of 63 (with an alert that has everything)",
		`{"{{.title}}":1}`:         "line 1: a value cannot be the name of a member, nor part of it; print the whole object with json (with an alert that has everything)",
		"{\n{{.title}}:1}":         "line 2: a value cannot be the name of a member, nor part of it; print the whole object with json (with an alert that has everything)",
		`{"a":1,"b{{.title}}":1}`:  "line 1: a value cannot be the name of a member, nor part of it; print the whole object with json (with an alert that has everything)",
		`{"a":"\u00{{.attempt}}"}`: `line 1: a value cannot be part of an escape such as \u00e9 (with an alert that has everything)`,
		`{"a":"\u{{.title}}0041"}`: `line 1: a value cannot be part of an escape such as \u00e9 (with an alert that has everything)`,
		`{"a":"\u00{{if .test}}e9{{else}}e{{end}}{{.title}}"}`: `line 1: a value cannot be part of an escape such as \u00e9 (with an alert that has everything)`,
		`{"a":"\{{.title}}"}`:            "line 1: a value cannot follow a backslash (with an alert that has everything)",
		`[{{range .tags}}{{.}},{{end}}]`: "does not give JSON: what it gives is wrong at byte 39 of 39 (with an alert that has everything)",
	} {
		faults := template.CheckJSON(source)
		if got := faults.Error(); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
	for _, source := range []string{`{"title":"{{.title}}","tags":{{.tags}},"ip":{{json .context.ip}}}`, "{{json .}}", "1"} {
		if faults := template.CheckJSON(source); len(faults) > 0 {
			t.Errorf("%s: %v", source, faults)
		}
	}
}

// The property that matters: whatever an alert says, the structure is the template's.
func FuzzExecuteJSON_KeepsItsStructure(f *testing.F) {
	f.Add(`","admin":true,"x":"`, `{"a":1}`)
	f.Add("\\", `[1,2]`)
	f.Add("\x00\xff\u2028", `"x"`)
	f.Fuzz(func(t *testing.T, text, context string) {
		if !json.Valid([]byte(context)) {
			context = "{}"
		}
		parsed, err := template.ParseJSON(`{"a":"<{{.title}}>","b":{{.dedup}},"c":[{{range $i, $t := .tags}}{{if $i}},{{end}}{"t":"{{upper $t}}","j":"{{json $t}}"}{{end}}],` +
			`"d":{{json .context}},"e":"{{.context.a}}{{json .context}}","f":{{printf "%s%q" .title .dedup}}}`)
		if err != nil {
			t.Fatal(err)
		}
		d := data(context)
		d["title"], d["dedup"], d["tags"] = text, text, []string{text, text}
		out, err := parsed.Execute(d)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			A, B, E, F string
			C          []map[string]string
			D          any
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if err := json.Unmarshal([]byte(out), &members); err != nil || len(members) != 6 || len(got.C) != 2 || len(got.C[1]) != 2 {
			t.Fatalf("the structure changed: %s (%v)", out, err)
		}
		var want string
		quoted, _ := json.Marshal(text) // what is not UTF-8 is replaced
		if err := json.Unmarshal(quoted, &want); err != nil || got.B != want || got.A != "<"+want+">" {
			t.Fatalf("got %q and %q, want %q", got.A, got.B, want)
		}
	})
}
