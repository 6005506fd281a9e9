// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// maxFallbacks is how many fallbacks a chain may have: A→B→C→D is the longest.
const maxFallbacks = 3

// fallbackOf returns the fallback of d, or nil. One that is not there, as after a damaged store, is none.
func (s *Snapshot) fallbackOf(d *destination.Destination) *destination.Destination {
	if d == nil || d.Fallback == "" {
		return nil
	}
	return s.byID[d.Fallback]
}

// users returns the destinations that name each one as their fallback, by its id; each list is by display name.
func (s *Snapshot) users() map[string][]*destination.Destination {
	users := map[string][]*destination.Destination{}
	for _, d := range s.sorted {
		if d.Fallback != "" {
			users[d.Fallback] = append(users[d.Fallback], d)
		}
	}
	return users
}

// fallbackFaults reports what is wrong with the fallback of d, which is to be stored in the place of the destination
// with its id.
func (s *Snapshot) fallbackFaults(d *destination.Destination) []problem.Field {
	fault := func(member, message string, args ...any) []problem.Field {
		return []problem.Field{{Name: member, Message: fmt.Sprintf(message, args...)}}
	}
	switch {
	case d.Fallback == "" && d.FallbackAfterSeconds != 0:
		return fault("/fallback_after_seconds", "has no meaning without a fallback")
	case d.Fallback == "":
		return nil
	case d.Fallback == d.ID:
		return fault("/fallback", "must be another destination, not the destination itself")
	case s.byID[d.Fallback] == nil:
		return fault("/fallback", "names no destination: there is none with the id %.100q", d.Fallback)
	}
	after, circle := s.chainFrom(d)
	if circle {
		return fault("/fallback", "makes a circle: %s", names(after))
	}
	chain := after
	if old := s.byID[d.ID]; old != nil { // nobody names one that is new
		users := s.users()
		users[old.Fallback] = slices.DeleteFunc(users[old.Fallback], func(user *destination.Destination) bool { return user == old })
		chain = append(longestTo(d.ID, users, maxFallbacks), after...)
	}
	if len(chain)-1 > maxFallbacks {
		return fault("/fallback", "makes a chain that is too long, %s: there may be %d fallbacks, one after the other", names(chain), maxFallbacks)
	}
	return nil
}

// chainFrom returns d and what stands in for it, one after the other, so far that a chain too long is seen to be. In
// a circle d is the last once more.
func (s *Snapshot) chainFrom(d *destination.Destination) (chain []*destination.Destination, circle bool) {
	chain = append(chain, d)
	for next := s.fallbackOf(d); next != nil && len(chain) <= maxFallbacks+1; next = s.fallbackOf(next) {
		if next.ID == d.ID {
			return append(chain, d), true
		}
		chain = append(chain, next)
	}
	return chain, false
}

// longestTo returns the longest chain of at most limit destinations that ends at the one with an id, without that.
func longestTo(id string, users map[string][]*destination.Destination, limit int) []*destination.Destination {
	var longest []*destination.Destination
	if limit == 0 {
		return nil
	}
	for _, user := range users[id] {
		if chain := append(longestTo(user.ID, users, limit-1), user); len(chain) > len(longest) {
			longest = chain
		}
	}
	return longest
}

func names(chain []*destination.Destination) string {
	quoted := make([]string, len(chain))
	for i, d := range chain {
		quoted[i] = fmt.Sprintf("%q", d.DisplayName)
	}
	return strings.Join(quoted, " → ")
}

// inUse is the error for deleting the fallback of others.
func inUse(d *destination.Destination, users []*destination.Destination) error {
	const spelled = 10
	more := ""
	if n := len(users) - spelled; n > 0 {
		users, more = users[:spelled], fmt.Sprintf(" and %d more", n)
	}
	quoted := strings.ReplaceAll(names(users), " → ", ", ")
	return problem.New(problem.Conflict, "%q is the fallback of %s%s: give them another or none, or delete them, first", d.DisplayName, quoted, more)
}

// laneFallback is the fallback of d as the dispatcher wants it.
func (s *Snapshot) laneFallback(d *destination.Destination) (to delivery.Fallback, after time.Duration) {
	next := s.fallbackOf(d)
	if next == nil {
		return delivery.Fallback{}, 0
	}
	_, nextAfter := s.Fallback(next.ID)
	return delivery.Fallback{DestinationID: next.ID, After: nextAfter}, time.Duration(d.FallbackAfterSeconds) * time.Second
}
