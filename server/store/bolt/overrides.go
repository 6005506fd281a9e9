// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// Overrides returns all overrides.
func (s *Store) Overrides(ctx context.Context) ([]registry.Override, error) {
	list, err := all[registry.Override](ctx, s, bucketOverrides)
	for i := range list {
		list[i].CreatedAt, list[i].UpdatedAt = list[i].CreatedAt.UTC(), list[i].UpdatedAt.UTC()
	}
	return list, err
}

// PutOverride stores what change makes of the detection's override, which is nil when there is none.
func (s *Store) PutOverride(ctx context.Context, detectionID string, change func(*registry.Override) (registry.Override, error)) (registry.Override, error) {
	if err := checkKey("/detection_id", detectionID); err != nil {
		return registry.Override{}, err
	}
	var put registry.Override
	err := s.update(ctx, 2<<10, func(t *tx) error {
		var old *registry.Override
		if stored, ok, err := t.override(detectionID); err != nil {
			return err
		} else if ok {
			old = &stored
		}
		var err error
		if put, err = change(old); err != nil {
			return err
		}
		if put.DetectionID != detectionID {
			return fmt.Errorf("put override of %s: its detection was changed to %q", detectionID, put.DetectionID)
		}
		return putRecord(t, bucketOverrides, detectionID, &put)
	})
	if err != nil {
		return registry.Override{}, err
	}
	put.CreatedAt, put.UpdatedAt = put.CreatedAt.UTC(), put.UpdatedAt.UTC()
	return put, nil
}

// DeleteOverride removes one after check agreed. An unknown id is problem.NotFound.
func (s *Store) DeleteOverride(ctx context.Context, detectionID string, check func(registry.Override) error) error {
	return s.update(ctx, 1<<10, func(t *tx) error {
		stored, ok, err := t.override(detectionID)
		if err != nil {
			return err
		}
		if !ok {
			return problem.New(problem.NotFound, "there is no override for detection %.100q", detectionID)
		}
		if err := check(stored); err != nil {
			return err
		}
		return t.delete(bucketOverrides, []byte(detectionID))
	})
}

func (t *tx) override(detectionID string) (registry.Override, bool, error) {
	o, ok, err := find[registry.Override](t, bucketOverrides, detectionID)
	o.CreatedAt, o.UpdatedAt = o.CreatedAt.UTC(), o.UpdatedAt.UTC()
	return o, ok, err
}
