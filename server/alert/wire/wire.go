// SPDX-License-Identifier: MPL-2.0

// Package wire reads alerts in the API's JSON form, strictly and in one pass.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Parse reads one alert. Names are case-sensitive, unknown and repeated members are errors, null means absent, and
// the context is kept byte for byte. Escaped lone surrogates pass, because engines write them; raw bytes that are not
// UTF-8 do not.
//
// The error is problem.Malformed when body is not JSON, and problem.Invalid when a member is wrong: every wrong value
// is named, but only the first member of a wrong type or unknown name.
func Parse(body []byte) (*alert.Alert, error) {
	if !utf8.Valid(body) {
		return nil, problem.New(problem.Malformed, "the alert is not valid UTF-8")
	}
	a := new(alert.Alert)
	err := json.Unmarshal(body, a, json.RejectUnknownMembers(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, decodeProblem(err)
	}
	var fields []problem.Field
	for _, f := range a.Validate() {
		fields = append(fields, problem.Field{Name: f.Field, Message: f.Message})
	}
	if bytes.Equal(a.Context, []byte("null")) {
		a.Context = nil
	} else if len(a.Context) > 0 && a.Context[0] != '{' {
		fields = append(fields, problem.Field{Name: "/context", Message: "must be an object"})
	}
	if a.ID == "" && bytes.Contains(body, []byte(`"alert_id"`)) || hasEmptyItem(a) {
		fields = append(fields, nullFaults(body)...)
	}
	if len(fields) > 0 {
		return nil, problem.InvalidFields(fields)
	}
	return a, nil
}

func hasEmptyItem(a *alert.Alert) bool {
	for _, list := range [][]string{a.LogTypes, a.Detection.Destinations, a.Detection.Tags, a.Generated.Destinations} {
		if slices.Contains(list, "") {
			return true
		}
	}
	return false
}

// nullFaults tells null from "" where decoding into strings could not: an alert_id of "" is refused, since taking it
// for none would make every repeat a new alert, and so is null in a list.
func nullFaults(body []byte) []problem.Field {
	var given struct {
		ID        *string   `json:"alert_id"`
		LogTypes  []*string `json:"log_types"`
		Detection struct {
			Destinations []*string `json:"destinations"`
			Tags         []*string `json:"tags"`
		} `json:"detection"`
		Generated struct {
			Destinations []*string `json:"destinations"`
		} `json:"generated"`
	}
	if err := json.Unmarshal(body, &given, jsontext.AllowInvalidUTF8(true)); err != nil {
		return []problem.Field{{Message: "cannot be read"}} // it was read before
	}
	var fields []problem.Field
	if given.ID != nil && *given.ID == "" {
		fields = append(fields, problem.Field{Name: "/alert_id", Message: "must not be empty; leave it out to have one made"})
	}
	for _, list := range []struct {
		name  string
		items []*string
	}{
		{"/log_types", given.LogTypes},
		{"/detection/destinations", given.Detection.Destinations},
		{"/detection/tags", given.Detection.Tags},
		{"/generated/destinations", given.Generated.Destinations},
	} {
		for i, item := range list.items {
			if item == nil {
				fields = append(fields, problem.Field{Name: fmt.Sprintf("%s/%d", list.name, i), Message: "must not be null"})
			}
		}
	}
	return fields
}

func decodeProblem(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return problem.InvalidFields([]problem.Field{{Name: string(e.JSONPointer), Message: semanticMessage(e)}})
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e, jsontext.ErrDuplicateName) {
			return problem.InvalidFields([]problem.Field{{Name: string(e.JSONPointer), Message: "is given twice"}})
		}
		return problem.New(problem.Malformed, "the alert is not JSON: %s at byte %d", strings.TrimPrefix(e.Err.Error(), "jsontext: "), e.ByteOffset)
	}
	return problem.New(problem.Malformed, "the alert is not JSON: it ends too early")
}

func semanticMessage(e *json.SemanticError) string {
	switch {
	case errors.Is(e, json.ErrUnknownName):
		return "is not a field of an alert"
	case e.GoType == reflect.TypeFor[alert.Time]() || e.GoType == reflect.TypeFor[time.Time]():
		if e.Err != nil && e.JSONKind == '"' {
			return e.Err.Error()
		}
		return "must be a string with a date and time"
	case e.GoType != nil:
		return fmt.Sprintf("must be %s", kindOf(e.GoType))
	}
	return "cannot be read"
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Pointer:
		return kindOf(t.Elem())
	default:
		return "an object"
	}
}
