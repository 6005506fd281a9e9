// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"fmt"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// Destinations returns all destinations.
func (s *Store) Destinations(ctx context.Context) ([]destination.Destination, error) {
	list, err := all[destination.Destination](ctx, s, bucketDestinations)
	for i := range list {
		inUTC(&list[i])
	}
	return list, err
}

// CreateDestination stores a new one. An id or a display name that another has is problem.Conflict.
func (s *Store) CreateDestination(ctx context.Context, d destination.Destination) error {
	if err := checkKey("/id", d.ID); err != nil {
		return err
	}
	return s.update(ctx, 4<<10, func(t *tx) error {
		if t.get(bucketDestinations, []byte(d.ID)) != nil {
			return problem.New(problem.Conflict, "there is a destination %s already", d.ID)
		}
		if t.wasDeleted(d.ID) {
			return problem.New(problem.Conflict, "there was a destination %s, which was deleted: its id is not used again", d.ID)
		}
		if err := t.checkName(&d); err != nil {
			return err
		}
		return t.putDestination(&d)
	})
}

// UpdateDestination replaces one by what change makes of it.
func (s *Store) UpdateDestination(ctx context.Context, id string, change func(destination.Destination) (destination.Destination, error)) (destination.Destination, error) {
	var updated destination.Destination
	err := s.update(ctx, 4<<10, func(t *tx) error {
		old, err := t.destination(id)
		if err != nil {
			return err
		}
		name := destination.FoldName(old.DisplayName) // before change, which may edit old in place
		if updated, err = change(old); err != nil {
			return err
		}
		if updated.ID != id {
			return fmt.Errorf("update destination %s: its id was changed to %q", id, updated.ID)
		}
		if err := t.checkName(&updated); err != nil {
			return err
		}
		if name != destination.FoldName(updated.DisplayName) {
			if err := t.delete(bucketNames, []byte(name)); err != nil {
				return err
			}
		}
		return t.putDestination(&updated)
	})
	if err != nil {
		return destination.Destination{}, err
	}
	inUTC(&updated)
	return updated, nil
}

// DeleteDestination removes one after check agreed, and remembers its id.
func (s *Store) DeleteDestination(ctx context.Context, id string, now time.Time, check func(destination.Destination) error) error {
	return s.update(ctx, 1<<10, func(t *tx) error {
		d, err := t.destination(id)
		if err != nil {
			return err
		}
		name := destination.FoldName(d.DisplayName)
		if err := check(d); err != nil {
			return err
		}
		if err := t.delete(bucketNames, []byte(name)); err != nil {
			return err
		}
		if err := t.delete(bucketDestinations, []byte(id)); err != nil {
			return err
		}
		return s.rememberDeleted(t, id, now)
	})
}

func (t *tx) destination(id string) (destination.Destination, error) {
	d, ok, err := find[destination.Destination](t, bucketDestinations, id)
	if err == nil && !ok {
		err = problem.New(problem.NotFound, "there is no destination %s", id)
	}
	inUTC(&d)
	return d, err
}

func (t *tx) putDestination(d *destination.Destination) error {
	if err := putRecord(t, bucketDestinations, d.ID, d); err != nil {
		return err
	}
	return t.put(bucketNames, []byte(destination.FoldName(d.DisplayName)), []byte(d.ID))
}

// checkName refuses a display name that cannot be kept, or that another destination has.
func (t *tx) checkName(d *destination.Destination) error {
	name := destination.FoldName(d.DisplayName)
	if err := checkKey("/display_name", name); err != nil {
		return err
	}
	if owner := t.get(bucketNames, []byte(name)); owner != nil && string(owner) != d.ID {
		return registry.TakenName(d.DisplayName)
	}
	return nil
}

func inUTC(d *destination.Destination) {
	d.CreatedAt, d.UpdatedAt = d.CreatedAt.UTC(), d.UpdatedAt.UTC()
}
