// SPDX-License-Identifier: MPL-2.0

package template

import "github.com/alertrouter/terraform-provider-alertrouter/server/destination/cut"

// shorten returns the beginning of a text, at most count characters, with an ellipsis where it was cut.
func shorten(text string, count int64) string {
	end, n := 0, int64(0) // end: where it is cut if it is too long
	for i := range text {
		if n == count {
			if count == 0 {
				return ""
			}
			return text[:cut.Boundary(text, end)] + "…"
		}
		end = i
		n++
	}
	return text
}
