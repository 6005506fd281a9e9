// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// noControl matches text of one line.
var noControl = regexp.MustCompile(`^\P{Cc}*$`)

// oneLine accepts a text of one line, of up to a number of characters, without space around it.
func oneLine(most int) []validator.String {
	return []validator.String{
		stringvalidator.UTF8LengthBetween(1, most),
		stringvalidator.RegexMatches(noControl, "must be one line, without control characters"),
		stringvalidator.RegexMatches(trimmed, "must not begin or end with space"),
	}
}

// detailValidators accept texts by name that a vendor shows beside an alert's own.
func detailValidators(most int) []validator.Map {
	return []validator.Map{
		mapvalidator.SizeAtLeast(1),
		mapvalidator.NoNullValues(),
		mapvalidator.KeysAre(oneLine(most)...),
		mapvalidator.ValueStringsAre(oneLine(most)...),
	}
}
