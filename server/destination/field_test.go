// SPDX-License-Identifier: MPL-2.0

package destination_test

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

func TestPointer_EscapesNames(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"/url": {"url"}, "/headers/X-Team": {"headers", "X-Team"}, "/details/a~1b~0c": {"details", "a/b~c"}, "/tags/0": {"tags", "0"}, "/details/": {"details", ""},
	} {
		if got := destination.Pointer(names...); got != want {
			t.Errorf("%q: got %s, want %s", names, got, want)
		}
	}
}

func TestOneLine_AndVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ line, visible bool }{
		"":            {true, true},
		"a-Key_1~":    {true, true},
		"two words":   {true, false},
		"Größe 😀":     {true, false},
		" a":          {false, false},
		"a\u00a0":     {false, false},
		"a\nb":        {false, false},
		"a\x7fb":      {false, false},
		"a\u0085b":    {false, false},
		"not \xff it": {false, false},
	} {
		if line, visible := destination.OneLine(text), destination.Visible(text); line != want.line || visible != want.visible {
			t.Errorf("%q: got %t and %t, want %t and %t", text, line, visible, want.line, want.visible)
		}
	}
}
