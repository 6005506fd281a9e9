// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// This file reads values whose type is known only once they are there: objects and maps are the same thing here, and so
// are lists, sets and tuples.

// isAbsent reports whether a member was left out or is null.
func isAbsent(v tftypes.Value) bool { return v.Type() == nil || v.IsNull() }

// members returns the members of an object that is known. Each must have one of the names.
func (r *reader) members(path string, v tftypes.Value, what string, names []string) map[string]tftypes.Value {
	members := map[string]tftypes.Value{}
	if isAbsent(v) || v.As(&members) != nil {
		r.fault(path, "must be an object: %s", what)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(names, name) {
			r.fault(path+"."+name, "is not a member of %s, which can have %s", what, strings.Join(names, ", "))
		}
	}
	return members
}

// An element is a member of a collection.
type element struct {
	path  string
	value tftypes.Value
}

// elements returns the members of a collection, and reports whether it is known. what they are and the attribute key, which
// they all have, serve to recognise one that stands alone.
func (r *reader) elements(path string, v tftypes.Value, what, key string) (list []element, known bool) {
	if !v.IsKnown() {
		return nil, false
	}
	var values []tftypes.Value
	var table map[string]tftypes.Value
	switch {
	case isAbsent(v):
		r.fault(path, "must not be null")
	case v.As(&values) == nil:
		for i, value := range values {
			list = append(list, element{fmt.Sprintf("%s[%d]", path, i), value})
		}
	case v.As(&table) == nil && isText(table[key]):
		r.fault(path, "must be a list, set or map of %ss, not a single one: put it in brackets", what)
	case table != nil:
		for _, name := range slices.Sorted(maps.Keys(table)) {
			list = append(list, element{fmt.Sprintf("%s[%q]", path, name), table[name]})
		}
	default:
		r.fault(path, "must be a list, set or map of %ss", what)
	}
	return list, true
}

func isText(v tftypes.Value) bool { return v.Type() != nil && v.Type().Is(tftypes.String) }

func (r *reader) text(path string, v tftypes.Value) maybe[string] {
	return scalar[string](r, path, v, "a string")
}

func (r *reader) truth(path string, v tftypes.Value) maybe[bool] {
	return scalar[bool](r, path, v, "true or false")
}

func scalar[T any](r *reader, path string, v tftypes.Value, what string) maybe[T] {
	var m maybe[T]
	switch {
	case isAbsent(v):
	case !v.IsKnown():
		m.unknown = true
	case v.As(&m.value) != nil:
		r.fault(path, "must be %s", what)
	default:
		m.set = true
	}
	return m
}

// texts reads a collection of strings.
func (r *reader) texts(path string, v tftypes.Value) maybe[[]string] {
	var m maybe[[]string]
	var values []tftypes.Value
	switch {
	case isAbsent(v):
		return m
	case !v.IsKnown():
		m.unknown = true
		return m
	case v.As(&values) != nil:
		r.fault(path, "must be a list of strings")
		return m
	}
	m.set, m.value = true, []string{}
	for i, value := range values {
		text := r.text(fmt.Sprintf("%s[%d]", path, i), value)
		switch {
		case text.unknown:
			m.unknown = true
		case isAbsent(value):
			r.fault(fmt.Sprintf("%s[%d]", path, i), "must not be null")
		default:
			m.value = append(m.value, text.value)
		}
	}
	return m
}
