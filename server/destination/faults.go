// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Faults collects what is wrong with a config, for [Config.Validate]. A fault is the end of a sentence that begins with
// the member, such as "is required", and never quotes a secret. Functions named faultOf return the fault of one text, or
// "" for none; those of field.go do. The zero value is ready to use.
type Faults struct{ fields []problem.Field }

// Err returns what was collected, or nil.
func (f *Faults) Err() error { return problem.InvalidFields(f.fields) }

// Add takes down a fault of the member at a pointer.
func (f *Faults) Add(pointer, format string, args ...any) {
	f.fields = append(f.fields, problem.Field{Name: pointer, Message: fmt.Sprintf(format, args...)})
}

// Check takes down a fault that is not "".
func (f *Faults) Check(pointer, fault string) {
	if fault != "" {
		f.Add(pointer, "%s", fault)
	}
}

// Take takes down faults that were collected elsewhere, such as those of templates.
func (f *Faults) Take(fields []problem.Field) { f.fields = append(f.fields, fields...) }

// Required checks a text that must be there.
func (f *Faults) Required(pointer, text string, faultOf func(string) string) {
	if text == "" {
		f.Add(pointer, "is required")
		return
	}
	f.Check(pointer, faultOf(text))
}

// Optional checks a text that may be left out.
func (f *Faults) Optional(pointer, text string, faultOf func(string) string) {
	if text != "" {
		f.Check(pointer, faultOf(text))
	}
}

// List checks each text of a list that may have so many.
func (f *Faults) List(pointer string, texts []string, most int, faultOf func(string) string) {
	if len(texts) > most {
		f.Add(pointer, "must be at most %d", most)
	}
	f.Each(pointer, texts, faultOf)
}

// Each checks each text of a list.
func (f *Faults) Each(pointer string, texts []string, faultOf func(string) string) {
	for i, text := range texts {
		f.Check(pointer+"/"+strconv.Itoa(i), faultOf(text))
	}
}

// Unique takes down the texts of a list that are there twice.
func (f *Faults) Unique(pointer string, texts []string) {
	for i, text := range texts {
		if slices.Contains(texts[:i], text) {
			f.Add(pointer+"/"+strconv.Itoa(i), "is there twice")
		}
	}
}

// BySeverity checks each text of a map by severity.
func (f *Faults) BySeverity(pointer string, texts map[alert.Severity]string, faultOf func(string) string) {
	for _, severity := range slices.Sorted(maps.Keys(texts)) {
		at := pointer + Pointer(string(severity))
		if !slices.Contains(alert.Severities(), severity) {
			f.Add(at, "is not a severity: those are INFO, LOW, MEDIUM, HIGH and CRITICAL")
		}
		f.Check(at, faultOf(texts[severity]))
	}
}

// Details checks texts by name that a vendor shows beside an alert's own: names and values are of one line, and in all
// at most so many characters, as size counts them.
func (f *Faults) Details(pointer string, details map[string]string, most int, size func(string) int) {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(details)) {
		at := pointer + Pointer(name)
		total += size(name) + size(details[name])
		if name == "" || !OneLine(name) {
			f.Add(at, "must have a name of one line, without space around it")
		}
		f.Check(at, OneLineFault(details[name]))
	}
	if total > most {
		f.Add(pointer, "must have at most %d characters in all, names and values", most)
	}
}
