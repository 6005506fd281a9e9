// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets for one type: a struct whose members have json tags equal to the names in the contract.
// Members of type secret.String, or map[string]secret.String, are secrets. The members of an embedded struct are the
// config's own.
type Config interface {
	// Validate reports every wrong member at once as a problem.Invalid whose field names are pointers into the
	// config, such as "/webhook_url".
	Validate() error
}

// Type is one kind of destination. It is made with [Define].
type Type struct {
	Name    string
	Members []string // the names of all members of its config, as the contract has them
	Secrets []string // the secret members' names, sorted

	// RateLimitPerSecond is the vendor's published figure, and so the limit of a destination that sets none; 0 is none
	// known, and no limit.
	RateLimitPerSecond float64
	Burst              int // how many messages may go at once within that rate; 0 is as many as it has a second

	decode func(raw json.RawMessage) (Config, error)
	open   func(c Config, env Env) (Sender, error)
}

// Define describes a type: its name and how to make a sender from a valid config. New does no I/O. A pointer to C may
// have a method SetDefaults, which is called before the user's members are read in.
func Define[C Config](name string, newSender func(C, Env) (Sender, error)) Type {
	return Type{
		Name:    name,
		Members: members(reflect.TypeFor[C]()),
		Secrets: secretMembers(reflect.TypeFor[C]()),
		decode: func(raw json.RawMessage) (Config, error) {
			var c C
			if d, ok := any(&c).(interface{ SetDefaults() }); ok {
				d.SetDefaults()
			}
			if err := jsonv2.Unmarshal(raw, &c); err != nil {
				return nil, decodeProblem(err)
			}
			return c, c.Validate()
		},
		open: func(c Config, env Env) (Sender, error) { return newSender(c.(C), env) },
	}
}

// WithRateLimit returns the type with the vendor's published rate, in messages a second.
func (t Type) WithRateLimit(perSecond float64) Type {
	t.RateLimitPerSecond = perSecond
	return t
}

// WithBurst returns the type with what may go at once, for a rate that the vendor publishes over minutes.
func (t Type) WithBurst(messages int) Type {
	t.Burst = messages
	return t
}

// decodeProblem names the member json stopped at. The cause may quote the input, so a secret; it is not shown.
func decodeProblem(err error) error {
	field, message := "", "cannot be read"
	if e, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		field = string(e.JSONPointer)
		if e.GoType != nil {
			message = fmt.Sprintf("must be a %s", jsonKind(e.GoType))
		}
	}
	return problem.InvalidFields([]problem.Field{{Name: field, Message: message}})
}

func jsonKind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[secret.String]() || t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Map || t.Kind() == reflect.Struct:
		return "map"
	}
	return "number"
}

// Split validates a config as a user sent it and takes it apart: the public members as JSON with defaults filled in,
// and each secret's JSON value by name, in a form that is the same for the same value. kept is asked for the stored
// value, or nil, of each secret that is absent from raw and so kept; one that is null is cleared. The error is kept's,
// or a problem.Invalid with pointers into the config.
func (t Type) Split(raw json.RawMessage, kept func(name string) (json.RawMessage, error)) (public json.RawMessage, secrets map[string]json.RawMessage, err error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, nil, problem.InvalidFields([]problem.Field{{Name: "", Message: "must be an object"}})
	}
	secrets = map[string]json.RawMessage{}
	for _, name := range t.Secrets {
		value, sent := members[name]
		if !sent && kept != nil {
			if value, err = kept(name); err != nil {
				return nil, nil, err
			}
		}
		if value = canonical(value); value != nil {
			secrets[name] = value
		}
	}
	config, err := t.join(members, secrets)
	if unknown := t.unknown(members); len(unknown) > 0 {
		err = problem.InvalidFields(append(unknown, problem.FieldsOf(err)...))
	}
	if err != nil {
		return nil, nil, err
	}
	public, err = t.publicOf(config)
	return public, secrets, err
}

// unknown names the members a config of this type does not have.
func (t Type) unknown(members map[string]json.RawMessage) []problem.Field {
	var fields []problem.Field
	for name := range members {
		if !slices.Contains(t.Members, name) {
			fields = append(fields, problem.Field{Name: "/" + name, Message: "is not a field of this type"})
		}
	}
	return fields
}

// canonical returns a JSON value without spaces, its members sorted and its strings written in one way; nil for null.
func canonical(value json.RawMessage) json.RawMessage {
	var v any
	if len(value) == 0 || json.Unmarshal(value, &v) != nil || v == nil {
		return nil
	}
	raw, _ := json.Marshal(v) // it was JSON
	return raw
}

// Open makes a sender from stored parts.
func (t Type) Open(public json.RawMessage, secrets map[string]json.RawMessage, env Env) (Sender, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(public, &members); err != nil {
		return nil, fmt.Errorf("read stored config of a %s destination: %w", t.Name, err)
	}
	config, err := t.join(members, secrets)
	if err != nil {
		return nil, err
	}
	return t.open(config, env)
}

// join decodes public members and secrets together.
func (t Type) join(members, secrets map[string]json.RawMessage) (Config, error) {
	members = maps.Clone(members)
	for _, name := range t.Secrets {
		delete(members, name)
	}
	maps.Copy(members, secrets)
	raw, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("join config of a %s destination: %w", t.Name, err)
	}
	return t.decode(raw)
}

func (t Type) publicOf(c Config) (json.RawMessage, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode config of a %s destination: %w", t.Name, err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("encode config of a %s destination: %w", t.Name, err)
	}
	for _, name := range t.Secrets {
		delete(members, name)
	}
	return json.Marshal(members)
}

func members(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if !f.Anonymous {
			names = append(names, memberName(f))
		}
	}
	return names
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func secretMembers(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if f.Type == reflect.TypeFor[secret.String]() || f.Type == reflect.TypeFor[map[string]secret.String]() {
			names = append(names, memberName(f))
		}
	}
	slices.Sort(names)
	return names
}
