// SPDX-License-Identifier: MPL-2.0

// Package template is the language in which users word what an alert becomes: the syntax of Go's text/template, with
// a small set of functions, names that are checked, limits that hold, and every value escaped.
//
// What an alert says was partly written by whoever it is about, and what a template says by anybody who may edit a
// destination. So neither is trusted: a value cannot add markup, and a template cannot reach anything but the alert,
// nor take more time or memory than is good. That is why templates are evaluated here rather than by text/template,
// which calls methods, cannot be interrupted and quotes values in its errors. Only its parser is used.
//
//	template.go    Parse and ParseJSON, Execute, the limits
//	names.go       what a template may ask for
//	check.go       what is wrong with a template, found without an alert
//	sample.go      Check: what is wrong with it, found with alerts of every kind
//	run.go         evaluation: control structures
//	command.go     evaluation: pipelines, commands and operands
//	value.go       what a value is: text, number, list, map …
//	raw.go         JSON that is taken apart as far as a template looks into it
//	function.go    the functions
//	compare.go     those that compare
//	printf.go      printf
//	output.go      where values are escaped and the output is bounded
//
// The package imports nothing of the server: the provider checks templates with it.
package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode"
	"unicode/utf8"
)

// The limits of a template.
const (
	MaxSource     = 16 << 10  // bytes of a template
	MaxSteps      = 200_000   // steps of one execution: an action, an operand, a round of a range
	MaxOutput     = 256 << 10 // bytes one execution may write
	MaxJSONOutput = 8 << 20   // the same where it writes JSON, which may hold all of an alert's context
)

// What functions may read and make in one execution, in bytes. It bounds time and memory alike.
const (
	maxHandled     = 32 << 20
	maxJSONHandled = 64 << 20
)

// main is the name of the template that is not defined inside another.
const main = "(template)"

// Template is a parsed template. It is safe for concurrent use.
type Template struct {
	source string
	trees  map[string]*parse.Tree
	escape func(string) string
	json   bool
}

// Parse reads a template. Its own text stands in the output as it is, and every value that is printed goes through
// escape once; nil escapes nothing. The error is of type [Faults].
func Parse(source string, escape func(string) string) (*Template, error) {
	return parseAs(&Template{source: source, escape: escape})
}

// ParseJSON reads a template whose output is JSON. A value inside a string literal of the template is escaped for it,
// a value elsewhere is written as the JSON of itself, and none can be the name of a member, so the alert does not
// change the structure that the template has. The error is of type [Faults].
func ParseJSON(source string) (*Template, error) {
	return parseAs(&Template{source: source, json: true})
}

func parseAs(t *Template) (*Template, error) {
	if len(t.source) > MaxSource {
		return nil, Faults{{Message: fmt.Sprintf("must be at most %d bytes, not %d", MaxSource, len(t.source))}}
	}
	if !utf8.ValidString(t.source) {
		return nil, Faults{{Message: "must be UTF-8"}}
	}
	if i := strings.IndexFunc(t.source, control); i >= 0 {
		return nil, Faults{{Line: t.line(parse.Pos(i)), Message: "must not hold control characters"}}
	}
	t.trees = map[string]*parse.Tree{}
	tree := parse.New(main)
	tree.Mode = parse.SkipFuncCheck // check names the line and what was meant
	if _, err := tree.Parse(t.source, "", "", t.trees); err != nil {
		return nil, Faults{syntaxFault(err)}
	}
	if faults := check(t); len(faults) > 0 {
		return nil, faults
	}
	return t, nil
}

func control(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }

// Execute returns what the template makes of an alert. The data's members are those that [Names] lists; each is nil,
// a bool, string, int, int64, float64, [json.Number], []string, []any, map[string]any or [Raw]. The error is a [Fault]
// that quotes nothing of the data.
func (t *Template) Execute(data map[string]any) (string, error) {
	r := t.start()
	if err := r.call(main, data); err != nil {
		return "", err
	}
	if t.json {
		if fault := notJSON(r.out.text); fault != nil {
			return "", *fault
		}
	}
	return string(r.out.text), nil
}

// ExecuteParts is [Template.Execute] where the text may have to be cut, which takes no second execution. A template
// that gives more than MaxOutput is no error yet. JSON cannot be cut so.
func (t *Template) ExecuteParts(data map[string]any) (*Parts, error) {
	if t.json {
		return nil, Fault{Message: "JSON has no parts"}
	}
	r := t.start()
	r.out.parts = &Parts{escape: t.escape}
	if err := r.call(main, data); err != nil {
		return nil, err
	}
	return r.out.parts, nil
}

func (t *Template) start() *run {
	r := &run{template: t, out: output{escape: t.escape, limit: MaxOutput}, handled: maxHandled, steps: MaxSteps}
	if t.json {
		r.out.limit, r.out.json, r.handled = MaxJSONOutput, &structure{}, maxJSONHandled
	}
	return r
}

// notJSON tells why a text is not JSON, without quoting it.
func notJSON(text []byte) *Fault {
	if json.Valid(text) {
		return nil
	}
	fault := &Fault{Message: "does not give JSON"}
	var v json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &v)); ok && syntax.Offset > 0 {
		fault.Message += fmt.Sprintf(": what it gives is wrong at byte %d of %d", syntax.Offset, len(text))
	}
	return fault
}

// Fault is one thing wrong with a template, or with what it does with an alert. Line is where, from 1; 0 is nowhere
// in particular.
type Fault struct {
	Line    int
	Message string
}

func (f Fault) Error() string {
	if f.Line == 0 {
		return f.Message
	}
	return "line " + strconv.Itoa(f.Line) + ": " + f.Message
}

// Faults is all that is wrong with a template, by line.
type Faults []Fault

func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].Error()
	}
	return strings.Join(texts, "; ")
}

// parserPrefix is how the parser's errors begin.
var parserPrefix = regexp.MustCompile(`^template: ` + regexp.QuoteMeta(main) + `:(\d+): `)

// syntaxFault makes a fault of the parser's error, which names the template that nobody named.
func syntaxFault(err error) Fault {
	text := err.Error()
	var f Fault
	if m := parserPrefix.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	f.Message = strings.ReplaceAll(strings.TrimPrefix(text, "template: "), main+":", "line ")
	return f
}

// line returns the line of a place in the source.
func (t *Template) line(at parse.Pos) int {
	return 1 + strings.Count(t.source[:min(int(at), len(t.source))], "\n")
}
