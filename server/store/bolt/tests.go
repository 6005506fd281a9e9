// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"

	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// TestOutcome returns the stored outcome under a key; ok is false when there is none.
func (s *Store) TestOutcome(ctx context.Context, key string) (o registry.TestOutcome, ok bool, err error) {
	err = s.view(ctx, func(t *tx) error {
		o, ok, err = find[registry.TestOutcome](t, bucketTests, key)
		o.AttemptedAt = o.AttemptedAt.UTC()
		return err
	})
	return o, ok, err
}

// SaveTestOutcome stores an outcome under a key, replacing the one before.
func (s *Store) SaveTestOutcome(ctx context.Context, key string, o registry.TestOutcome) error {
	if err := checkKey("key", key); err != nil {
		return err
	}
	return s.update(ctx, 1<<10+len(o.Message), func(t *tx) error {
		return t.putRecord(bucketTests, key, &o)
	})
}
