// SPDX-License-Identifier: MPL-2.0

package email

import (
	"net"
	netmail "net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// The limits of RFC 5321, section 4.5.3.1 (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1), in bytes. A server
// takes at least 100 recipients; Amazon SES takes 50 (https://docs.aws.amazon.com/ses/latest/dg/quotas.html).
const (
	maxLocal      = 64
	maxDomain     = 253
	maxAddress    = 254
	maxRecipients = 50
)

// Limits of our own.
const (
	maxName     = 100
	maxPrefix   = 50 // in characters
	maxUsername = 320
	maxPassword = 8 << 10 // access tokens are long
)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Check("/host", hostFault(c.Host))
	faults.Optional("/server_name", c.ServerName, hostFault)
	faults.Optional("/helo_name", c.HELOName, heloFault)
	if c.Port < 0 || c.Port > 65535 {
		faults.Check("/port", "must be from 1 to 65535")
	}
	faults.Check("/security", destination.OneOf(StartTLS, TLS, None)(c.Security))
	faults.Optional("/ca_certificate", c.CACertificate, destination.CertificatesFault)
	if c.Security == None && (c.ServerName != "" || c.CACertificate != "") {
		faults.Check("/security", "is none, so server_name and ca_certificate mean nothing: remove them or set starttls or tls")
	}
	c.validateAuth(&faults)
	c.validateAddresses(&faults)
	faults.Check("/subject_prefix", prefixFault(c.SubjectPrefix))
	faults.Take(c.Templates.Validate(escape))
	return faults.Err()
}

func (c Config) validateAuth(faults *destination.Faults) {
	switch {
	case c.Username == "" && c.Password.IsSet():
		faults.Check("/username", "is required with a password")
	case c.Username != "" && !c.Password.IsSet():
		faults.Check("/password", "is required with a username")
	}
	if c.Username != "" && c.Security == None {
		faults.Check("/username", "is never sent over a connection that is not encrypted: set security to starttls or tls")
	}
	if len(c.Username) > maxUsername || !printable(c.Username) {
		faults.Check("/username", "must have at most 320 bytes and no control characters")
	}
	if password := c.Password.Reveal(); len(password) > maxPassword || !printable(password) {
		faults.Check("/password", "must have at most 8 KiB and no control characters")
	}
	if _, known := mechanisms[c.AuthMechanism]; !known && c.AuthMechanism != Auto {
		faults.Check("/auth_mechanism", "must be auto, plain, login, cram_md5, scram_sha_256 or xoauth2")
	}
}

func (c Config) validateAddresses(faults *destination.Faults) {
	parsed, err := c.addresses()
	faults.Take(problem.FieldsOf(err))
	if n := len(c.To) + len(c.Cc) + len(c.Bcc); n == 0 {
		faults.Check("/to", "needs a recipient, unless cc or bcc has one")
	} else if n > maxRecipients {
		faults.Add("/to", "has, with cc and bcc, %d recipients; at most %d can be had: use a mailing list", n, maxRecipients)
	} else if err == nil && len(parsed.recipients) < n {
		faults.Check("/to", "has, with cc and bcc, the same recipient twice")
	}
}

// addresses are those of a config, read.
type addresses struct {
	from, replyTo *netmail.Address // replyTo may be nil
	to, cc        []*netmail.Address
	recipients    []string // of to, cc and bcc; each once
}

// domain is that of the sender.
func (a addresses) domain() string {
	return a.from.Address[strings.LastIndexByte(a.from.Address, '@')+1:]
}

// addresses reads the addresses; the error names every wrong one.
func (c Config) addresses() (addresses, error) {
	var a addresses
	var faults destination.Faults
	read := func(name, text string) *netmail.Address {
		address, fault := parseAddress(text)
		faults.Check(name, fault)
		return address
	}
	list := func(name string, texts []string) []*netmail.Address {
		var all []*netmail.Address
		for i, text := range texts {
			address := read(name+"/"+strconv.Itoa(i), text)
			if address == nil {
				continue
			}
			all = append(all, address)
			same := func(other string) bool { return strings.EqualFold(other, address.Address) }
			if !slices.ContainsFunc(a.recipients, same) {
				a.recipients = append(a.recipients, address.Address)
			}
		}
		return all
	}
	a.from = read("/from", c.From)
	a.to, a.cc = list("/to", c.To), list("/cc", c.Cc)
	list("/bcc", c.Bcc)
	if c.ReplyTo != "" {
		a.replyTo = read("/reply_to", c.ReplyTo)
	}
	return a, faults.Err()
}

