// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// print writes value as JSON, or as the table that text makes.
func (o output) print(s streams, value any, text func(t *table)) error {
	if o.Output == "json" {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(value)
	}
	t := &table{w: tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)}
	text(t)
	return t.w.Flush()
}

// table writes aligned columns.
type table struct{ w *tabwriter.Writer }

// row writes one line. What the control plane sends can hold anything; control characters do not reach the terminal.
func (t *table) row(cells ...any) {
	words := make([]string, len(cells))
	for i, c := range cells {
		words[i] = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return '\uFFFD'
			}
			return r
		}, fmt.Sprint(c))
	}
	fmt.Fprintln(t.w, strings.Join(words, "\t"))
}
