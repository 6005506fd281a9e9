// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What a server says in TLS when it does not take a client for who it is; the numbers are those of
// https://www.rfc-editor.org/rfc/rfc8446#section-6. Those about certificates mean the client's, wherever they come from.
// A failed handshake has other reasons too, unless the server asked for a certificate: in TLS 1.2 it says so of none.
const handshakeFailure tls.AlertError = 40

var aboutCertificates = []tls.AlertError{
	42, 43, 44, 45, 46, // bad, unsupported, revoked, expired, unknown
	48, 49, // of an unknown authority, without access
	116, // required
}

// handshake is what is known of the connection of a request.
type handshake struct {
	certified bool // there is a certificate to show
	asked     atomic.Bool
	conn      httptrace.GotConnInfo
}

type handshakeKey struct{}

// watch returns a context for the request in which [noteAsked] takes down what the server asks for.
func (h *handshake) watch(ctx context.Context) context.Context {
	return context.WithValue(ctx, handshakeKey{}, h)
}

// noteAsked takes down that the server asks for a certificate.
func noteAsked(ctx context.Context) {
	if h, ok := ctx.Value(handshakeKey{}).(*handshake); ok {
		h.asked.Store(true)
	}
}

// refusal returns why the server refused the client, if that is why a request failed with err. In HTTP/2, which a client with
// a certificate does not speak, a request may learn no more than that its connection is no good; then a later one does.
func (h *handshake) refusal(err error) error {
	alert := alertIn(err)
	if alert == nil {
		alert = alertIn(h.lastWords())
	}
	switch {
	case alert == nil:
		return nil
	case slices.ContainsFunc(aboutCertificates, func(a tls.AlertError) bool { return a.Error() == alert.Error() }),
		h.asked.Load() && alert.Error() == handshakeFailure.Error():
		return &refusedError{alert: alert, certified: h.certified}
	}
	return nil
}

// lastWords returns what the reading of a connection of HTTP/1.1 ended with. The transport drops it when the writing failed
// as well.
func (h *handshake) lastWords() error {
	conn, ok := h.conn.Conn.(*tls.Conn)
	if !ok || conn.ConnectionState().NegotiatedProtocol == "h2" { // others may be using it
		return nil
	}
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // no more is read than was
	_, err := conn.Read(make([]byte, 1))
	return err
}

// alertIn returns the alert of TLS by which the other side ended a connection, or nil.
func alertIn(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" {
		return e.Err
	}
	return nil
}

// refusedError is a handshake that the server ended because of the client's certificate.
type refusedError struct {
	alert     error
	certified bool
}

func (e *refusedError) Error() string {
	why := strings.TrimPrefix(e.alert.Error(), "tls: ")
	if !e.certified {
		return "the server asks for a client certificate, and there is none (" + why + ")"
	}
	return "the server refuses the client certificate: " + why
}

func (e *refusedError) Unwrap() error { return e.alert }

// patientConn has a write that fails wait until the other side was heard out. In TLS 1.3 a client sends its request before
// the server has looked at its certificate. A server that refuses it says why and hangs up, at which the rest of the
// request cannot be written; and the transport closes a connection at once when a write fails.
type patientConn struct {
	net.Conn
	heard func() // closes over
	over  chan struct{}
}

// maxPatience is how long a write waits at most; mostly, what was said is there already.
const maxPatience = time.Second

func newPatientConn(conn net.Conn) *patientConn {
	over := make(chan struct{})
	return &patientConn{Conn: conn, over: over, heard: sync.OnceFunc(func() { close(over) })}
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.heard()
	}
	return n, err
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		select {
		case <-c.over:
		case <-time.After(maxPatience):
		}
	}
	return n, err
}

// SetWriteDeadline is called by who says goodbye, and so has read all that is to be read.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	c.heard()
	return c.Conn.SetWriteDeadline(t)
}

func (c *patientConn) Close() error {
	c.heard()
	return c.Conn.Close()
}

func (c *Client) dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newPatientConn(conn), nil
}
