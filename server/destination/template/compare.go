// SPDX-License-Identifier: MPL-2.0

package template

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

var compareFunctions = []Function{
	{"eq", "eq VALUE OTHER…", "Whether the value is equal to one of the others. Nothing is equal to the empty text.", `{{eq .severity "HIGH" "CRITICAL"}}`, "true", 2, -1, equal},
	{"ne", "ne VALUE OTHER", "Whether they differ.", `{{ne .type "RULE"}}`, "false", 2, 2, func(r *run, args []any) (any, error) {
		same, err := r.same(args[0], args[1])
		return !same, err
	}},
	{"lt", "lt VALUE OTHER", "Whether it is less: of two numbers or two texts. Between other values, none of `lt`, `le`, `gt`, `ge` is true.", `{{lt .attempt 2}}`, "true", 2, 2, compared(func(c int) bool { return c < 0 })},
	{"le", "le VALUE OTHER", "Less or equal.", `{{le .attempt 1}}`, "true", 2, 2, compared(func(c int) bool { return c <= 0 })},
	{"gt", "gt VALUE OTHER", "Greater.", `{{gt .attempt 1}}`, "false", 2, 2, compared(func(c int) bool { return c > 0 })},
	{"ge", "ge VALUE OTHER", "Greater or equal. For severities see `atLeast`.", `{{ge .context.count 3}}`, "true", 2, 2, compared(func(c int) bool { return c >= 0 })},
	{"atLeast", "atLeast LEAST SEVERITY", "Whether a severity is as high as another or higher.", `{{if .severity | atLeast "HIGH"}}urgent{{end}}`, "urgent", 2, 2, atLeast},
	{"and", "and VALUE…", "The first value that is empty, else the last.", `{{and .link .title}}`, "Root login without MFA", 1, -1, nil},
	{"or", "or VALUE…", "The first value that is not empty, else the last.", `{{or .fallback_of .type}}`, "RULE", 1, -1, nil},
	{"not", "not VALUE", "Whether it is empty, zero or false.", `{{not .test}}`, "true", 1, 1, func(r *run, args []any) (any, error) { return !r.truth(args[0]), nil }},
}

func equal(r *run, args []any) (any, error) {
	for _, other := range args[1:] {
		if same, err := r.same(args[0], other); err != nil || same {
			return same, err
		}
	}
	return false, nil
}

// same reports whether two values are equal: texts, numbers or truths of the same value, or two nothings. Nothing is
// the empty text. Lists and maps are equal to nothing else.
func (r *run) same(a, b any) (bool, error) {
	a, b = r.open(a), r.open(b)
	if x, ok := a.(bool); ok {
		y, ok := b.(bool)
		return ok && x == y, nil
	}
	c, ok, err := r.compare(a, b)
	return ok && c == 0, err
}

// compare orders two numbers or two texts, and reports whether they can be.
func (r *run) compare(a, b any) (int, bool, error) {
	a, b = r.open(a), r.open(b)
	if r.kindOf(a) == Number && r.kindOf(b) == Number {
		return r.compareNumbers(a, b), true, nil
	}
	x, okX := asText(a)
	y, okY := asText(b)
	if err := r.handle(min(len(x), len(y))); err != nil {
		return 0, false, err
	}
	return strings.Compare(x, y), okX && okY, nil
}

// compareNumbers orders two numbers: whole ones by all their digits, others as far as a float64 is exact.
func (r *run) compareNumbers(a, b any) int {
	i, fitsI := r.whole(a)
	j, fitsJ := r.whole(b)
	if fitsI && fitsJ {
		return order(i, j)
	}
	minusA, digitsA, okA := integer(a)
	minusB, digitsB, okB := integer(b)
	switch {
	case !okA || !okB:
		x, _ := r.number(a)
		y, _ := r.number(b)
		return order(x, y)
	case minusA && minusB:
		digitsA, digitsB = digitsB, digitsA
	case minusA:
		return -1
	case minusB:
		return 1
	}
	return cmp.Or(cmp.Compare(len(digitsA), len(digitsB)), strings.Compare(digitsA, digitsB))
}

// integer takes a number apart that is written as a whole one, however many digits it has.
func integer(v any) (minus bool, digits string, ok bool) {
	switch v := v.(type) {
	case int:
		digits = strconv.Itoa(v)
	case int64:
		digits = strconv.FormatInt(v, 10)
	case json.Number:
		digits = string(v)
	default:
		return false, "", false
	}
	digits, minus = strings.CutPrefix(digits, "-")
	digits = strings.TrimLeft(digits, "0")
	return minus && digits != "", digits, strings.Trim(digits, "0123456789") == ""
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// asText returns what is a text already, or nothing.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case encoded:
		return string(v), true
	}
	return "", false
}

func compared(holds func(order int) bool) func(*run, []any) (any, error) {
	return func(r *run, args []any) (any, error) {
		c, ok, err := r.compare(args[0], args[1])
		return ok && holds(c), err
	}
}

// severities are the alert's, lowest first.
var severities = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

func atLeast(r *run, args []any) (any, error) {
	least, err := r.text(args[0])
	if err != nil {
		return nil, err
	}
	level := slices.Index(severities, strings.ToUpper(least))
	if level < 0 {
		return nil, errors.New("LEAST must be one of " + strings.Join(severities, ", "))
	}
	severity, err := r.text(args[1])
	return slices.Index(severities, strings.ToUpper(severity)) >= level, err
}
