// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"sync"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

// claims are the deliveries this process is at work on. Two rules keep one from being given out twice:
//
//   - whoever looks for deliveries to claim holds the lock from before its read transaction begins
//   - a claim is made before the transaction that stores its delivery, and released after the one that settles it
//
// So a reader that still sees a delivery as open also sees its claim.
//
// The first rule makes a third: nobody waits for the lock in a read transaction. Its holder may be waiting to begin
// one, behind a writer that moves the mapping and waits for all readers to end.
//
// A commit that failed may have reached the disk all the same. What it claimed is released, so that the delivery, if it
// is there, is like any other that is due: Claim and NextDue find it. What it would have released stays claimed, since
// whoever settled it hears of the failure and settles it again.
type claims struct {
	mu   sync.Mutex
	held map[delivery.ID]struct{}
}

func (c *claims) init() { c.held = make(map[delivery.ID]struct{}) }

func (c *claims) add(ids ...delivery.ID) {
	if len(ids) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.held[id] = struct{}{}
	}
}

func (c *claims) release(ids ...delivery.ID) {
	if len(ids) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		delete(c.held, id)
	}
}
