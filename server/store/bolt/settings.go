// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// all decodes everything in a bucket. What cannot be read any more is logged and left out: one record must not keep
// the server from starting.
func all[T any](ctx context.Context, s *Store, bucket []byte) ([]T, error) {
	var list []T
	err := s.view(ctx, func(t *tx) error {
		return t.Bucket(bucket).ForEach(func(key, value []byte) error {
			if v, err := decode[T](value); err == nil {
				list = append(list, v)
			} else {
				t.leaveOut(bucket, string(key), err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// putRecord encodes and keeps a setting.
func putRecord[T any](t *tx, bucket []byte, key string, v *T) error {
	value, err := encode(v)
	if err != nil {
		return err
	}
	return t.put(bucket, []byte(key), value)
}

// find decodes the setting under a key; ok is false when there is none.
func find[T any](t *tx, bucket []byte, key string) (v T, ok bool, err error) {
	value := t.get(bucket, []byte(key))
	if value == nil {
		return v, false, nil
	}
	v, err = decode[T](value)
	return v, err == nil, err
}

// checkKey refuses what cannot be a key.
func checkKey(field, key string) error {
	if key == "" || len(key) > bbolt.MaxKeySize {
		message := fmt.Sprintf("must be 1 to %d bytes long", bbolt.MaxKeySize)
		return problem.InvalidFields([]problem.Field{{Name: field, Message: message}})
	}
	return nil
}

// checkTime refuses what cannot be kept as a date and time.
func checkTime(field string, at time.Time) error {
	if year := at.UTC().Year(); year < 0 || year > 9999 {
		return problem.InvalidFields([]problem.Field{{Name: field, Message: "must be in the years 0 to 9999, in UTC"}})
	}
	return nil
}

// Keyset returns the sealed keyset, after storing candidate as the keyset if there was none.
func (s *Store) Keyset(ctx context.Context, candidate []byte) ([]byte, error) {
	var keyset []byte
	err := s.view(ctx, func(t *tx) error {
		keyset = bytes.Clone(t.get(bucketMeta, metaKeyset))
		return nil
	})
	if err != nil || keyset != nil || len(candidate) == 0 {
		return keyset, err
	}
	err = s.update(ctx, len(candidate), func(t *tx) error {
		if keyset = bytes.Clone(t.get(bucketMeta, metaKeyset)); keyset != nil {
			return nil // somebody was quicker
		}
		keyset = bytes.Clone(candidate)
		return t.put(bucketMeta, metaKeyset, candidate)
	})
	if err != nil {
		return nil, err
	}
	return keyset, nil
}
