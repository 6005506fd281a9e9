// SPDX-License-Identifier: MPL-2.0

package template

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Function is one of the functions of the language. What is worked on comes last, so that it can be piped in.
type Function struct {
	Name    string
	Usage   string // with the arguments in capitals
	Doc     string
	Example string
	Result  string // what the example gives for the alert in the guide

	least, most int // arguments; most is -1 for any number
	do          func(r *run, args []any) (any, error)
}

// functions are those of the language by name.
var functions = byName(slices.Concat(textFunctions, listFunctions, valueFunctions, compareFunctions))

func byName(list []Function) map[string]Function {
	table := map[string]Function{}
	for _, f := range list {
		table[f.Name] = f
	}
	return table
}

// Functions lists the functions of the language.
func Functions() []Function {
	return slices.Concat(textFunctions, listFunctions, valueFunctions, compareFunctions)
}

var textFunctions = []Function{
	{"upper", "upper TEXT", "In upper case.", `{{upper .detection.id}}`, "AWS.CONSOLE.ROOTLOGIN", 1, 1, mapped(strings.ToUpper)},
	{"lower", "lower TEXT", "In lower case.", `{{lower .severity}}`, "high", 1, 1, mapped(strings.ToLower)},
	{"capitalize", "capitalize TEXT", "With a capital first letter.", `{{.severity | lower | capitalize}}`, "High", 1, 1, mapped(capitalize)},
	{"trim", "trim TEXT", "Without space around it.", `{{trim "  a b "}}`, "a b", 1, 1, mapped(strings.TrimSpace)},
	{"trimPrefix", "trimPrefix PREFIX TEXT", "Without the prefix, if it has it.", `{{.detection.id | trimPrefix "AWS."}}`, "Console.RootLogin", 2, 2, onTexts(func(t []string) any { return strings.TrimPrefix(t[1], t[0]) })},
	{"trimSuffix", "trimSuffix SUFFIX TEXT", "Without the suffix, if it has it.", `{{"report.csv" | trimSuffix ".csv"}}`, "report", 2, 2, onTexts(func(t []string) any { return strings.TrimSuffix(t[1], t[0]) })},
	{"replace", "replace OLD NEW TEXT", "With every OLD replaced by NEW.", `{{.type | replace "RULE" "rule"}}`, "rule", 3, 3, replace},
	{"hasPrefix", "hasPrefix PREFIX TEXT", "Whether it begins so.", `{{hasPrefix "AWS." .detection.id}}`, "true", 2, 2, onTexts(func(t []string) any { return strings.HasPrefix(t[1], t[0]) })},
	{"hasSuffix", "hasSuffix SUFFIX TEXT", "Whether it ends so.", `{{hasSuffix "Login" .detection.id}}`, "true", 2, 2, onTexts(func(t []string) any { return strings.HasSuffix(t[1], t[0]) })},
	{"contains", "contains PART VALUE", "Whether a text has the part, or a list the entry.", `{{if contains "prod" .tags}}production{{end}}`, "production", 2, 2, contains},
	{"split", "split SEPARATOR TEXT", "The list of the parts between separators.", `{{index (split "." .detection.id) 1}}`, "Console", 2, 2, split},
	{"truncate", "truncate COUNT TEXT", "Its beginning, at most so many characters, with an ellipsis where it was cut.", `{{.title | truncate 10}}`, "Root logi…", 2, 2, truncate},
	{"print", "print VALUE…", "The values one after the other.", `{{print .severity "/" .attempt}}`, "HIGH/1", 0, -1, printAll},
	{"printf", "printf FORMAT VALUE…", "Formatted as in Go, with the verbs `%s %v %q %d %x %f %e %g %t` and widths and precisions up to 100.", `{{printf "%-8s%03d" .severity .attempt}}`, "HIGH    001", 1, -1, printf},
	{"date", "date LAYOUT TIME", "A time in UTC, in a layout of [Go](https://pkg.go.dev/time#pkg-constants), which shows how `2006-01-02 15:04:05` is to be written. A number is seconds since 1970, or milliseconds. What is no time stays as it is.", `{{.created_at | date "2 Jan 2006 15:04"}}`, "21 Nov 2026 03:35", 2, 2, date},
	{"url", "url TEXT", "The text if it is an absolute `http` or `https` URL that shows where it leads, else nothing.", `{{with url .reference}}see {{.}}{{end}}`, "see https://docs.example.com/root", 1, 1, mapped(webURL)},
}

