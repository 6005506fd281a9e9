// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// PutOverride sets a detection's override whole. Destinations nil is not set, empty suppresses. again reports a repeat:
// see [Terms].
func (r *Registry) PutOverride(ctx context.Context, detectionID string, terms Terms, severity alert.Severity, destinations []string) (o Override, again bool, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	write, err := r.writeOfOverride(terms.Key, detectionID, severity, destinations)
	if err != nil {
		return Override{}, false, err
	}
	if o, ok := r.Snapshot().overrides[detectionID]; ok && terms.Key != "" && o.LastWrite == write {
		return o, true, nil
	}
	now := r.opts.Now().UTC()
	o, err = r.store.PutOverride(ctx, detectionID, func(old *Override) (Override, error) {
		o := Override{
			DetectionID: detectionID, Severity: severity, Destinations: destinations, CreatedAt: now, UpdatedAt: now, Revision: 1,
			LastWrite: write,
		}
		if old == nil {
			if terms.Revisions != nil {
				return Override{}, problem.New(problem.Stale, "the override is gone by now: somebody else removed it")
			}
			return o, nil
		}
		if terms.Absent {
			return Override{}, problem.New(problem.Stale, "the detection has an override already")
		}
		o.CreatedAt, o.Revision = old.CreatedAt, old.Revision+1
		return o, checkRevision(terms.Revisions, old.Revision)
	})
	if err != nil {
		return Override{}, false, err
	}
	r.current.Store(r.Snapshot().withOverride(o))
	return o, false, nil
}

// DeleteOverride removes a detection's override. For revisions see [Terms].
func (r *Registry) DeleteOverride(ctx context.Context, detectionID string, revisions []int64) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	err := r.store.DeleteOverride(ctx, detectionID, func(old Override) error { return checkRevision(revisions, old.Revision) })
	if err != nil {
		return err
	}
	r.current.Store(r.Snapshot().withoutOverride(detectionID))
	return nil
}

// Override returns a detection's override, or problem.NotFound.
func (r *Registry) Override(detectionID string) (Override, error) {
	o, ok := r.Snapshot().overrides[detectionID]
	if !ok {
		return Override{}, problem.New(problem.NotFound, "the detection %.100q has no override", detectionID)
	}
	return o, nil
}

// A ListWarning is about one entry of an override's list: the one at Entry.
type ListWarning struct {
	Entry int
	route.Warning
}

// Warnings names the entries of an override's list that would be passed over now.
func (s *Snapshot) Warnings(destinations []string) []ListWarning {
	warnings := []ListWarning{}
	add := func(entry int, code route.WarningCode, format, name string) {
		warnings = append(warnings, ListWarning{entry, route.Warning{Code: code, Message: fmt.Sprintf(format, name)}})
	}
	for i, name := range destinations {
		if name == route.Skip {
			continue
		}
		switch d, ok := s.Table.Find(name); {
		case !ok:
			add(i, route.UnknownDestination, "%.100q is no destination now", name)
		case !d.Enabled:
			add(i, route.DisabledDestination, "%q is disabled now", d.DisplayName)
		}
	}
	return warnings
}
