// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	_ "embed"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Contract is openapi.yaml, byte for byte.
//
//go:embed openapi.yaml
var Contract []byte

// What stands in the place of a permission: public operations need no token, and any token will do for the others.
const (
	public auth.Permission = "public"
	anyone auth.Permission = "any"
)

// contract is what the server asks the document at run time.
type contract struct {
	document   *openapi3.T
	operations map[string]*operation // by operationId
}

type operation struct {
	id         string
	permission auth.Permission
	body       *openapi3.Schema // of the JSON body; nil when there is none
	optional   bool             // the body may be left out
	query      []string         // the names of its query parameters, sorted
}

func loadContract() (*contract, error) {
	document, err := openapi3.NewLoader().LoadFromData(Contract)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	c := &contract{document: document, operations: map[string]*operation{}}
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			permission, ok := o.Extensions["x-permission"].(string)
			if !ok {
				return nil, fmt.Errorf("the contract names no x-permission for %s %s", method, path)
			}
			op := &operation{id: o.OperationID, permission: auth.Permission(permission)}
			for _, p := range o.Parameters {
				if p.Value.In == openapi3.ParameterInQuery {
					op.query = append(op.query, p.Value.Name)
				}
			}
			slices.Sort(op.query)
			if o.RequestBody != nil {
				op.optional = !o.RequestBody.Value.Required
				if media := o.RequestBody.Value.Content.Get("application/json"); media != nil {
					op.body = media.Schema.Value
				}
			}
			c.operations[o.OperationID] = op
		}
	}
	return c, nil
}

// checkQuery reports every query parameter the operation does not have: a filter that is misspelt must not answer with
// everything.
func (op *operation) checkQuery(query url.Values) error {
	var fields []problem.Field
	for name := range query {
		if !slices.Contains(op.query, name) {
			message := "is not a parameter of this operation"
			if len(op.query) > 0 {
				message += "; there are " + strings.Join(op.query, ", ")
			}
			fields = append(fields, problem.Field{Name: name, Message: message})
		}
	}
	return problem.InvalidFields(fields)
}

// check reports every field of a JSON body that the operation's schema refuses. A body that cannot be read at all is
// problem.Malformed.
func (op *operation) check(body []byte) error {
	var syntax jsontext.Value
	if err := json.Unmarshal(body, &syntax, jsontext.AllowInvalidUTF8(true)); err != nil {
		return malformed(err)
	}
	var value any
	decoder := stdjson.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // a number too large for a float is a wrong number, not wrong JSON
	if err := decoder.Decode(&value); err != nil {
		return malformed(err)
	}
	err := op.body.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsRequest(), openapi3.SetSchemaErrorMessageCustomizer(sentence))
	return problem.InvalidFields(fieldsOf(err, unknownMembers(op.body, value, "", nil)))
}

// unknownMembers names every member that a schema does not know, which the validator reports without its name.
func unknownMembers(s *openapi3.Schema, value any, at string, fields []problem.Field) []problem.Field {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			if s.Items != nil {
				fields = unknownMembers(s.Items.Value, item, fmt.Sprintf("%s/%d", at, i), fields)
			}
		}
	case map[string]any:
		closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
		for name, member := range v {
			property, known := s.Properties[name]
			switch {
			case known:
				fields = unknownMembers(property.Value, member, at+pointer([]string{name}), fields)
			case closed:
				fields = append(fields, problem.Field{Name: at + pointer([]string{name}), Message: "is not a field of this request"})
			}
		}
	}
	return fields
}

func malformed(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e, jsontext.ErrDuplicateName) {
			return problem.InvalidFields([]problem.Field{{Name: string(e.JSONPointer), Message: "is given twice"}})
		}
		return problem.New(problem.Malformed, "the body is not JSON: %s at byte %d", strings.TrimPrefix(e.Err.Error(), "jsontext: "), e.ByteOffset)
	}
	return problem.New(problem.Malformed, "the body is not JSON: it ends too early")
}

// fieldsOf collects the schema errors in err, which may be nested.
func fieldsOf(err error, fields []problem.Field) []problem.Field {
	var several openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, e := range several {
			fields = fieldsOf(e, fields)
		}
	case errors.As(err, &one):
		if one.SchemaField == "additionalProperties" || one.SchemaField == "properties" {
			return fields // see unknownMembers
		}
		fields = append(fields, problem.Field{Name: pointer(one.JSONPointer()), Message: sentence(one)})
	default:
		fields = append(fields, problem.Field{Message: err.Error()})
	}
	return fields
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteString("/" + pointerEscape.Replace(p))
	}
	return b.String()
}

// sentence says what a schema asks for. It never quotes the value, which may be a secret.
func sentence(e *openapi3.SchemaError) string {
	s := e.Schema
	switch e.SchemaField {
	case "type":
		return "must be " + article(s.Type)
	case "enum":
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = fmt.Sprint(v)
			if v == nil {
				words[i] = "null"
			}
		}
		return "must be one of " + strings.Join(words, ", ")
	case "required":
		return "is required"
	case "minLength":
		if s.MinLength == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters", s.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	case "minimum":
		return fmt.Sprintf("must be at least %v", *s.Min)
	case "maximum":
		return fmt.Sprintf("must be at most %v", *s.Max)
	case "exclusiveMinimum":
		return "must be more than 0"
	case "minItems":
		return fmt.Sprintf("must have at least %d items", s.MinItems)
	case "uniqueItems":
		return "must not name anything twice"
	case "nullable":
		return "must not be null"
	case "minProperties", "maxProperties":
		if s.MinProps == 1 && s.MaxProps != nil && *s.MaxProps == 1 {
			return "must have exactly one field"
		}
		return "must have at least one of " + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", ")
	case "pattern":
		return "is not of the form described: " + s.Description
	}
	return "is not valid: " + e.Reason
}

func article(types *openapi3.Types) string {
	words := make([]string, 0, 2)
	for _, t := range types.Slice() {
		switch t {
		case "array":
			words = append(words, "a list")
		case "object", "integer":
			words = append(words, "an "+t)
		case "null":
			words = append(words, "null")
		default:
			words = append(words, "a "+t)
		}
	}
	return strings.Join(words, " or ")
}
