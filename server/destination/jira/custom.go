// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"bytes"
	"fmt"
	"io"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
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

// parseCustomFields reads the text of custom fields. fault says what is wrong with it, "" if nothing is.
func parseCustomFields(text string) (fields map[string]jsontext.Value, fault string) {
	if text == "" {
		return nil, ""
	}
	if len(text) > maxCustomFields {
		return nil, fmt.Sprintf("must be at most %d bytes", maxCustomFields)
	}
	const form = `must be a JSON object of fields by id, such as {"customfield_10042": {"value": "Security"}}`
	decoder := jsontext.NewDecoder(bytes.NewReader([]byte(text)))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, form
	}
	fields = map[string]jsontext.Value{}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, form // also where a name is there twice
		}
		id := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, form
		}
		if own, ok := ownFields[id]; ok {
			return nil, fmt.Sprintf("must not hold %s: that is set by %s", id, own)
		}
		if !fieldID.MatchString(id) {
			return nil, fmt.Sprintf("must hold fields by id, such as customfield_10042 or duedate; %.40q is not one", id)
		}
		fields[id] = value.Clone()
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, form
	}
	if _, err := decoder.ReadToken(); err != io.EOF { //nolint:errorlint // what the decoder returns, unwrapped
		return nil, form
	}
	return fields, ""
}
