// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// maxCustomFields is the longest text of custom fields, in bytes; ours.
const maxCustomFields = 32 << 10

// fieldID is the form of a field's id, such as customfield_10042 or duedate.
var fieldID = regexp.MustCompile(`^[a-z][A-Za-z0-9_]{0,99}$`)

// ownFields are the fields that an issue gets from elsewhere, by what sets them; "" is the alert.
var ownFields = map[string]string{
	"project": "project_key", "issuetype": "issue_type", "labels": "labels", "components": "components", "assignee": "assignee",
	"priority": "priority_by_severity", "parent": "parent_key", "security": "security_level", "summary": "title_template", "description": "body_template",
}

// customFieldsFault is the fault of a text that is not a JSON object of fields, or of fields that are set elsewhere.
func customFieldsFault(text string) string {
	if len(text) > maxCustomFields {
		return fmt.Sprintf("must be at most %d bytes", maxCustomFields)
	}
	fields, ok := destination.JSONObject(text)
	if !ok {
		return `must be a JSON object of fields by id, such as {"customfield_10042": {"value": "Security"}}`
	}
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		if own, ok := ownFields[id]; ok {
			return fmt.Sprintf("must not hold %s: that is set by %s", id, own)
		}
		if !fieldID.MatchString(id) {
			return fmt.Sprintf("must hold fields by id, such as customfield_10042 or duedate; %.40q is not one", id)
		}
	}
	return ""
}
