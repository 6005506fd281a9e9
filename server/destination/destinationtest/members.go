// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// testMembers puts a character that belongs nowhere into every text of the suite's config, one at a time. Each is refused by
// its name: when a destination is saved, and so when it is planned.
func testMembers(t *testing.T, c Case) {
	var members map[string]any
	if err := json.Unmarshal(c.Config, &members); err != nil {
		t.Fatal(err)
	}
	if c.hasTemplates(t) {
		members["title_template"], members["body_template"] = "{{.title}}", c.own("{{.title}}")
	}
	texts := 0
	for name, value := range members {
		wrong, ok := spoilt(value)
		if !ok {
			continue
		}
		texts++
		changed := c.with(t, map[string]any{name: wrong})
		_, _, err := c.Type.Split(changed.Config, nil)
		fields := problem.FieldsOf(err)
		if !slices.ContainsFunc(fields, func(f problem.Field) bool { return f.Name == "/"+name || strings.HasPrefix(f.Name, "/"+name+"/") }) {
			t.Errorf("%s = %q: got %v, want it refused", name, wrong, err)
		}
		for _, f := range fields {
			if strings.ContainsRune(f.Message, '\x01') {
				t.Errorf("%s: the message holds the control character: %q", name, f.Message)
			}
		}
	}
	if texts == 0 {
		t.Error("the suite's config has no text")
	}
}

// spoilt returns a value with a control character in its text, or its last one.
func spoilt(value any) (any, bool) {
	const bad = "\x01"
	switch value := value.(type) {
	case string:
		return value + bad, true
	case []any:
		list := slices.Clone(value)
		for i := range list {
			if wrong, ok := spoilt(list[i]); ok {
				list[i] = wrong
				return list, true
			}
		}
	case map[string]any:
		for name := range value {
			if wrong, ok := spoilt(value[name]); ok {
				table := maps.Clone(value)
				table[name] = wrong
				return table, true
			}
		}
	}
	return nil, false
}
