// SPDX-License-Identifier: MPL-2.0

// Package outbound is the one HTTP client destinations use: it decides who may be reached, bounds every phase of an
// exchange and keeps what is secret out of errors.
//
//	outbound.go   Client: one exchange, no redirects, no proxies, capped answers
//	identity.go   a client with a certificate or authorities of its own
//	handshake.go  why a server refused a client in TLS
//	doer.go       the same for vendors' libraries
//	direct.go     exchanges in plain HTTP, made on the caller's goroutine
//	idle.go       the connections kept for them
//	peek_*.go     whether such a connection is still good
//	guard.go      which addresses may be dialled, judged on the address itself, after the name was resolved
//	errors.go     what an error says, and whether the request had gone out
//	excerpt.go    what is shown of an answer
//	mask.go       finding secrets in it, however they are escaped
package outbound

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
)

// MaxBody is how much of an answer's body is read, unless [WithMaxBody] says more; the rest is dropped.
const MaxBody = 64 << 10

// The bounds of the phases of an exchange. The whole of it is bounded by the caller's context, and by maxExchange
// when that has no deadline.
const (
	dialTimeout      = 10 * time.Second // looking the name up included
	handshakeTimeout = 10 * time.Second
	maxExchange      = 2 * time.Minute
	maxHeaderBytes   = 64 << 10
)

// Connections are kept for as many attempts as run at the same time at one host, and given up before the usual
// server or load balancer does (60 s), so that a request is rarely written to a connection just being closed.
const (
	idlePerHost = 64
	idleInAll   = 512
	idleTimeout = 30 * time.Second
)

// Options say how a Client reaches the world.
type Options struct {
	Allow     []netip.Prefix // networks that may be reached although they are not public
	UserAgent string         // what a request that sets none says; "" is "alertrouter"
	RootCAs   *x509.CertPool // whom TLS trusts; nil is the system's
	Resolver  *net.Resolver  // how names are looked up; nil is the system's
}

// Client makes single HTTP exchanges. It is safe for concurrent use and shares its connections among all users.
type Client struct {
	guard     guard
	dialer    *net.Dialer
	direct    *direct // for what it takes
	transport *http.Transport
	userAgent []string // as a header has it
	identity  Identity
	onlyTLS   bool
}

// WithMaxBody has the exchanges of a context read up to n bytes of an answer's body in place of [MaxBody]: a list of what
// there is at the destination may be long.
func WithMaxBody(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, maxBodyKey{}, n)
}

type maxBodyKey struct{}

func maxBody(ctx context.Context) int64 {
	if n, ok := ctx.Value(maxBodyKey{}).(int64); ok {
		return n
	}
	return MaxBody
}

// Response is an answer. Body holds at most [MaxBody] bytes, and less than was sent when the answer broke off: the
// status had arrived by then, and it is what counts.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{guard: newGuard(o.Allow), userAgent: []string{cmp.Or(o.UserAgent, "alertrouter")}, identity: Identity{RootCAs: o.RootCAs}}
	c.dialer = &net.Dialer{
		Timeout:  dialTimeout,
		Resolver: o.Resolver,
		Control:  c.guard.control,
	}
	c.direct = &direct{dial: c.dial}
	c.transport = c.newTransport()
	return c
}

func (c *Client) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            c.dialPatiently,
		TLSClientConfig:        c.TLSConfig(""),
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           idleInAll,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true, // a small answer must not unfold into a large one
		// HTTP/2 hides what a server has against a certificate: the transport opens another connection, or says only that
		// this one is no good.
		ForceAttemptHTTP2: c.identity.Certificate == nil,
		// Without pings a connection that died silently would take every attempt with it for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// Do sends req and reads the answer, whatever its status; a redirect is an answer too. The error wraps [ErrBlocked]