var listFunctions = []Function{
	{"join", "join SEPARATOR LIST", "The entries with the separator between.", `{{join " + " .tags}}`, "AWS + prod", 2, 2, join},
	{"first", "first LIST", "The first entry, or nothing.", `{{first .tags}}`, "AWS", 1, 1, func(r *run, args []any) (any, error) { return end(r, args[0], false) }},
	{"last", "last LIST", "The last entry, or nothing.", `{{last .tags}}`, "prod", 1, 1, func(r *run, args []any) (any, error) { return end(r, args[0], true) }},
	{"index", "index VALUE KEY…", "An entry of a list, counted from 0, or a member of a map. Past the end of a list is an error; a member that is not there is nothing.", `{{index .context "source-ip"}}`, "198.51.100.7", 1, -1, index},
	{"slice", "slice VALUE FROM TO", "The characters of a text, or the entries of a list, from FROM to before TO; to the end without TO.", `{{slice .detection.id 0 3}}`, "AWS", 2, 3, slice},
	{"len", "len VALUE", "How many entries a list or map has, or characters a text.", `{{len .tags}}`, "2", 1, 1, length},
}

var valueFunctions = []Function{
	{"default", "default OTHERWISE VALUE", "The value, or the other one where it is empty.", `{{.context.region | default "no region"}}`, "no region", 2, 2, func(r *run, args []any) (any, error) {
		if r.truth(args[1]) {
			return args[1], nil
		}
		return args[0], nil
	}},
	{"json", "json VALUE", "As JSON on one line. In a webhook, what comes from the context keeps its own spaces and line breaks.", `{{json .context.user}}`, `{"name":"root"}`, 1, 1, func(r *run, args []any) (any, error) {
		text, err := r.encode(args[0], false)
		return encoded(text), err
	}},
	{"pretty", "pretty VALUE", "As JSON on lines of its own.", `{{pretty .tags}}`, "[\n  \"AWS\",\n  \"prod\"\n]", 1, 1, func(r *run, args []any) (any, error) {
		text, err := r.encode(args[0], true)
		return encoded(text), err
	}},
	{"add", "add NUMBER NUMBER", "The sum of two whole numbers.", `{{range $i, $tag := .tags}}{{add 1 $i}}. {{$tag}} {{end}}`, "1. AWS 2. prod ", 2, 2, add},
}

// mapped makes a function of one on texts. Whatever it is given is taken as it would be printed.
func mapped(do func(string) string) func(*run, []any) (any, error) {
	return onTexts(func(texts []string) any { return do(texts[0]) })
}

func onTexts(do func(texts []string) any) func(*run, []any) (any, error) {
	return func(r *run, args []any) (any, error) {
		texts := make([]string, len(args))
		for i, arg := range args {
			var err error
			if texts[i], err = r.text(arg); err != nil {
				return nil, err
			}
		}
		return do(texts), nil
	}
}

func capitalize(text string) string {
	first, width := utf8.DecodeRuneInString(text)
	if width == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[width:]
}

func replace(r *run, args []any) (any, error) {
	return oneOfTexts(r, args, func(t []string) (any, error) {
		old, with, text := t[0], t[1], t[2]
		if old == "" {
			return nil, errors.New("OLD must not be empty")
		}
		if err := r.handle(strings.Count(text, old) * len(with)); err != nil {
			return nil, err
		}
		return strings.ReplaceAll(text, old, with), nil
	})
}

// oneOfTexts is onTexts for a function that can fail.
func oneOfTexts(r *run, args []any, do func(texts []string) (any, error)) (any, error) {
	var failed error
	value, err := onTexts(func(texts []string) any {
		var value any
		value, failed = do(texts)
		return value
	})(r, args)
	return value, errors.Join(err, failed)
}

func contains(r *run, args []any) (any, error) {
	if r.kindOf(args[1]) != List {
		return onTexts(func(t []string) any { return strings.Contains(t[1], t[0]) })(r, args)
	}
	list := r.open(args[1])
	n, _ := r.length(list)
	for i := range n {
		if err := r.step(); err != nil {
			return nil, err
		}
		e := at(list, i)
		if kind := r.kindOf(e); kind == Map || kind == List {
			continue // equal to nothing, and not worth taking apart
		}
		if same, err := r.same(args[0], e); err != nil || same {
			return same, err
		}
	}
	return false, nil
}

func split(r *run, args []any) (any, error) {
	return oneOfTexts(r, args, func(t []string) (any, error) {
		if t[0] == "" {
			return nil, errors.New("SEPARATOR must not be empty")
		}
		if err := r.handle((strings.Count(t[1], t[0]) + 1) * entry); err != nil {
			return nil, err
		}
		return strings.Split(t[1], t[0]), nil
	})
}

