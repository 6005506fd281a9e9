// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"encoding/binary"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// bucketDeleted is made when it is first needed, so that stores and backups from before it are whole without it.
var bucketDeleted = []byte("deleted_destinations") // id -> when, in milliseconds, 8 bytes big-endian

// rememberDeleted keeps the id of a deleted destination, and forgets a few that are old.
func (s *Store) rememberDeleted(t *tx, id string, now time.Time) error {
	if _, err := t.CreateBucketIfNotExists(bucketDeleted); err != nil {
		return err
	}
	if err := t.put(bucketDeleted, []byte(id), binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))); err != nil {
		return err
	}
	before := now.Add(-registry.KeepDeleted)
	return t.prune(bucketDeleted, &s.deleted, func(value []byte) bool {
		return len(value) != 8 || time.UnixMilli(int64(binary.BigEndian.Uint64(value))).Before(before)
	})
}

// wasDeleted reports whether a destination had the id that is remembered as deleted.
func (t *tx) wasDeleted(id string) bool {
	return t.Bucket(bucketDeleted) != nil && t.get(bucketDeleted, []byte(id)) != nil
}
