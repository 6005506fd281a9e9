// SPDX-License-Identifier: MPL-2.0

package route

import (
	"maps"
)

// With returns a table that has d as well, in the place of the destination with its id if there is one. It copies the
// indexes, which is much cheaper than to compile them.
func (t *Table) With(d Destination) *Table {
	changed := t.withoutEntry(t.byID[d.ID])
	e := newEntry(d)
	changed.byID[e.ID] = e
	changed.eachList(e, func(l list) list { return l.with(e) })
	changed.name(e.DisplayName)
	return changed
}

// Without returns a table that does not have the destination with an id.
func (t *Table) Without(id string) *Table { return t.withoutEntry(t.byID[id]) }

// WithOverride returns a table that has o as well, in the place of the detection's override if there is one.
func (t *Table) WithOverride(o Override) *Table {
	changed := *t
	changed.overrides = maps.Clone(t.overrides)
	changed.overrides[o.DetectionID] = o
	return &changed
}

// WithoutOverride returns a table that does not have the override of a detection.
func (t *Table) WithoutOverride(detectionID string) *Table {
	changed := *t
	changed.overrides = maps.Clone(t.overrides)
	delete(changed.overrides, detectionID)
	return &changed
}

// withoutEntry copies the table but for an entry, which may be nil. The copy's maps may be changed, but for overrides.
func (t *Table) withoutEntry(e *entry) *Table {
	changed := &Table{
		all: t.all, byID: maps.Clone(t.byID), byName: maps.Clone(t.byName),
		overrides: t.overrides, filtered: maps.Clone(t.filtered), system: t.system,
	}
	if e == nil {
		return changed
	}
	delete(changed.byID, e.ID)
	changed.eachList(e, func(l list) list { return l.without(e) })
	changed.name(e.DisplayName)
	return changed
}

// name makes byName tell what all has under a display name.
func (t *Table) name(name string) {
	if e := t.all.named(name); e != nil {
		t.byName[name] = e
	} else {
		delete(t.byName, name)
	}
}

// eachList replaces every list that e is to be in.
func (t *Table) eachList(e *entry, change func(list) list) {
	t.all = change(t.all)
	e.eachFilter(func(key filterKey) { t.filtered[key] = change(t.filtered[key]) }, func() { t.system = change(t.system) })
}
