// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"syscall"
	"time"
)

// direct makes exchanges in plain HTTP/1.1 on the caller's goroutine. [http.Transport] gives each connection two
// goroutines of its own, and handing each exchange to them and back costs more than the exchange.
//
// Writing before reading has one weakness: it does not hear an answer that comes while a large request is still being
// written. So direct takes only requests that fit into the socket's buffer, and none that asks for something unusual.
type direct struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	idle idlePool
}

const (
	// maxDirectBody fits, with its header, into the least send buffer of a connection of any system in use.
	maxDirectBody = 32 << 10

	writeBuffer = 8 << 10 // most requests go out in one packet
	readBuffer  = 4 << 10
)

var (
	// errUnwritten is wrapped by the error for a request of which nothing was written: it may be sent once more.
	errUnwritten = errors.New("nothing was written")

	errLargeHeader = errors.New("the answer's header is too large")
)

// takes reports whether direct may send req; what it refuses goes to the transport, also to be found invalid there.
func (d *direct) takes(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return false
	}
	if req.URL.Scheme != "http" || req.Close || req.TransferEncoding != nil || req.Trailer != nil {
		return false
	}
	if hasBody(req) && (req.GetBody == nil || req.ContentLength <= 0 || req.ContentLength > maxDirectBody) {
		return false
	}
	for i := range len(req.URL.Host) {
		if c := req.URL.Host[i]; c <= ' ' || c > '~' { // international names need translation
			return false
		}
	}
	return usual(req.Header)
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// usual reports whether a header is valid and says nothing about the connection. It may refuse more than it has to.
func usual(header http.Header) bool {
	for name, values := range header {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "", "Connection", "Expect", "Upgrade":
			return false
		}
		for i := range len(name) {
			c := name[i]
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
		for _, value := range values {
			for i := range len(value) {
				if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
					return false
				}
			}
		}
	}
	return true
}

// exchange sends req, which it must take, and reads the answer. An exchange that fails on a connection kept from
// another, before anything was written to it, is made once more on a new one; after that, only the caller can know
// whether it may be repeated.
func (d *direct) exchange(ctx context.Context, req *http.Request) (resp *Response, sent bool, err error) {
	if ctx.Err() != nil {
		return nil, false, unsent(req, context.Cause(ctx))
	}
	deadline, bounded := ctx.Deadline()
	if !bounded {
		deadline = time.Now().Add(maxExchange)
	}
	key := req.URL.Host
	if c := d.idle.take(key, deadline); c != nil {
		resp, sent, err = d.use(ctx, c, key, req)
		if !errors.Is(err, errUnwritten) {
			return resp, sent, err
		}
		again := *req
		if hasBody(req) {
			if again.Body, err = req.GetBody(); err != nil {
				return nil, false, err
			}
		}
		req = &again
	}
	conn, err := d.dial(ctx, "tcp", address(req.URL))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, false, unsent(req, err)
	}
	c := newDirectConn(conn)
	_ = c.SetDeadline(deadline) // fails only on a connection that is broken, as does what follows
	return d.use(ctx, c, key, req)
}

// use makes the exchange on c and keeps c for the next if it can.
func (d *direct) use(ctx context.Context, c *directConn, key string, req *http.Request) (resp *Response, sent bool, err error) {
	stop := context.AfterFunc(ctx, c.interrupt)
	resp, sent, err = c.exchange(req, maxBody(ctx))
	if stop() && c.reusable {
		d.idle.put(key, c)
	} else {
		c.Close()
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded): // a moment before ctx knows, or without its knowing
		err = context.DeadlineExceeded
	}
	return resp, sent, err
}

// unsent closes the body as whoever sends a request must.
func unsent(req *http.Request, err error) error {
	if req.Body != nil {
		req.Body.Close()
	}
	return err
}

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// directConn is a connection that one exchange at a time is made on.
type directConn struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer

	toRead   int64 // how much may still be read; bounds headers
	wrote    bool  // something of the request was written
	writeErr error // why no more was; http.Request wraps it beyond recognition
	reusable bool  // the exchange left nothing behind

	interrupt func()          // makes what reads or writes give up
	raw       syscall.RawConn // nil where there is none
	peek      func(fd uintptr) bool
	silent    bool // what peek found: open, and nothing to read

	since time.Time // of its being idle
}

func newDirectConn(conn net.Conn) *directConn {
	c := &directConn{Conn: conn}
	c.r, c.w = bufio.NewReaderSize(c, readBuffer), bufio.NewWriterSize(c, writeBuffer)
	c.interrupt = func() { _ = conn.SetDeadline(time.Unix(1, 0)) }
	if s, ok := conn.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	c.peek = func(fd uintptr) bool {
		c.silent = silent(fd)
		return true
	}
	return c
}

// Read and Write serve the buffers.
func (c *directConn) Read(p []byte) (int, error) {
	if c.toRead <= 0 {
		return 0, errLargeHeader
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.toRead)])
	c.toRead -= int64(n)
	return n, err
}

func (c *directConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wrote = c.wrote || n > 0
	if err != nil {
		c.writeErr = err
	}
	return n, err
}

func (c *directConn) exchange(req *http.Request, limit int64) (_ *Response, sent bool, err error) {
	c.wrote, c.reusable = false, false
	failed := req.Write(c.w)
	if failed == nil {
		failed = c.w.Flush()
	}
	switch {
	case failed == nil:
	case c.writeErr == nil: // the body could not be read
		return nil, false, failed
	case errors.Is(c.writeErr, os.ErrDeadlineExceeded):
		return nil, false, c.writeErr
	case !c.wrote:
		return nil, false, errors.Join(errUnwritten, c.writeErr)
	}
	// A server that hangs up in the middle of a request may have said why.
	resp, err := c.readHead(req) //nolint:bodyclose // closing would read the rest; the connection is closed instead
	if err != nil && failed != nil {
		return nil, false, c.writeErr
	}
	if err != nil {
		return nil, true, err
	}
	answer := &Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: []byte{}}
	whole := true
	if resp.Body != http.NoBody {
		// An answer over the cap costs its connection.
		answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
		read := int64(len(answer.Body))
		whole = err == nil && (read < limit || resp.ContentLength == limit)
	}
	// What follows an answer unasked would be taken for the answer to the next request.
	c.reusable = whole && failed == nil && !resp.Close && resp.StatusCode >= http.StatusOK && c.r.Buffered() == 0
	return answer, true, nil
}

// readHead reads up to the body of the final answer. The cap holds for all headers together, so it bounds the number
// of informational answers, too.
func (c *directConn) readHead(req *http.Request) (*http.Response, error) {
	c.toRead = maxHeaderBytes
	for {
		resp, err := http.ReadResponse(c.r, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			c.toRead = math.MaxInt64
			return resp, nil
		}
	}
}
