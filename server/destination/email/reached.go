// SPDX-License-Identifier: MPL-2.0

package email

import (
	"slices"
	"sync"
)

// maxReached is how many deliveries are remembered at most; the oldest is forgotten first.
const maxReached = 1000

// reached remembers, for deliveries that some recipients have still to get, who has got them. The zero value is ready.
type reached struct {
	mu    sync.Mutex
	who   map[string][]string // by delivery
	order []string            // of the deliveries, the oldest first
}

// without returns those of all whom a delivery has not reached, and how many it has.
func (r *reached) without(delivery string, all []string) (rest []string, had int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := r.who[delivery]
	rest = slices.DeleteFunc(slices.Clone(all), func(recipient string) bool { return slices.Contains(who, recipient) })
	return rest, len(all) - len(rest)
}

func (r *reached) add(delivery string, recipients []string) {
	if len(recipients) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.who == nil {
		r.who = map[string][]string{}
	}
	if _, known := r.who[delivery]; !known {
		r.order = append(r.order, delivery)
	}
	r.who[delivery] = append(r.who[delivery], recipients...)
	if len(r.order) > maxReached {
		delete(r.who, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
}

func (r *reached) forget(delivery string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.who[delivery]; known {
		delete(r.who, delivery)
		r.order = slices.DeleteFunc(r.order, func(d string) bool { return d == delivery })
	}
}
