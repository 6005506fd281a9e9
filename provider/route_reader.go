// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// A reader takes an argument of the function route apart and remembers everything that is wrong with it. The path it is
// given with a value is what a user would write to refer to it.
type reader struct {
	faults []string
}

func (r *reader) fault(path, format string, args ...any) {
	r.faults = append(r.faults, path+" "+fmt.Sprintf(format, args...))
}

// alert reads an alert, whose members are those of the contract.
func (r *reader) alert(path string, v tftypes.Value) policyAlert {
	if !v.IsKnown() {
		return policyAlert{unknown: true}
	}
	members := r.members(path, v, "an alert", contractMembers("Alert"))
	detection, known := r.part(path+".detection", members["detection"], "a detection", contractMembers("Detection"))
	generated, alsoKnown := r.part(path+".generated", members["generated"], "what a detection generated", contractMembers("Generated"))
	a := policyAlert{
		unknown:       !known || !alsoKnown,
		kind:          r.text(path+".type", members["type"]),
		logTypes:      r.texts(path+".log_types", members["log_types"]),
		id:            r.text(path+".detection.id", detection["id"]),
		severity:      r.text(path+".detection.severity", detection["severity"]),
		static:        r.texts(path+".detection.destinations", detection["destinations"]),
		generated:     r.text(path+".generated.severity", generated["severity"]),
		generatedList: r.texts(path+".generated.destinations", generated["destinations"]),
	}
	if len(r.faults) > 0 || a.unknown {
		return a
	}
	for _, fault := range a.toAlert().Validate() {
		r.fault(path+strings.ReplaceAll(fault.Field, "/", "."), "%s", fault.Message)
	}
	return a
}

// part reads a nested object, which may be absent, and reports whether it is known.
func (r *reader) part(path string, v tftypes.Value, what string, names []string) (map[string]tftypes.Value, bool) {
	switch {
	case isAbsent(v):
		return nil, true
	case !v.IsKnown():
		return nil, false
	}
	return r.members(path, v, what, names), true
}

