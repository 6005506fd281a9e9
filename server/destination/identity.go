// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// maxPEM is the longest a certificate with its chain, a key, or certificates of authorities may be.
const maxPEM = 64 << 10

// Identity is what a config says of TLS, for a type that lets its users say it; the type's Config embeds it.
type Identity struct {
	ClientCertificate string        `json:"client_certificate,omitempty"` // PEM: the certificate, and then those between it and an authority
	ClientKey         secret.String `json:"client_key,omitzero"`          // PEM
	CACertificate     string        `json:"ca_certificate,omitempty"`     // PEM; "" is those the system trusts
}

// IsSet reports whether there is anything.
func (i Identity) IsSet() bool {
	return i.ClientCertificate != "" || i.ClientKey.IsSet() || i.CACertificate != ""
}

// Validate takes down what is wrong. An expired certificate is not: a stored destination has to be readable for ever, and
// whether it is still good is the receiver's to say; see [ExpiredAt].
func (i Identity) Validate(faults *Faults) {
	faults.Optional("/ca_certificate", i.CACertificate, CertificatesFault)
	faults.Optional("/client_certificate", i.ClientCertificate, CertificatesFault)
	faults.Optional("/client_key", i.ClientKey.Reveal(), keyFault)
	switch {
	case i.ClientCertificate == "" && !i.ClientKey.IsSet():
	case i.ClientCertificate == "":
		faults.Add("/client_certificate", "is required beside client_key")
	case !i.ClientKey.IsSet():
		faults.Add("/client_key", "is required beside client_certificate")
	case CertificatesFault(i.ClientCertificate) == "" && keyFault(i.ClientKey.Reveal()) == "":
		if _, err := i.pair(); err != nil { // each is good by itself
			faults.Add("/client_key", "does not belong to client_certificate, whose first certificate must be the client's own")
		}
	}
}

func (i Identity) pair() (tls.Certificate, error) {
	return tls.X509KeyPair([]byte(i.ClientCertificate), []byte(i.ClientKey.Reveal()))
}

// Client returns the client for a valid config's requests: the server's own unless there is anything.
func (i Identity) Client(server *outbound.Client) (*outbound.Client, error) {
	if !i.IsSet() {
		return server, nil
	}
	own := outbound.Identity{RootCAs: Authorities(i.CACertificate)}
	if i.ClientCertificate != "" {
		pair, err := i.pair()
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		own.Certificate = &pair
	}
	return server.As(own), nil
}

// ExpiredAt says, as the end of a sentence about a client certificate in PEM, that it is not good at a time; "" is that it is,
// or that there is none.
func ExpiredAt(text string, now time.Time) string {
	certificates := certificatesIn(text)
	if len(certificates) == 0 {
		return ""
	}
	switch first := certificates[0]; {
	case now.After(first.NotAfter):
		return "expired on " + first.NotAfter.UTC().Format(time.DateOnly) + ": set a new one"
	case now.Before(first.NotBefore):
		return "is not good before " + first.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

// CertificatesFault is the fault of a text that is not of certificates in PEM.
func CertificatesFault(text string) string {
	switch {
	case strings.Contains(text, "PRIVATE KEY"): // also where it is no good
		return "holds a private key, and must hold nothing but certificates: it can be read by whoever may read destinations"
	case certificatesIn(text) == nil:
		return "must be certificates in PEM, each whole and begun on a line of its own, 64 KiB at most, and nothing else"
	}
	return ""
}

// Authorities returns the certificates in a PEM text, or nil if there is none, or anything else.
func Authorities(text string) *x509.CertPool {
	certificates := certificatesIn(text)
	if certificates == nil {
		return nil
	}
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool
}

func certificatesIn(text string) []*x509.Certificate {
	var certificates []*x509.Certificate
	for _, block := range blocksIn(text) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil
		}
		certificates = append(certificates, certificate)
	}
	return certificates
}

// keyFault is the fault of a private key: of a text that is not of one in PEM. What OpenSSL writes before one may stay.
func keyFault(text string) string {
	const form = "must be one private key in PEM, as openssl writes it, and nothing else"
	keys := 0
	for _, block := range blocksIn(text) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return "is encrypted with a passphrase: decrypt it with openssl pkey"
		case strings.HasSuffix(block.Type, "PRIVATE KEY") && isKey(block.Bytes):
			keys++
		case block.Type != "EC PARAMETERS":
			return form
		}
	}
	if keys != 1 {
		return form
	}
	return ""
}

func isKey(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, ec := x509.ParseECPrivateKey(der)
	_, rsa := x509.ParsePKCS1PrivateKey(der)
	return pkcs8 == nil || ec == nil || rsa == nil
}

// begins stands before each block of a PEM text.
const begins = "-----BEGIN "

// remains matches what is left of a block that cannot be read: its last line, or one of its body, which is base64.
var remains = regexp.MustCompile(`(?m)^.*-----END |^\s*[0-9A-Za-z+/]{40,}={0,2}\s*$`)

// blocksIn returns the blocks of a PEM text, before each of which OpenSSL may have written what it is; none where the text
// does not end with a block, or has one that cannot be read: [pem.Decode] passes over those.
func blocksIn(text string) []*pem.Block {
	if len(text) > maxPEM {
		return nil
	}
	var blocks []*pem.Block
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		block, after := pem.Decode([]byte(rest))
		if block == nil {
			return nil
		}
		before, own, _ := strings.Cut(rest[:len(rest)-len(after)], begins)
		if strings.Contains(own, begins) || remains.MatchString(before) {
			return nil
		}
		blocks, rest = append(blocks, block), string(after)
	}
	return blocks
}
