// SPDX-License-Identifier: MPL-2.0

package template_test

import (
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/template"
)

// These templates try to take time or memory. Each is stopped, or has done little.
func TestExecute_IsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: it takes long, and nothing in it runs at the same time")
	}
	big := `{"n":` + strings.Repeat("7", 1<<20) + `,"nested":` + strings.Repeat("[", 38) + strings.Repeat("1,", 1<<18) + "1" + strings.Repeat("]", 38) + `,"list":[` + strings.Repeat(`{"a":"b"},`, 100_000) + `1],"text":"` + strings.Repeat("x", 1<<19) + `","deep":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `,"count":9007199254740993}`
	for name, source := range map[string]string{
		"a count":                  `{{range 9223372036854775807}}{{end}}`,
		"counts in counts":         `{{range 100000}}{{range 100000}}{{range 100000}}{{end}}{{end}}{{end}}`,
		"a count from the alert":   `{{range .context.count}}x{{end}}`,
		"doubling":                 `{{$s := "xxxxxxxx"}}{{range 100}}{{$s = print $s $s}}{{end}}{{$s}}`,
		"doubling, not printed":    `{{$s := "xxxxxxxx"}}{{range 100}}{{$s = print $s $s}}{{end}}`,
		"doubling with printf":     `{{$s := "xxxxxxxx"}}{{range 100}}{{$s = printf "%s%q" $s $s}}{{end}}`,
		"doubling with replace":    `{{$s := "xxxxxxxx"}}{{range 100}}{{$s = replace "x" $s $s}}{{end}}`,
		"doubling with join":       `{{$s := "xxxxxxxx"}}{{range 100}}{{$s = join $s (split "x" $s)}}{{end}}`,
		"doubling with json":       `{{$s := "\""}}{{range 100}}{{$s = print (json $s)}}{{end}}`,
		"doubling with date":       `{{$s := "January "}}{{range 100}}{{$s = print $s $s}}{{$x := date $s $.created_at}}{{end}}`,
		"quadratic replace":        `{{$s := .context.text}}{{range 10000}}{{$x := replace "x" "yyyyyyyyyyyyyyyyyyyy" $s}}{{end}}`,
		"comparing":                `{{range 100000}}{{if eq $.context.text $.context.text}}{{end}}{{end}}`,
		"searching":                `{{range 100000}}{{if contains "y" $.context.text}}{{end}}{{end}}`,
		"searching a list":         `{{range 100000}}{{if contains "y" $.context.list}}{{end}}{{end}}`,
		"upper":                    `{{range 100000}}{{$x := upper $.context.text}}{{end}}`,
		"splitting":                `{{range 100000}}{{$x := split "x" $.context.text}}{{end}}`,
		"the context as JSON":      `{{range 100000}}{{$x := json $.context}}{{end}}`,
		"the context indented":     `{{range 100000}}{{$x := pretty $.context}}{{end}}`,
		"the deep context":         `{{range 100000}}{{$x := pretty $.context.deep}}{{end}}`,
		"into the deep context":    `{{$x := .context.deep}}{{range 100000}}{{$x = index $x 0}}{{end}}`,
		"a range over the context": `{{range $.context.list}}{{range $.context.list}}{{.a}}{{end}}{{end}}`,
		"names sorted":             `{{range 100000}}{{range $k, $v := $.context}}{{break}}{{end}}{{end}}`,
		"output":                   `{{range 100000}}` + strings.Repeat("x", 10000) + `{{end}}`,
		"escaped output":           `{{range 100000}}{{$.context.text}}{{end}}`,
		"lengths":                  `{{range 100000}}{{$x := len $.context.text}}{{end}}`,
		"slices":                   `{{range 100000}}{{$x := slice $.context.text 1}}{{end}}`,
		"truncations":              `{{range 100000}}{{$x := truncate 1000000 $.context.text}}{{end}}`,
		"templates":                chain(60),
		"ifs":                      strings.Repeat("{{if 1}}", 1000) + strings.Repeat("{{end}}", 1000),
		"brackets":                 "{{" + strings.Repeat("(", 8000) + "1" + strings.Repeat(")", 8000) + "}}",
		"percent signs":            `{{$s := "%%%%%%%%"}}{{range 17}}{{$s = print $s $s}}{{end}}{{$x := printf $s}}`,
		"flags":                    `{{$s := "%00000000s"}}{{range 17}}{{$s = print $s $s}}{{end}}{{$x := printf $s}}`,
		"the nested list indented": `{{range 1000}}{{$x := pretty $.context.nested}}{{end}}`,
		"if a long number":         `{{range 1000}}{{if $.context.n}}{{end}}{{end}}`,
		"with a long number":       `{{range 1000}}{{with $.context.n}}{{end}}{{end}}`,
		"range a long number":      `{{range 1000}}{{range $.context.n}}{{break}}{{end}}{{end}}`,
		"a long number compared":   `{{range 1000}}{{if eq $.context.n $.context.n}}{{end}}{{end}}`,
		"lengths of JSON":          `{{$j := json .context}}{{range 1000}}{{$x := len $j}}{{end}}`,
		"JSON compared":            `{{$j := json .context}}{{range 1000}}{{if atLeast "HIGH" $j}}{{end}}{{end}}`,
		"width":                    `{{range 100000}}{{$x := printf "%100s%-100s%.100f" "" "" 1.5}}{{end}}`,
	} {
		for mode, parse := range map[string]func(string) (*template.Template, error){"text": parseEscaped, "parts": parseEscaped, "JSON": template.ParseJSON} {
			d := data(big)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			parsed, err := parse(source)
			switch {
			case err != nil:
			case mode == "parts":
				err = cutParts(parsed, d)
			default:
				_, err = parsed.Execute(d)
			}
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if took > time.Minute { // they took hours; what they may handle is what TestExecute_CountsWhatItHandles looks at
				t.Errorf("%s, %s: took %s", name, mode, took)
			}
			if made := after.TotalAlloc - before.TotalAlloc; made > 600<<20 {
				t.Errorf("%s, %s: made %d MB", name, mode, made>>20)
			}
			t.Logf("%s, %s: %s, %d MB, %v", name, mode, took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%s, %s: the error is %d bytes long", name, mode, len(err.Error()))
			}
		}
	}
}

func parseEscaped(source string) (*template.Template, error) {
	return template.Parse(source, func(text string) string { return strings.ReplaceAll(text, "x", "&#120;") })
}

// cutParts cuts what a template gives as often as a text is that is to fit.
func cutParts(parsed *template.Template, d map[string]any) error {
	parts, err := parsed.ExecuteParts(d)
	for length := 8 << 10; err == nil && length > 0; length /= 2 {
		_, err = parts.Cut(length)
	}
	return err
}

// What these read and make is counted, so they are stopped whatever time it takes.
func TestExecute_CountsWhatItHandles(t *testing.T) {
	t.Parallel()
	long := `{"n":` + strings.Repeat("7", 1<<17) + `,"nested":` + strings.Repeat("[", 38) + strings.Repeat("1,", 1<<18) + "1" + strings.Repeat("]", 38) + `,"text":"` + strings.Repeat("x", 1<<17) + `"}`
	for source, want := range map[string]string{
		`{{$s := "%%%%%%%%"}}{{range 16}}{{$s = print $s $s}}{{end}}{{$x := printf $s}}`:   "printf: stopped after 200000 steps",
		`{{$x := pretty .context.nested}}`:                                                 "handles too much",
		`{{range 1000}}{{if $.context.n}}{{end}}{{end}}`:                                   "handles too much",
		`{{range 1000}}{{with $.context.n}}{{end}}{{end}}`:                                 "handles too much",
		`{{range 1000}}{{range $.context.n}}{{break}}{{end}}{{end}}`:                       "range needs a list, a map or a whole number",
		`{{range 1000}}{{if lt $.context.n $.context.n}}{{end}}{{end}}`:                    "handles too much",
		`{{$j := json .context.text}}{{range 1000}}{{$x := len $j}}{{end}}`:                "handles too much",
		`{{$j := json .context.text}}{{range 1000}}{{if atLeast "HIGH" $j}}{{end}}{{end}}`: "handles too much",
	} {
		parsed, err := template.Parse(source, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Execute(data(long)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want %q", source, err, want)
		}
	}
}

// chain returns templates of which each calls the next twice.
func chain(n int) string {
	var source strings.Builder
	for i := range n {
		next := strings.Repeat("x", i+1)
		source.WriteString(`{{define "x` + next + `"}}{{template "xx` + next + `" .}}{{template "xx` + next + `" .}}{{end}}`)
	}
	return source.String() + `{{define "xx` + strings.Repeat("x", n) + `"}}{{end}}{{template "xx" .}}`
}

func TestExecute_SaysNothingOfTheAlertInErrors(t *testing.T) {
	t.Parallel()
	const needle = "NEEDLE"
	d := data(`{"text":"NEEDLE","list":["NEEDLE"],"map":{"NEEDLE":"NEEDLE"}}`)
	d["title"] = needle
	for source, want := range map[string]string{
		"{{index .tags .context.card}}":     "line 1: index: there is no such entry in the list; first and last give nothing then",
		"{{printf .context.format .title}}": "line 1: printf: %d wants a whole number, not a text",
	} {
		parsed, err := template.Parse(source, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Execute(data(`{"card":4111111111111111,"format":"%+042.17d"}`)); err == nil || err.Error() != want {
			t.Errorf("%s: got the error %v, want %q", source, err, want)
		}
	}
	failed := 0
	for _, f := range template.Functions() {
		for _, value := range []string{".title", ".context.text", ".context.list", ".context.map", ".context"} {
			for count := range 4 {
				source := "{{" + f.Name + strings.Repeat(" "+value, count) + "}}{{range " + value + "}}{{end}}"
				for _, parse := range []func(string) (*template.Template, error){template.ParseJSON, func(s string) (*template.Template, error) { return template.Parse(s, nil) }} {
					parsed, err := parse(source)
					if err == nil {
						_, err = parsed.Execute(d)
					}
					if err != nil {
						failed++
						if strings.Contains(err.Error(), needle) {
							t.Errorf("%s: %v", source, err)
						}
					}
				}
			}
		}
	}
	if failed < 100 {
		t.Errorf("%d failed; this test should provoke more", failed)
	}
}

func TestRaw_TakesApartOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	var read []string // the texts and names that were made out
	d := data(context)
	d["context"] = template.Raw{
		JSON:  json.RawMessage(`{"a":{"b":"asked for","c":"beside it"},"d":["far",{"e":"away"}],"f":"text"}`),
		Clean: func(text string) string { read = append(read, text); return text },
	}
	parsed, err := template.Parse("{{.context.a.b}}{{.context.a.b}}{{if .context.d}}!{{end}}{{len .context.d}}", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.Execute(d); got != "asked forasked for!2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if want := []string{"a", "d", "f", "b", "c", "asked for"}; !slices.Equal(read, want) {
		t.Errorf("made out %q, want %q", read, want)
	}
}

func TestRaw_ThatIsBrokenFailsNothing(t *testing.T) {
	t.Parallel()
	broken := template.Raw{JSON: json.RawMessage(`{"a":`)} // not accepted by the API, so only not to fail on
	d := data(context)
	d["context"] = broken
	for source, want := range map[string]string{"{{.title}}": "Root <b>login</b>", "{{.context.a}}": "", "{{pretty .context}}": "null"} {
		parsed, err := template.Parse(source, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Execute(d); got != want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", source, got, err, want)
		}
	}
}
