// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

var (
	// ErrBlocked is wrapped by the error for an address that may not be reached.
	ErrBlocked = errors.New("the address may not be reached")

	// ErrBadRequest is wrapped by the error for a request that cannot be sent by anybody, today or later.
	ErrBadRequest = errors.New("the request cannot be sent")

	// ErrNeedsOperator is wrapped by the error for a name that does not exist, a certificate that cannot be verified, or a
	// server that does not accept the client's. It may pass, as names and certificates are renewed, but mostly a person
	// must mend something.
	ErrNeedsOperator = errors.New("somebody must mend the name or the certificate")
)

// WasSent reports whether err came after the request had been written completely: the other side may have acted on it.
func WasSent(err error) bool {
	e, ok := errors.AsType[*exchangeError](err)
	return ok && e.sent
}

// Failed is the error for an exchange with host that a destination made on a connection of [Client.DialContext]. sent
// tells whether the message had been written completely: see [WasSent]. As with [Client.Do], the text quotes nothing
// that the other side sent.
func Failed(host string, sent bool, err error) error {
	return &exchangeError{host: host, sent: sent, err: err}
}

// blockedError tells the operator which setting would let the address through.
type blockedError struct {
	addr netip.Addr
	kind string
}

func (e *blockedError) Error() string {
	return fmt.Sprintf("%s is %s; start the server with --allow-network %s (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		e.addr, e.kind, netip.PrefixFrom(e.addr, e.addr.BitLen()))
}

func (e *blockedError) Is(err error) bool { return err == ErrBlocked }

// exchangeError is a failed exchange. The texts of net/http quote what the other side sent, which may be a URL sent
// back, so only texts that cannot are passed on; the chain below keeps the cause for errors.Is and errors.As.
type exchangeError struct {
	host string
	sent bool
	err  error
}

func (e *exchangeError) Unwrap() error { return e.err }

func (e *exchangeError) Is(err error) bool {
	if err != ErrNeedsOperator {
		return false
	}
	name, isName := errors.AsType[*net.DNSError](e.err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](e.err)
	_, isRefusal := errors.AsType[*refusedError](e.err)
	return isName && name.IsNotFound || isCertificate || isRefusal
}

func (e *exchangeError) Error() string {
	text := e.host + ": " + reason(e.err)
	if e.sent {
		text += "; the request had been sent"
	}
	return text
}

func reason(err error) string {
	if e, ok := errors.AsType[*blockedError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name cannot be resolved: " + e.Err
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*refusedError](err); ok {
		return e.Error()
	}
	var timeout net.Error
	switch {
	case errors.Is(err, ErrBadRequest):
		return err.Error()
	case errors.Is(err, context.Canceled):
		return "given up"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before an answer"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "answers in plain HTTP, not HTTPS"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + e.Err.Error() // without the addresses, which change from one attempt to the next
	}
	if text := err.Error(); strings.HasPrefix(text, "tls: ") {
		return text
	}
	return "the exchange failed"
}
