// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A session is what the provider knows during one walk of Terraform over its resources: a plan, or an apply. Terraform
// starts the provider anew for each.
type session struct {
	api     *client.ClientWithResponses
	version string // of the provider
	hidden  *hidden

	asked    sync.Once
	versions string // what the versions of both sides have to do with a strange answer; "" is nothing

	owned   noted // ids of the destinations, and of the detections of overrides, that are in Terraform's state
	planned noted // display names and ids of the destinations that are to be made or changed

	mu     sync.Mutex
	claims map[string]claim // by what only one thing can have
}

// A claim is what a plan gives a name to: things that exist, and things that are yet to be made.
type claim struct {
	id  string
	new int
}

// claims notes that a thing is to have a name, and reports whether another is to have it. A thing that is to be replaced
// claims its name twice: as what it is, and as something new.
func (c *caller) claims(name, id string) (twin bool) {
	if c.session == nil {
		return false
	}
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	if c.session.claims == nil {
		c.session.claims = map[string]claim{}
	}
	held := c.session.claims[name]
	if id == "" {
		held.new++
		twin = held.new > 1
	} else {
		twin = held.id != "" && held.id != id
		held.id = id
	}
	c.session.claims[name] = held
	return twin
}

// owns notes the id of a destination, or of an override's detection, that is in Terraform's state.
func (c *caller) owns(id string) {
	if c.session != nil {
		c.session.owned.add(id)
	}
}

// plans notes what a destination is to be, for those that name it.
func (c *caller) plans(id, displayName string) {
	if c.session != nil {
		c.session.planned.add(id)
		c.session.planned.add(displayName)
	}
}

// isPlanned reports whether an id or a display name is that of a destination that is to be made or changed.
func (c *caller) isPlanned(ctx context.Context, name string) bool {
	return c.session.planned.await(ctx, name)
}

// hide keeps a secret out of what is shown.
func (c *caller) hide(text string) {
	if c.session != nil {
		c.session.hidden.add(text)
	}
}

// quietTime is how long Terraform must have shown nothing new before what has not been seen counts as not there. It
// looks at resources that do not depend on each other in any order.
const quietTime = 2 * time.Second

// noted is a set of texts that only grows.
type noted struct {
	mu    sync.Mutex
	texts map[string]bool
	since time.Time     // when the last one came, or somebody first waited
	more  chan struct{} // closed when there is one more
}

func (n *noted) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if text == "" || n.texts[text] {
		return
	}
	if n.texts == nil {
		n.texts = map[string]bool{}
	}
	n.texts[text] = true
	n.since = time.Now()
	if n.more != nil {
		close(n.more)
		n.more = nil
	}
}

// look reports whether a text is there, else for how long to wait, and for what.
func (n *noted) look(text string) (found bool, left time.Duration, more <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.since.IsZero() {
		n.since = time.Now()
	}
	if n.more == nil {
		n.more = make(chan struct{})
	}
	return n.texts[text], quietTime - time.Since(n.since), n.more
}

// await reports whether a text is there, or comes before nothing has come for the quiet time. All who wait share that
// time: a hundred of them wait as long as one.
func (n *noted) await(ctx context.Context, text string) bool {
	for {
		found, left, more := n.look(text)
		if found || left <= 0 || ctx.Err() != nil {
			return found
		}
		timer := time.NewTimer(left)
		select {
		case <-more:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
