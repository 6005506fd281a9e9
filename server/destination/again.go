// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Mark names the delivery in what a type makes at its vendor, so that an attempt can find what one before it made: 32
// hexadecimal digits, the same on every attempt. It says nothing of the delivery, and nobody can know that of a later one.
func (m *Message) Mark() string {
	sum := sha256.Sum256([]byte(m.DeliveryID))
	return hex.EncodeToString(sum[:16])
}

// MustLook reports whether a type that can find what an earlier attempt made has to, before it makes another. The part of a
// message that is sent at once after the whole was refused does not: the look came before the refusal, which made nothing.
func (m *Message) MustLook() bool { return m.Again && !m.Looked }

// FoldKey is [Message.DedupKey] as a vendor takes it: where the key does not fit, it is a hash. A test has one of its own,
// so that it never touches what a real alert made.
func (m *Message) FoldKey(fits func(key string) bool) string {
	key := m.DedupKey()
	if m.Test {
		key = "test-" + key
	}
	if fits(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// clockLeeway is how far the clocks of this server and of a vendor may be apart.
const clockLeeway = 10 * time.Minute

// Since is the earliest, by a vendor's clock, that something which an attempt at the delivery made can be from.
func (m *Message) Since(now time.Time) time.Time {
	if !m.Promised.IsZero() && m.Promised.Before(now) {
		now = m.Promised
	}
	return now.Add(-clockLeeway).UTC().Truncate(time.Second)
}
