// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
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

// lookOld is how many entries a call looks at, to remove those that are too old.
const lookOld = 8

// SaveTestOutcome stores an outcome under a key, replacing the one before, and removes a few that are too old.
func (s *Store) SaveTestOutcome(ctx context.Context, key string, o registry.TestOutcome) error {
	if err := checkKey("key", key); err != nil {
		return err
	}
	return s.update(ctx, 2<<10+len(o.Message), func(t *tx) error {
		if err := putRecord(t, bucketTests, key, &o); err != nil {
			return err
		}
		before := o.AttemptedAt.Add(-registry.KeepTests)
		return t.prune(bucketTests, &s.tested, func(value []byte) bool {
			o, err := decode[registry.TestOutcome](value)
			return err != nil || o.AttemptedAt.Before(before)
		})
	})
}

// prune looks at the few entries of a bucket after those the last call looked at, from the first again after the last,
// and removes those that are too old. looked is where the last call ended.
func (t *tx) prune(bucket []byte, looked *[]byte, tooOld func(value []byte) bool) error {
	var old [][]byte
	c := t.Bucket(bucket).Cursor()
	key, value := c.Seek(append(*looked, 0))
	for range lookOld {
		if key == nil {
			*looked = nil
			break
		}
		*looked = bytes.Clone(key)
		if tooOld(value) {
			old = append(old, *looked)
		}
		key, value = c.Next()
	}
	for _, key := range old {
		if err := t.delete(bucket, key); err != nil {
			return err
		}
	}
	return nil
}
