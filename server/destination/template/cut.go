// SPDX-License-Identifier: MPL-2.0

package template

// cut returns the beginning of a text, at most count characters, with an ellipsis where it was cut.
func cut(text string, count int64) string {
	end, n := 0, int64(0) // end: where it is cut if it is too long
	for i := range text {
		if n == count {
			if count == 0 {
				return ""
			}
			return text[:end] + "…"
		}
		end = i
		n++
	}
	return text
}
