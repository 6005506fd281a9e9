// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

// idlePool keeps connections for the next exchange with the same host. The one used last is taken first, so that those
// there is no use for grow old and are closed.
type idlePool struct {
	mu     sync.Mutex
	byHost map[string][]*list.Element // the oldest first
	all    list.List                  // of idleConn, the oldest first
	sweep  *time.Timer                // nil while there is nothing to grow old
	closed bool                       // since when nothing was taken
}

type idleConn struct {
	host string
	conn *directConn
}

// take returns a connection that is as good as a new one, with the deadline set, or nil.
func (p *idlePool) take(host string, deadline time.Time) *directConn {
	for {
		c := p.pop(host)
		if c == nil {
			return nil
		}
		if time.Since(c.since) < idleTimeout && c.SetDeadline(deadline) == nil && c.alive() {
			return c
		}
		c.Close()
	}
}

func (p *idlePool) pop(host string) *directConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	if conns := p.byHost[host]; len(conns) > 0 {
		return p.remove(conns[len(conns)-1])
	}
	return nil
}

func (p *idlePool) put(host string, c *directConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return
	}
	if p.byHost == nil {
		p.byHost = make(map[string][]*list.Element)
	}
	c.since = time.Now()
	p.byHost[host] = append(p.byHost[host], p.all.PushBack(idleConn{host, c}))
	if conns := p.byHost[host]; len(conns) > idlePerHost {
		p.remove(conns[0]).Close()
	} else if p.all.Len() > idleInAll {
		p.remove(p.all.Front()).Close()
	}
	if p.sweep == nil {
		p.sweep = time.AfterFunc(idleTimeout, p.closeOld)
	}
}

// remove needs the lock.
func (p *idlePool) remove(e *list.Element) *directConn {
	idle := p.all.Remove(e).(idleConn)
	conns := p.byHost[idle.host]
	if i := slices.Index(conns, e); len(conns) > 1 {
		p.byHost[idle.host] = slices.Delete(conns, i, i+1)
	} else {
		delete(p.byHost, idle.host)
	}
	return idle.conn
}

// closeOld closes what was idle for too long and looks again when the next will have been.
func (p *idlePool) closeOld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.all.Front(); e != nil; e = p.all.Front() {
		if left := idleTimeout - time.Since(e.Value.(idleConn).conn.since); left > 0 {
			p.sweep = time.AfterFunc(left, p.closeOld)
			return
		}
		p.remove(e).Close()
	}
	p.sweep = nil
}

// close closes all, and those still in use when they come back, until one is asked for again.
func (p *idlePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for e := p.all.Front(); e != nil; e = p.all.Front() {
		p.remove(e).Close()
	}
}

// alive reports whether the other side has neither closed the connection nor sent something nobody asked for.
func (c *directConn) alive() bool {
	if !canPeek || c.raw == nil {
		return time.Since(c.since) < time.Second // before a server tires of it, mostly
	}
	return c.raw.Read(c.peek) == nil && c.silent
}
