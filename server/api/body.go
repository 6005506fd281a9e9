// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v5"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// AlertBody is an alert as a request brings it: parsed, and byte for byte. The generated code uses it in the place of
// the contract's Alert.
type AlertBody struct {
	Alert *alert.Alert
	Raw   []byte
}

// binder reads request bodies. A JSON body is checked against its schema and decoded strictly. An alert is decoded
// alone, since that costs a tenth; only when it is refused does the schema tell all that is wrong with it.
type binder struct {
	contract *contract
	registry *registry.Registry
}

// Bind reads the body into target. An empty body is io.EOF where the contract makes it optional.
func (b binder) Bind(c *echo.Context, target any) error {
	op, _ := c.Get(operationKey).(*operation)
	raw, err := readAll(c.Request().Body, c.Request().ContentLength)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		if op.optional {
			return io.EOF
		}
		return problem.New(problem.Malformed, "the body is empty; it must be a JSON object")
	}
	if err := checkMediaType(c.Request().Header.Get("Content-Type")); err != nil {
		return err
	}
	if body, ok := target.(*AlertBody); ok {
		body.Raw = raw
		body.Alert, err = parseAlert(op, raw)
		return err
	}
	if body, ok := target.(interface{ setAlert(a *AlertBody) }); ok {
		var given []byte
		if given, raw = takeAlert(raw); given != nil {
			parsed, err := parseAlert(b.contract.operations["acceptAlert"], given)
			if err != nil {
				return belowAlert(err, op.check(raw))
			}
			defer body.setAlert(&AlertBody{Alert: parsed, Raw: given})
		}
	}
	if err := op.check(raw); err != nil {
		if op.body.Properties["config"] != nil {
			err = b.withConfigFaults(err, raw, cmp.Or(c.Param("id"), c.QueryParam("id")))
		}
		return err
	}
	if err := json.Unmarshal(raw, target, json.RejectUnknownMembers(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return decodeProblem(err)
	}
	return nil
}

func (r *RenderInput) setAlert(a *AlertBody)              { r.Alert = a }
func (r *UnsavedDestinationRender) setAlert(a *AlertBody) { r.Alert = a }

// takeAlert returns the alert in a body that has one among other members, and the body without it, so that the alert is
// read as one that stands alone. There is none, nil, where it is null, and in what is no JSON.
func takeAlert(raw []byte) (given, rest []byte) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true))
	if start, err := decoder.ReadToken(); err != nil || start.Kind() != '{' {
		return nil, raw
	}
	rest = []byte("{")
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, raw
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, raw
		}
		switch {
		case name == "alert" && value.Kind() == 'n':
		case name == "alert":
			given = bytes.Clone(value)
		default:
			if len(rest) > 1 {
				rest = append(rest, ',')
			}
			rest, _ = jsontext.AppendQuote(rest, name)
			rest = append(append(rest, ':'), value...)
		}
	}
	if _, err := decoder.ReadToken(); err != nil || decoder.PeekKind() != 0 {
		return nil, raw
	}
	return given, append(rest, '}')
}

// belowAlert moves the fields of what is wrong with an alert below its name, and adds those of the rest of the body.
func belowAlert(err, other error) error {
	if problem.KindOf(err) != problem.Invalid {
		return err
	}
	fields := slices.Clone(problem.FieldsOf(err))
	for i := range fields {
		fields[i].Name = "/alert" + fields[i].Name
	}
	return merge(problem.InvalidFields(fields), other)
}

// parseAlert parses an alert and, when it is refused, lets the schema name every other wrong field as well.
func parseAlert(op *operation, raw []byte) (*alert.Alert, error) {
	a, err := wire.Parse(raw)
	if err == nil || problem.KindOf(err) != problem.Invalid {
		return a, err
	}
	return nil, merge(merge(err, op.check(raw)), problem.InvalidFields(createdAtFault(raw)))
}

// createdAtFault checks the one thing about an alert that the schema cannot say.
func createdAtFault(raw []byte) []problem.Field {
	var given struct {
		CreatedAt any `json:"created_at"`
	}
	_ = json.Unmarshal(raw, &given, jsontext.AllowInvalidUTF8(true)) // what is wrong elsewhere is named elsewhere
	if text, ok := given.CreatedAt.(string); ok {
		if _, err := alert.ParseTime(text); err != nil {
			return []problem.Field{{Name: "/created_at", Message: err.Error()}}
		}
	}
	return nil
}

// withConfigFaults adds what the destination type itself finds wrong to what the schema does.
func (b binder) withConfigFaults(err error, raw []byte, id string) error {
	if problem.KindOf(err) != problem.Invalid {
		return err
	}
	var given struct {
		Config jsontext.Value `json:"config"`
	}
	_ = json.Unmarshal(raw, &given, jsontext.AllowInvalidUTF8(true)) // what cannot be read is named by the schema
	return merge(err, b.registry.CheckConfig(id, []byte(given.Config)))
}

// merge adds the fields of other to those of err, but for names that err has already.
func merge(err, other error) error {
	fields := problem.FieldsOf(err)
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
	}
	for _, f := range problem.FieldsOf(other) {
		if !known[f.Name] {
			fields = append(fields, f)
		}
	}
	return problem.InvalidFields(fields)
}

// readAll reads a body, which the guard limited, to its end. length is the request's Content-Length, beyond which its
// body has nothing, or not more than 0.
func readAll(body io.Reader, length int64) (raw []byte, err error) {
	if length > 0 && length <= MaxBody {
		raw = make([]byte, length) // an alert's is kept for a while, so it has no room to spare
		_, err = io.ReadFull(body, raw)
	} else {
		raw, err = io.ReadAll(body)
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, problem.New(problem.Malformed, "the body could not be read to its end")
	}
	return raw, nil
}

func checkMediaType(header string) error {
	if header == "" || header == "application/json" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err != nil || media != "application/json" {
		return problem.New(problem.Unsupported, "the content type is %.100q; this operation reads application/json", header)
	}
	return nil
}

// decodeProblem is for what the schema lets pass and the Go type does not, such as a date of the wrong form.
func decodeProblem(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return problem.InvalidFields([]problem.Field{{Name: string(e.JSONPointer), Message: "cannot be read as what the contract says it is"}})
	}
	return malformed(err)
}
