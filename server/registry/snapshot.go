// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Snapshot is the configuration at one moment. It is immutable: a change makes a new one, which shares with the one
// before what did not change.
type Snapshot struct {
	Table     *route.Table
	sorted    []*destination.Destination // by display name, then id
	byID      map[string]*destination.Destination
	byName    map[string]string // display name without case -> id
	overrides map[string]Override
}

func newSnapshot(destinations []destination.Destination, overrides []Override) *Snapshot {
	s := &Snapshot{
		byID:      make(map[string]*destination.Destination, len(destinations)),
		byName:    make(map[string]string, len(destinations)),
		overrides: make(map[string]Override, len(overrides)),
	}
	routed := make([]route.Destination, len(destinations))
	for i := range destinations {
		d := &destinations[i]
		s.sorted = append(s.sorted, d)
		s.byID[d.ID], s.byName[destination.FoldName(d.DisplayName)] = d, d.ID
		routed[i] = routedDestination(d)
	}
	slices.SortFunc(s.sorted, compareDestinations)
	overridden := make([]route.Override, len(overrides))
	for i, o := range overrides {
		s.overrides[o.DetectionID] = o
		overridden[i] = routedOverride(o)
	}
	s.Table = route.Compile(routed, overridden)
	return s
}

// Destinations returns all destinations by display name, then id. They are the snapshot's own: neither the list nor
// what it points to may be changed.
func (s *Snapshot) Destinations() []*destination.Destination { return s.sorted }

// Destination returns one destination.
func (s *Snapshot) Destination(id string) (destination.Destination, bool) {
	if d, ok := s.byID[id]; ok {
		return *d, true
	}
	return destination.Destination{}, false
}

// Named returns the destination with a display name, compared without regard to case, or nil. It is the snapshot's own.
func (s *Snapshot) Named(displayName string) *destination.Destination {
	return s.byID[s.byName[destination.FoldName(displayName)]]
}

// Fallback returns the id of the destination that gets an alert when this one does not take it, "" where there is none,
// and how long a delivery may be open until it does: 0 is until it fails.
func (s *Snapshot) Fallback(destinationID string) (to string, after time.Duration) {
	d := s.fallbackOf(s.byID[destinationID])
	if d == nil {
		return "", 0
	}
	return d.ID, time.Duration(s.byID[destinationID].FallbackAfterSeconds) * time.Second
}

// Overrides returns all overrides by detection id.
func (s *Snapshot) Overrides() []Override {
	return slices.SortedFunc(maps.Values(s.overrides), func(a, b Override) int {
		return strings.Compare(a.DetectionID, b.DetectionID)
	})
}

// with returns a snapshot that has d as well, in the place of the destination with its id.
func (s *Snapshot) with(d destination.Destination) *Snapshot {
	changed := s.copyWithout(d.ID)
	at, _ := slices.BinarySearchFunc(changed.sorted, &d, compareDestinations)
	changed.sorted = slices.Insert(changed.sorted, at, &d)
	changed.byID[d.ID], changed.byName[destination.FoldName(d.DisplayName)] = &d, d.ID
	changed.Table = s.Table.With(routedDestination(&d))
	return changed
}

// without returns a snapshot that does not have the destination.
func (s *Snapshot) without(id string) *Snapshot {
	changed := s.copyWithout(id)
	changed.Table = s.Table.Without(id)
	return changed
}

// copyWithout copies what with and without change, less one destination. Its Table is to be set.
func (s *Snapshot) copyWithout(id string) *Snapshot {
	changed := &Snapshot{
		sorted: slices.Grow(slices.Clone(s.sorted), 1), byID: maps.Clone(s.byID), byName: maps.Clone(s.byName), overrides: s.overrides,
	}
	if old := s.byID[id]; old != nil {
		at, _ := slices.BinarySearchFunc(changed.sorted, old, compareDestinations)
		changed.sorted = slices.Delete(changed.sorted, at, at+1)
		delete(changed.byID, id)
		delete(changed.byName, destination.FoldName(old.DisplayName))
	}
	return changed
}

// HasOverride reports whether a detection has an override.
func (s *Snapshot) HasOverride(detectionID string) bool {
	_, ok := s.overrides[detectionID]
	return ok
}

func (s *Snapshot) withOverride(o Override) *Snapshot {
	changed := *s
	changed.overrides = maps.Clone(s.overrides)
	changed.overrides[o.DetectionID] = o
	changed.Table = s.Table.WithOverride(routedOverride(o))
	return &changed
}

func (s *Snapshot) withoutOverride(detectionID string) *Snapshot {
	changed := *s
	changed.overrides = maps.Clone(s.overrides)
	delete(changed.overrides, detectionID)
	changed.Table = s.Table.WithoutOverride(detectionID)
	return &changed
}

func compareDestinations(a, b *destination.Destination) int {
	return cmp.Or(strings.Compare(a.DisplayName, b.DisplayName), strings.Compare(a.ID, b.ID))
}

func routedDestination(d *destination.Destination) route.Destination {
	return route.Destination{
		ID: d.ID, DisplayName: d.DisplayName, Type: d.Type, Enabled: d.Enabled, Severities: d.Severities,
		AlertTypes: d.AlertTypes, LogTypes: d.LogTypes, AllowManualDispatch: d.AllowManualDispatch,
	}
}

func routedOverride(o Override) route.Override {
	return route.Override{DetectionID: o.DetectionID, Severity: o.Severity, Destinations: o.Destinations}
}
