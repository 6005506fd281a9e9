// SPDX-License-Identifier: MPL-2.0

package outbound

import "time"

// UseTransport makes the client send everything through net/http, to compare and to test that path as well.
func (c *Client) UseTransport() { c.direct = nil }

// Idle returns how many connections are kept.
func (c *Client) Idle() int {
	c.direct.idle.mu.Lock()
	defer c.direct.idle.mu.Unlock()
	return c.direct.idle.all.Len()
}

// Alive returns how many of the connections that are kept look good.
func (c *Client) Alive() int {
	c.direct.idle.mu.Lock()
	defer c.direct.idle.mu.Unlock()
	alive := 0
	for e := c.direct.idle.all.Front(); e != nil; e = e.Next() {
		if conn := e.Value.(idleConn).conn; conn.SetDeadline(time.Time{}) == nil && conn.alive() {
			alive++
		}
	}
	return alive
}