// contractMembers returns the members of a schema of the contract, sorted.
func contractMembers(schemaName string) []string {
	var names []string
	for key := range descriptions {
		if name, ok := strings.CutPrefix(key, schemaName+"."); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// destinations reads the destinations. It reports whether there may be others.
func (r *reader) destinations(path string, v tftypes.Value) (list []policyDestination, unknown bool) {
	elements, known := r.elements(path, v, "destination", "display_name")
	if !known {
		return nil, true
	}
	names, ids := map[string]string{}, map[string]string{}
	for i, e := range elements {
		d, known := r.destination(e)
		if !known {
			unknown = true
			continue
		}
		if name := folded(d.DisplayName); names[name] != "" {
			r.fault(e.path+".display_name", "is %q, which but for case is the name of %s", d.DisplayName, names[name])
		} else if name != "" {
			names[name] = e.path
		}
		d.ID = placeholder(i)
		if d.id.set {
			d.ID = d.id.value
			if ids[d.ID] != "" {
				r.fault(e.path+".id", "is that of %s", ids[d.ID])
			}
			ids[d.ID] = e.path
		}
		list = append(list, d)
	}
	return list, unknown
}

// folded makes names equal that are the same for a control plane.
func folded(name string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}

// destination reads one, and reports whether it can be placed among the others: it cannot without its name.
func (r *reader) destination(e element) (policyDestination, bool) {
	if !e.value.IsKnown() {
		return policyDestination{}, false
	}
	at := func(name string) string { return e.path + "." + name }
	members := r.members(e.path, e.value, "a destination", destinationAttributes().names)
	name := r.text(at("display_name"), members["display_name"])
	d := policyDestination{id: r.text(at("id"), members["id"]), kind: r.text(at("type"), members["type"])}
	if _, ok := members["type"]; !ok {
		d.kind = typeWith(members)
	}
	d.DisplayName, d.Type = name.value, d.kind.value

	enabled := r.truth(at("enabled"), members["enabled"])
	manual := r.truth(at("allow_manual_dispatch"), members["allow_manual_dispatch"])
	d.Enabled, d.AllowManualDispatch = enabled.value || !enabled.set, manual.value
	severities := r.texts(at("severities"), members["severities"])
	d.Severities = words(r, at("severities"), severities, alert.Severities())
	if severities.unknown {
		d.Severities = alert.Severities()
	} else if !severities.set && name.set {
		r.fault(at("severities"), "is required; an empty list means \"only by list or by hand\"")
	}
	kinds := r.texts(at("alert_types"), members["alert_types"])
	d.AlertTypes = words(r, at("alert_types"), kinds, alert.Types())
	logs := r.texts(at("log_types"), members["log_types"])
	d.LogTypes = slices.Compact(slices.Sorted(slices.Values(logs.value)))
	for filter, unknown := range map[route.Filter]bool{
		route.FilterEnabled: enabled.unknown, route.FilterSeverities: severities.unknown,
		route.FilterAlertTypes: kinds.unknown, route.FilterLogTypes: logs.unknown,
	} {
		if unknown {
			d.unknown = append(d.unknown, filter)
		}
	}
	if kinds.unknown {
		d.AlertTypes = nil
	}
	if logs.unknown {
		d.LogTypes = nil
	}
	r.name(at("display_name"), name)
	return d, !name.unknown
}

// name wants what a control plane wants of a display name, and a resource of the space around it.
func (r *reader) name(path string, name maybe[string]) {
	fault := route.NameFault(name.value)
	switch {
	case name.unknown:
	case !name.set:
		r.fault(path, "is required")
	case fault != "":
		r.fault(path, "%s", fault)
	case !trimmed.MatchString(name.value):
		r.fault(path, "must not begin or end with space")
	}
}

// words reads texts that must be of an enumeration, and returns them in its order, as a control plane does.
func words[T ~string](r *reader, path string, texts maybe[[]string], allowed []T) []T {
	for _, text := range texts.value {
		if !slices.Contains(allowed, T(text)) {
			r.fault(path, "has %q, which is not one of %v", text, allowed)
		}
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(word T) bool { return !slices.Contains(texts.value, string(word)) })
}

// override reads one, and reports whether it is known at all.
func (r *reader) override(e element) (policyOverride, bool) {
	if !e.value.IsKnown() {
		return policyOverride{}, false
	}
	members := r.members(e.path, e.value, "an override", contractMembers("Override"))
	o := policyOverride{
		id:       r.text(e.path+".detection_id", members["detection_id"]),
		severity: r.text(e.path+".severity", members["severity"]),
		list:     r.texts(e.path+".destinations", members["destinations"]),
	}
	if o.id.value == "" && !o.id.unknown && !isAbsent(e.value) {
		r.fault(e.path+".detection_id", "is required")
	}
	if o.severity.set {
		words(r, e.path+".severity", maybe[[]string]{value: []string{o.severity.value}}, alert.Severities())
	}
	return o, true
}

// addOverrides reads overrides and adds them to those there are.
func (p *policy) addOverrides(r *reader, path string, v tftypes.Value) {
	if isAbsent(v) {
		return
	}
	elements, known := r.elements(path, v, "override", "detection_id")
	p.unknownOverrides = p.unknownOverrides || !known
	for _, e := range elements {
		o, known := r.override(e)
		if !known {
			p.unknownOverrides = true
			continue
		}
		if o.id.set && slices.ContainsFunc(p.overrides, func(other policyOverride) bool { return other.id == o.id }) {
			r.fault(e.path+".detection_id", "is %q, which has an override already", o.id.value)
		}
		p.overrides = append(p.overrides, o)
	}
}

// attributesOfDestinations are the names a destination's attributes can have: all, and those of each type's resource.
type attributesOfDestinations struct {
	names  []string
	byType map[string][]string
}

var destinationAttributes = sync.OnceValue(func() attributesOfDestinations {
	all := destinationDataAttributes()
	names := slices.Collect(maps.Keys(all))
	byType := map[string][]string{}
	for _, k := range destinationTypes {
		byType[k.name] = slices.Sorted(maps.Keys(allAttributes(k)))
		names = append(names, byType[k.name]...)
	}
	slices.Sort(names)
	return attributesOfDestinations{names: slices.Compact(names), byType: byType}
})

// typeWith is the type of a resource, which has no attribute that tells it: the one type whose resource has these
// attributes. It is null if there are several or none.
func typeWith(members map[string]tftypes.Value) maybe[string] {
	names := slices.Sorted(maps.Keys(members))
	var found []string
	for name, attributes := range destinationAttributes().byType {
		if slices.Equal(attributes, names) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return maybe[string]{}
	}
	return maybe[string]{value: found[0], set: true}
}
