// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"crypto/tls"
	"crypto/x509"
)

// Identity is who a destination is in TLS, and whom it believes.
type Identity struct {
	Certificate *tls.Certificate // what a server is shown that asks for one; nil is none
	RootCAs     *x509.CertPool   // whom TLS trusts; nil is whom the client it is made of does
}

// As returns a client with an identity. It has the guard and the bounds of c, and connections of its own: none of them ever
// serves anybody else, and it uses none of another. It speaks TLS only: to a request in plain HTTP it says [ErrBadRequest].
// What it keeps is closed 30 s after its last use, so one that is not needed any more can be dropped.
func (c *Client) As(i Identity) *Client {
	if i.RootCAs == nil {
		i.RootCAs = c.identity.RootCAs
	}
	as := &Client{guard: c.guard, dialer: c.dialer, userAgent: c.userAgent, identity: i, onlyTLS: true}
	as.transport = as.newTransport()
	return as
}

// TLSConfig returns how TLS is spoken with a server of that name, for destinations that do not speak HTTP. It is the
// caller's from now on.
func (c *Client) TLSConfig(serverName string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.identity.RootCAs, ServerName: serverName}
	config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		noteAsked(info.Context())
		if c.identity.Certificate == nil {
			return &tls.Certificate{}, nil
		}
		// Whatever authorities the server names: one that gets no certificate says less of what is wrong than one that
		// gets a certificate it does not know.
		return c.identity.Certificate, nil
	}
	return config
}