// local is the part of an address before the @, in the form that needs no quotes: dot-atom of
// https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3
var local = regexp.MustCompile("^[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(\\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*$")

// parseAddress reads an address as it stands in a mail's header; it is nil where there is a fault. What is not ASCII
// may stand in the name only: a mail server need not know SMTPUTF8, and the domain has a form in ASCII.
func parseAddress(text string) (address *netmail.Address, fault string) {
	if text == "" {
		return nil, "is required"
	}
	if !printable(text) {
		return nil, "must not hold control characters or line breaks"
	}
	address, err := netmail.ParseAddress(text)
	if _, group := netmail.ParseAddressList("x: " + text + ";"); err != nil || group != nil { // a group of one parses, but not in a group
		return nil, "must be one address, such as soc@example.com or SOC <soc@example.com>"
	}
	at := strings.LastIndexByte(address.Address, '@')
	name, domain := address.Address[:at], address.Address[at+1:]
	switch {
	case !ascii(domain):
		return nil, "must have the domain in its ASCII form, such as xn--mnchen-3ya.example for münchen.example"
	case !ascii(name):
		return nil, "must be ASCII before the @: many mail servers take nothing else"
	case !local.MatchString(name) || len(name) > maxLocal || len(address.Address) > maxAddress || nameFault(domain) != "":
		return nil, "must be an address without quotes or comments, such as soc@example.com"
	case utf8.RuneCountInString(address.Name) > maxName || !printable(address.Name):
		return nil, "must have a name of at most 100 characters, without control characters"
	}
	return address, ""
}

var (
	label     = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?$`)
	badLabels = "must be a host name in ASCII, such as smtp.example.com"
)

// nameFault says what is wrong with a host's or domain's name.
func nameFault(name string) string {
	if len(name) > maxDomain {
		return badLabels
	}
	for l := range strings.SplitSeq(name, ".") {
		if !label.MatchString(l) {
			return badLabels
		}
	}
	return ""
}

// hostFault takes a name, or an IP address, but no URL and no port.
func hostFault(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	switch {
	case host == "":
		return "is required"
	case nameFault(host) != "":
		return "must be a host name in ASCII, such as smtp.example.com, or an IP address, without port or scheme"
	}
	return ""
}

// literal is an address in brackets, where one of IPv6 has a tag: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.3
var literal = regexp.MustCompile(`^\[((?i:IPv6:))?(.*)\]$`)

// heloFault takes a name, or a literal.
func heloFault(name string) string {
	if parts := literal.FindStringSubmatch(name); parts != nil {
		address, err := netip.ParseAddr(parts[2])
		if err == nil && address.Zone() == "" && address.Is4() == (parts[1] == "") {
			return ""
		}
	}
	if nameFault(name) != "" {
		return "must be a host name in ASCII, such as alerts.example.com, or an address such as [198.51.100.7] or [IPv6:2001:db8::7]"
	}
	return ""
}

func prefixFault(prefix string) string {
	if utf8.RuneCountInString(prefix) > maxPrefix || !printable(prefix) || prefix != render.Line(prefix) {
		return "must be one line of at most 50 characters, without space around it"
	}
	return ""
}

// printable reports whether a text is [destination.Printable] and has no line breaks that are no control characters either.
func printable(text string) bool {
	return destination.Printable(text) && !strings.ContainsAny(text, "\u2028\u2029")
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// address is where the mail server listens.
func (c Config) address() string {
	port := c.Port
	if port == 0 {
		port = map[string]int{StartTLS: 587, TLS: 465, None: 25}[c.Security]
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(port))
}

func (c Config) heloName() string {
	if c.HELOName != "" {
		return c.HELOName
	}
	a, _ := c.addresses()
	return a.domain()
}
