// SPDX-License-Identifier: MPL-2.0

package pagerduty

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// details are the members of an object, in the order in which people read them.
type details []detail

type detail struct {
	name  string
	value any
}

// has reports whether there is a member of that name.
func (d details) has(name string) bool {
	return slices.ContainsFunc(d, func(member detail) bool { return member.name == name })
}

// with returns the details with one more.
func (d details) with(name string, value any) details {
	return append(slices.Clip(d), detail{name, value})
}

// MarshalJSONTo writes the object.
func (d details) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, member := range d {
		if err := enc.WriteToken(jsontext.String(member.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, member.value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// describe returns the config's details and then the alert's, all but the context. What the config names stays as it
// says.
func describe(cutter *render.Cutter, own map[string]string, m *destination.Message) details {
	var all details
	for _, name := range slices.Sorted(maps.Keys(own)) {
		all = all.with(name, own[name])
	}
	add := func(name string, value any, there bool) {
		if there && !all.has(name) {
			all = all.with(name, value)
		}
	}
	label := func(text string) string { return cutter.Fit(render.Line(text), maxLabel, render.JSON) }
	long := func(text string) string { return cutter.Fit(render.Text(text), maxText, render.JSON) }
	text := func(name, value string) { add(name, value, value != "") }
	list := func(name string, texts []string) {
		shown := bounded(cutter, texts)
		for i := range shown {
			shown[i] = label(shown[i])
		}
		add(name, shown, len(shown) > 0)
	}
	a := m.Alert
	list("notes", render.Notes(m))
	add("title", long(render.Title(m)), true)
	add("severity", string(m.Severity), true)
	text("description", long(a.Description()))
	text("runbook", long(a.Runbook()))
	text("reference", long(a.Reference()))
	add("alert_id", m.AlertID, true)
	add("detection_id", label(a.Detection.ID), true)
	add("detection_name", label(a.Name()), true)
	text("detection_version", label(a.Detection.Version))
	list("log_types", a.LogTypes)
	list("tags", a.Detection.Tags)
	text("dedup", label(a.Dedup))
	return all
}

// bounded returns the entries of a list that say something, as many as are shown.
func bounded(cutter *render.Cutter, texts []string) []string {
	var shown []string
	for _, text := range texts {
		if render.Blank(text) {
			continue
		}
		if shown = append(shown, text); len(shown) > maxList {
			break
		}
	}
	return cutter.First(shown, maxList)
}
