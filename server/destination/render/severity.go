// SPDX-License-Identifier: MPL-2.0

package render

import "github.com/alertrouter/terraform-provider-alertrouter/server/alert"

// Look is how a severity looks. A colour never stands alone: the severity itself is the word.
type Look struct {
	Emoji string
	Color int // 0xRRGGBB
}

// LookOf returns how a severity looks; an unknown one looks like INFO.
func LookOf(s alert.Severity) Look {
	switch s {
	case alert.Critical:
		return Look{Emoji: "🔴", Color: 0xB3261E}
	case alert.High:
		return Look{Emoji: "🟠", Color: 0xE8590C}
	case alert.Medium:
		return Look{Emoji: "🟡", Color: 0xF2A900}
	case alert.Low:
		return Look{Emoji: "🔵", Color: 0x2B6CB0}
	}
	return Look{Emoji: "⚪", Color: 0x6B7280}
}
