// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	gotemplate "text/template"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

// generator writes templates that make sense, mostly.
type generator struct {
	*rand.Rand
	own   []string // the template's own text
	names []string // operands
	funcs []string // calls with OP for an operand
	depth int
	vars  []string
}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

func (g *generator) operand() string {
	if len(g.vars) > 0 && g.IntN(3) == 0 {
		return g.pick(g.vars)
	}
	operand := g.pick(g.names)
	for g.IntN(3) == 0 {
		call := g.pick(g.funcs)
		operand = "(" + strings.ReplaceAll(call, "OP", operand) + ")"
	}
	return operand
}

// declaration declares a variable.
func (g *generator) declaration() string {
	operand := g.operand()
	name := fmt.Sprintf("$v%d", len(g.vars))
	g.vars = append(g.vars, name)
	return name + " := " + operand
}

func (g *generator) list() string {
	var out strings.Builder
	vars := slices.Clone(g.vars)
	g.depth++
	for range 1 + g.IntN(4) {
		out.WriteString(g.node())
	}
	g.depth--
	g.vars = vars
	return out.String()
}

func (g *generator) node() string {
	n := g.IntN(13)
	if g.depth > 4 && n > 4 {
		n = 0
	}
	switch n {
	case 0, 1:
		return g.pick(g.own)
	case 2, 3, 4:
		return "{{" + g.operand() + "}}"
	case 5:
		name := fmt.Sprintf("$v%d", len(g.vars))
		text := "{{" + name + " := " + g.operand() + "}}"
		g.vars = append(g.vars, name)
		return text
	case 6:
		return "{{if " + g.operand() + "}}" + g.list() + "{{else}}" + g.list() + "{{end}}"
	case 7:
		return "{{with " + g.operand() + "}}" + g.pick(g.own) + "{{.}}{{else}}" + g.pick(g.own) + "{{end}}"
	case 8:
		ends := []string{"", "{{break}}", "{{if $k}}{{continue}}{{end}}"}
		return "{{range $k, $e := $.m}}{{$k}}" + g.pick(ends) + "{{$e}}{{else}}none{{end}}{{range $k, $e := $.l}}" + g.pick(ends) + "{{$e}}" + g.pick(g.own) + "{{end}}"
	case 9:
		if len(g.vars) == 0 {
			return "{{(" + g.declaration() + ")}}"
		}
		assigned := g.pick(g.vars)
		return "{{" + assigned + " = " + g.operand() + "}}{{printf `%v%v` (" + assigned + " = " + g.operand() + ") " + assigned + "}}"
	case 10:
		vars := slices.Clone(g.vars)
		within := "(" + g.declaration() + ")"
		text := g.pick([]string{"{{if " + within + "}}", "{{with " + within + "}}", "{{range $e := slice $.l 1}}{{$e}}{{with " + within + "}}"}) + g.list()
		if strings.HasPrefix(text, "{{range") {
			text += "{{end}}"
		}
		g.vars = vars
		return text + "{{end}}"
	case 11:
		return "{{range ($list := $.l)}}{{.}}{{range $list}}{{.}}{{end}}" + g.list() + "{{else}}{{len $list}}{{end}}"
	default:
		return `{{template "t" ` + g.operand() + `}}`
	}
}

// Where this language is that of text/template, it does what that does.
func TestExecute_DoesWhatTextTemplateDoes(t *testing.T) {
	t.Parallel()
	g := &generator{
		Rand:  rand.New(rand.NewPCG(1, 2)),
		own:   []string{"x", " y ", "\n", "{{- /* c */ -}}", "{{/* c */}}"},
		names: []string{"$.s", "$.e", "$.n", "$.z", "$.b", "$.m.k", `"q"`, "7", "true", "(index $.l 1)", `(index $.m "k")`, "(len $.l)", "(len $.m)", "(slice $.s 1 2)"},
		funcs: []string{"and OP $.s", "or OP 3", "not OP", "print OP", "OP | print", `printf "%v" OP`, "eq OP OP", "and (eq $.n 3) OP", "or (lt $.n 4) OP", "ne $.s `abc`", "ge $.n 2"},
	}
	data := map[string]any{"s": "abc", "e": "", "n": 3, "z": 0, "b": true, "l": []any{"a", "b", "c"}, "m": map[string]any{"k": "v", "a": "w"}}
	compared := 0
	for range 1500 {
		source := `{{define "t"}}[{{.}}]{{end}}` + g.list()
		theirs, err := gotemplate.New("").Parse(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		var want strings.Builder
		if theirs.Execute(&want, data) != nil {
			continue // such as a comparison of a text with a number, which is false here
		}
		// The names are another alert's, so the check must not see the top: context has any.
		ours, err := template.Parse(`{{define "main"}}`+strings.ReplaceAll(source, `{{define "t"}}[{{.}}]{{end}}`, "")+`{{end}}{{define "t"}}[{{.}}]{{end}}{{template "main" .context}}`, nil)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		got, err := ours.Execute(map[string]any{"context": data})
		if err != nil || got != want.String() {
			t.Fatalf("%s\ngot  %q (%v)\nwant %q", source, got, err, want.String())
		}
		compared++
	}
	if compared < 500 {
		t.Errorf("compared %d templates only", compared)
	}
}

// Whatever an alert says and a template does with it, no markup comes out but the template's own, which here is none.
func TestExecute_AddsNoMarkup(t *testing.T) {
	t.Parallel()
	g := &generator{
		Rand:  rand.New(rand.NewPCG(3, 4)),
		own:   []string{"x", " y\n"},
		names: []string{"$.title", "$.tags", "$.context", "$.context.a", "$.context.l", "$.detection", "$.detection.id", "$.dedup", "$", "`<own>`"},
		funcs: []string{
			"upper OP", "lower OP", "capitalize OP", "trim OP", "replace `a` OP OP", "print OP OP", "printf `%s %q %v` OP OP OP", "join OP $.tags", "split `a` OP",
			"json OP", "pretty OP", "default OP $.context.none", "truncate 5 OP", "trimPrefix OP $.title", "or OP 1", "and 1 OP", "index $.context `a`", "date OP $.created_at", "date `2006` OP",
		},
	}
	markup := []rune("<>&|@!*`\"'\\{}[]a\n ")
	hostile := func() string {
		text := make([]rune, g.IntN(20))
		for i := range text {
			text[i] = markup[g.IntN(len(markup))]
		}
		return "<!channel>" + string(text)
	}
	escapes := 0
	escape := func(text string) string {
		escapes++
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	}
	worked := 0
	for range 2500 {
		source := strings.NewReplacer("$.m", "$.context", "$.l", "$.tags").Replace(`{{define "t"}}{{.}}{{end}}` + g.list())
		parsed, err := template.Parse(source, escape)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		context, err := json.Marshal(map[string]any{"a": hostile(), "l": []any{hostile(), 1}, hostile(): hostile()})
		if err != nil {
			t.Fatal(err)
		}
		d := data(string(context))
		d["title"], d["dedup"], d["tags"] = hostile(), hostile(), []string{hostile(), hostile()}
		d["detection"] = map[string]any{"id": hostile(), hostile(): hostile()}
		got, err := parsed.Execute(d)
		if err != nil {
			continue
		}
		worked++
		if strings.ContainsAny(got, "<>") || strings.Contains(got, "&amp;lt;") && !strings.Contains(string(context), "&lt;") {
			t.Fatalf("%s\nwith %s\ngives %q", source, context, got)
		}
	}
	if worked < 1000 || escapes < 2500 {
		t.Errorf("%d of the templates worked and printed %d values; there should be more", worked, escapes)
	}
}
