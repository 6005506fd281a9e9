// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"time"

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

// lookTests is how many stored outcomes a call looks at, to remove those that are too old.
const lookTests = 8

// SaveTestOutcome stores an outcome under a key, replacing the one before, and removes a few that are too old.
func (s *Store) SaveTestOutcome(ctx context.Context, key string, o registry.TestOutcome) error {
	if err := checkKey("key", key); err != nil {
		return err
	}
	return s.update(ctx, 2<<10+len(o.Message), func(t *tx) error {
		if err := putRecord(t, bucketTests, key, &o); err != nil {
			return err
		}
		return s.pruneTests(t, o.AttemptedAt.Add(-registry.KeepTests))
	})
}

// pruneTests looks at the outcomes after those the last call looked at, from the first again after the last, and
// removes those from before a time, or that cannot be read.
func (s *Store) pruneTests(t *tx, before time.Time) error {
	var old [][]byte
	c := t.Bucket(bucketTests).Cursor()
	key, value := c.Seek(append(s.tested, 0))
	for range lookTests {
		if key == nil {
			s.tested = nil
			break
		}
		s.tested = bytes.Clone(key)
		if o, err := decode[registry.TestOutcome](value); err != nil || o.AttemptedAt.Before(before) {
			old = append(old, s.tested)
		}
		key, value = c.Next()
	}
	for _, key := range old {
		if err := t.delete(bucketTests, key); err != nil {
			return err
		}
	}
	return nil
}
