// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"crypto/x509"
	"testing"
)

// A protocol is what vendors of a kind speak. The suite says what a vendor does with a message, a protocol how it
// says so.
type protocol interface {
	// vendor returns a vendor's stand-in.
	vendor(t testing.TB, c Case, does deed) *vendor

	// careless returns the makers of stand-ins that answer with all they were told, by how they do.
	careless() map[string]func(testing.TB) *vendor

	// point changes the members of a config so that it leads to the address of a stand-in.
	point(t testing.TB, c Case, members map[string]any, address string)

	// private is an address like a stand-in's that may not be reached.
	private() string

	// roots are who signs the certificates of stand-ins; nil where they have none.
	roots() *x509.CertPool

	// testOutcome has a vendor give each answer that means something of its own.
	testOutcome(t *testing.T, c Case)

	// testStrangers has somebody else answer in the vendor's place.
	testStrangers(t *testing.T, c Case)
}

// A deed is what a stand-in does when it has been brought a message.
type deed int

const (
	accepts    deed = iota // says what the vendor says when all is well
	defers                 // refuses it for now
	hangsUp                // closes the connection in place of an answer
	stalls                 // says nothing until the other side hangs up
	limits                 // refuses it as too large
	limitsOnce             // refuses the first as too large, and accepts what follows
)

// protocol returns what the vendor of a type speaks.
func (c Case) protocol(t testing.TB) protocol {
	t.Helper()
	switch c.Protocol {
	case "":
		return overHTTP{}
	case "smtp":
		return overSMTP{}
	}
	t.Fatalf("%s/suite.json: there is no protocol %q", c.Dir, c.Protocol)
	return nil
}

func (c Case) vendor(t testing.TB, does deed) *vendor {
	t.Helper()
	return c.protocol(t).vendor(t, c, does)
}