// when the address may not be reached, [ErrBadRequest] when the request is not one this client sends and
// [ErrNeedsOperator] when somebody must mend a name or a certificate; see also [WasSent]. Its text names the host and no other part of the URL.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	if err := checkURL(req); err != nil {
		return nil, err
	}
	if c.onlyTLS && req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%w: its URL must start with https://, since there is a certificate for it", ErrBadRequest)
	}
	exchange := c.viaTransport
	if c.direct != nil && c.direct.takes(req) {
		exchange = c.direct.exchange
	}
	resp, sent, err := exchange(ctx, c.signed(req))
	if err != nil {
		return nil, &exchangeError{host: req.URL.Host, sent: sent, err: err}
	}
	return resp, nil
}

// signed returns req with a User-Agent. The caller's request is not changed.
func (c *Client) signed(req *http.Request) *http.Request {
	if req.Header.Get("User-Agent") != "" {
		return req
	}
	header := make(http.Header, len(req.Header)+1)
	maps.Copy(header, req.Header)
	header["User-Agent"] = c.userAgent
	signed := *req
	signed.Header = header
	return &signed
}

// viaTransport makes an exchange that needs more than direct has: TLS, HTTP/2, a large body.
func (c *Client) viaTransport(ctx context.Context, req *http.Request) (_ *Response, wasSent bool, err error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxExchange)
		defer cancel()
	}
	var sent atomic.Bool
	shown := &handshake{certified: c.identity.Certificate != nil}
	ctx = httptrace.WithClientTrace(shown.watch(ctx), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { shown.conn = info },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				sent.Store(true)
			}
		},
	})
	// The transport, not an http.Client: there is nothing to follow, no cookie, and no URL in the error.
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if refusal := shown.refusal(err); refusal != nil {
			return nil, sent.Load() && shown.conn.Reused, refusal
		}
		return nil, sent.Load(), err
	}
	defer func() { _ = resp.Body.Close() }()
	// Reading to the end lets the connection be used again; an answer over the cap costs its connection.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody(ctx)))
	return &Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body}, true, nil
}

// DialContext opens a TCP connection under the same guard, for destinations that do not speak HTTP. It fails as
// [Client.Do] does.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, &exchangeError{host: address, err: err}
	}
	return conn, nil
}

// Close gives up the connections that are not in use; the client stays usable.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	if c.direct != nil {
		c.direct.idle.close()
	}
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: the address needs a host and a port", ErrBadRequest)
	}
	if err := checkHost(host); err != nil {
		return nil, err
	}
	return c.dialer.DialContext(ctx, network, address)
}

func checkURL(req *http.Request) error {
	if req.URL == nil {
		return fmt.Errorf("%w: it has no URL", ErrBadRequest)
	}
	if fault := urlFault(req.URL); fault != "" {
		return fmt.Errorf("%w: its URL %s", ErrBadRequest, fault)
	}
	return nil
}

// CheckURL returns what is wrong with a URL that a destination is to call, as the end of a sentence that does not
// quote it ("must not hold a user name or password"), and "" when [Client.Do] takes it. Whether the address may be
// reached is known only when it is dialled. What is read from a file mostly ends in a line break, which is not the URL's.
func CheckURL(text string) string {
	if text != strings.TrimSpace(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "must be without line breaks, and without space around it"
	}
	u, err := url.Parse(text)
	if err != nil {
		return "is not a URL"
	}
	return urlFault(u)
}

// Blocked says why a URL can never be reached, or "": its host is no name but an address that may not be dialled. What a
// name stands for is found out at each attempt.
func (c *Client) Blocked(text string) string {
	u, err := url.Parse(text)
	if err != nil || urlFault(u) != "" {
		return ""
	}
	return c.BlockedHost(u.Hostname())
}

// BlockedHost says the same of a host without a URL.
func (c *Client) BlockedHost(host string) string {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if checkHost(host) != nil {
			return "the host is neither a name nor an IP address in its usual form"
		}
		return ""
	}
	if err := c.guard.check(addr.Unmap().WithZone("")); err != nil {
		return err.Error()
	}
	return ""
}

func urlFault(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "must start with https:// or http://"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "must not hold a user name or password"
	case !validPort(u.Port()):
		return "must have a port from 1 to 65535"
	}
	return ""
}

// validPort reports whether a port exists; none is the scheme's own.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