func truncate(r *run, args []any) (any, error) {
	count, ok := r.whole(r.open(args[0]))
	if !ok || count < 0 {
		return nil, errors.New("COUNT must be a whole number, 0 or more")
	}
	text, err := r.text(args[1])
	if err != nil {
		return nil, err
	}
	return shorten(text, count), nil
}

func printAll(r *run, args []any) (any, error) {
	var all []byte
	for _, arg := range args {
		text, err := r.text(arg)
		if err == nil {
			err = r.handle(len(text))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return string(all), nil
}

func date(r *run, args []any) (any, error) {
	layout, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	if err := r.handle(8 * len(layout)); err != nil { // "Jan" may become "September", "1" "12"
		return nil, err
	}
	if at, ok := r.timeOf(r.open(args[1])); ok {
		return at.UTC().Format(layout), nil
	}
	return r.text(args[1])
}

// timeOf reads a time: RFC 3339, or a number of seconds or milliseconds since 1970.
func (r *run) timeOf(v any) (time.Time, bool) {
	const milliseconds = 1e11 // as seconds, it is the year 5138
	if text, ok := v.(string); ok {
		at, err := time.Parse(time.RFC3339Nano, text)
		return at, err == nil
	}
	seconds, ok := r.number(v)
	if !ok || !(seconds > 0 && seconds < 1e14) {
		return time.Time{}, false
	}
	if seconds >= milliseconds {
		return time.UnixMilli(int64(seconds)), true
	}
	return time.Unix(int64(seconds), 0), true
}

// webURL returns a URL that may be offered to a person, and "" for anything else.
func webURL(text string) string {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || !unicode.IsPrint(r) || strings.ContainsRune("\"<>`|\\", r)
	}) {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return text
}

func join(r *run, args []any) (any, error) {
	separator, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	if r.kindOf(args[1]) != List {
		return r.text(args[1])
	}
	return r.join(separator, r.open(args[1]))
}

func end(r *run, list any, last bool) (any, error) {
	switch r.kindOf(list) {
	case Nothing:
		return nil, nil
	case List:
	default:
		return nil, fmt.Errorf("wants a list, not %s", r.kindOf(list))
	}
	list = r.open(list)
	n, _ := r.length(list)
	switch {
	case n == 0:
		return nil, nil
	case last:
		return at(list, n-1), nil
	}
	return at(list, 0), nil
}

func index(r *run, args []any) (any, error) {
	value := args[0]
	for _, key := range args[1:] {
		switch r.kindOf(value) {
		case Nothing:
			return nil, nil
		case Map:
			name, err := r.text(key)
			if err != nil {
				return nil, err
			}
			value = r.member(value, name)
		case List:
			i, ok := r.whole(r.open(key))
			list := r.open(value)
			n, _ := r.length(list)
			if !ok || i < 0 {
				return nil, errors.New("the place in a list must be a whole number, 0 or more")
			}
			if i >= int64(n) {
				return nil, errors.New("there is no such entry in the list; first and last give nothing then")
			}
			value = at(list, int(i))
		default:
			return nil, fmt.Errorf("wants a list or a map, not %s", r.kindOf(value))
		}
	}
	return value, nil
}

func slice(r *run, args []any) (any, error) {
	value := r.open(args[0])
	n, ok := r.length(value)
	if !ok || r.kindOf(value) == Map {
		return nil, fmt.Errorf("wants a text or a list, not %s", r.kindOf(value))
	}
	places := [2]int{0, n}
	for i, arg := range args[1:] {
		place, ok := r.whole(r.open(arg))
		if !ok || place < 0 {
			return nil, errors.New("FROM and TO must be whole numbers, 0 or more")
		}
		places[i] = int(min(place, int64(n))) // what is not there is not taken
	}
	from, to := places[0], max(places[0], places[1])
	switch value := value.(type) {
	case []any:
		return value[from:to], nil
	case []string:
		return value[from:to], nil
	case nil:
		return "", nil
	}
	text, err := r.text(value)
	if err == nil {
		err = r.handle(len(text) * utf8.UTFMax)
	}
	if err != nil {
		return nil, err
	}
	return string([]rune(text)[from:to]), nil
}

func length(r *run, args []any) (any, error) {
	n, ok := r.length(args[0])
	if !ok {
		return nil, fmt.Errorf("wants a text, a list or a map, not %s", r.kindOf(args[0]))
	}
	return n, nil
}

func add(r *run, args []any) (any, error) {
	a, okA := r.whole(r.open(args[0]))
	b, okB := r.whole(r.open(args[1]))
	if !okA || !okB {
		return nil, errors.New("wants two whole numbers")
	}
	return a + b, nil
}
