// SPDX-License-Identifier: MPL-2.0

package bolt

import "github.com/alertrouter/terraform-provider-alertrouter/server/delivery"

// SetOldestSteps sets how many records OldestOpen looks at.
func (s *Store) SetOldestSteps(n int) { s.oldest.steps = n }

// ForgetOldest makes the next OldestOpen the first.
func (s *Store) ForgetOldest() { s.oldest.forget() }

// RewindOldest makes the next OldestOpen look from the beginning.
func (s *Store) RewindOldest() { s.oldest.mark = delivery.ID{} }
