// SPDX-License-Identifier: MPL-2.0

package destination_test

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

func TestFoldName_IsTheSameForNamesThatDifferInCaseOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"On call", "ON CALL", true},
		{"Équipe", "E\u0301QUIPE", true},
		{"Straße", "STRASSE", true},
		{"ΟΔΟΣ", "οδος", true},
		{"On call", "On-call", false},
		{"Équipe", "Equipe", false},
		{"ı", "i", false},
	} {
		a, b := destination.FoldName(c.a), destination.FoldName(c.b)
		if got := a == b; got != c.same {
			t.Errorf("%q and %q fold to %q and %q, want the same: %v", c.a, c.b, a, b, c.same)
		}
		if again := destination.FoldName(a); again != a {
			t.Errorf("%q folds to %q, and that to %q", c.a, a, again)
		}
	}
}
