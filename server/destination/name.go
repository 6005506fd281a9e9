// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// FoldName is what two display names have in common when they differ in nothing but case, or in how an accented letter
// is put together. Destinations have names that differ in more.
func FoldName(name string) string {
	// A Caser has state, so it is not shared. Folding can take a letter apart, so it is put together again.
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}
