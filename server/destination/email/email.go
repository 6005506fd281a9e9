// SPDX-License-Identifier: MPL-2.0

// Package email sends alerts as mail, through an SMTP server that relays it.
//
//	email.go      what a user sets, and sending: one attempt
//	config.go     what is right in a config
//	message.go    the mail: its header and its two parts
//	content.go    what both parts say
//	html.go       the part that most people read
//	text.go       the part for all others
//	size.go       what fits
//	session.go    the conversation with the mail server
//	auth.go       signing in
//	answer.go     what the mail server's answers mean
//	reached.go    who has the mail already
//
// The conversation is that of RFC 5321 (https://www.rfc-editor.org/rfc/rfc5321), the mail that of RFC 5322. Each attempt
// has a connection of its own: mail servers hang up soon on one that is idle.
package email

import (
	"cmp"
	"context"
	"crypto/x509"
	"strings"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the e-mail destination. How many mails a server takes is a matter of the server.
var Type = destination.Define("email", New)

// Config is what a user sets. Addresses are as in a mail's header, with or without a name: SOC <soc@example.com>.
type Config struct {
	Host          string        `json:"host"`
	Port          int           `json:"port,omitempty"` // 0 is what is usual with Security
	Security      string        `json:"security"`
	ServerName    string        `json:"server_name,omitempty"`    // in the server's certificate; "" is Host
	CACertificate string        `json:"ca_certificate,omitempty"` // PEM; "" is those the system trusts
	Username      string        `json:"username,omitempty"`       // "" is not to sign in
	Password      secret.String `json:"password,omitzero"`
	AuthMechanism string        `json:"auth_mechanism"`
	HELOName      string        `json:"helo_name,omitempty"` // "" is the domain of From

	From          string   `json:"from"`
	To            []string `json:"to,omitempty"`
	Cc            []string `json:"cc,omitempty"`
	Bcc           []string `json:"bcc,omitempty"`
	ReplyTo       string   `json:"reply_to,omitempty"`
	SubjectPrefix string   `json:"subject_prefix,omitempty"`
	render.Templates
}

// The values of Config.Security: how the connection is encrypted.
const (
	StartTLS = "starttls" // it becomes so before anything else is said, or is given up
	TLS      = "tls"      // from its first byte
	None     = "none"     // not at all
)

// SetDefaults sets what is absent from a user's config.
func (c *Config) SetDefaults() {
	c.Security = StartTLS
	c.AuthMechanism = Auto
}

type sender struct {
	config    Config
	addresses addresses
	templates *render.TemplateSet
	roots     *x509.CertPool // nil: those of env
	reached   reached
	env       destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	templates, err := c.Compile(escape)
	if err != nil {
		return nil, err
	}
	parsed, _ := c.addresses() // it is valid
	return &sender{config: c, addresses: parsed, templates: templates, roots: destination.Authorities(c.CACertificate), env: env}, nil
}

// Render returns the parts of the mail as JSON.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	mail := s.compose(m)
	return destination.Rendering{Body: mail.json(), Truncated: mail.truncated, Notes: mail.notes}, nil
}

// Send makes one attempt.
//
// Of several recipients some may be refused. Those who are not get the mail at once. Who was refused for good is named
// in the receipt of a delivery that succeeded; it fails only when nobody is left. Who is to be tried later, as when a
// server greylists, makes it a retry, which leaves out whom the mail has reached. The process remembers who that is and
// nothing else does: after a restart, a change to the destination or a thousand other such deliveries they get the
// mail twice, with the same Message-ID.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	mail := s.compose(m)
	mail.final = sync.OnceValue(func() bool { return !shrink.Possible(s, m) })
	receipt, err := s.attempt(ctx, mail)
	receipt.Truncated = mail.truncated
	return receipt, err
}

// attempt tries to send a mail to all whom it has not reached.
func (s *sender) attempt(ctx context.Context, mail *mail) (destination.Receipt, error) {
	rest, had := s.reached.without(mail.deliveryID, s.addresses.recipients)
	session, sent, err := s.converse(ctx, mail, rest)
	if err == nil {
		return s.conclude(mail, session, sent, had)
	}
	a, ok := answerOf(err)
	if !ok {
		return destination.Receipt{}, err
	}
	receipt := destination.Receipt{StatusCode: a.code, Message: session.excerpt(a.full())}
	switch {
	case a.temporary():
		return receipt, err
	case a.tooLarge() && (had == 0 || !mail.final()): // a smaller one goes to the rest alone
		return receipt, destination.TooLarge(err, 0)
	case had == 0:
		return receipt, destination.Permanent(err)
	}
	receipt.Message = session.excerpt(a.full() + "; refused " + strings.Join(rest, ", "))
	s.reached.forget(mail.deliveryID)
	return receipt, nil
}

// converse has the whole conversation with the server. The session, which has ended, is not nil.
func (s *sender) converse(ctx context.Context, mail *mail, recipients []string) (*session, sending, error) {
	session, err := s.connect(ctx)
	if err != nil {
		return session, sending{}, err
	}
	defer session.end()
	if err := session.fits(mail); err != nil {
		return session, sending{}, err
	}
	sent, err := session.send(mail, recipients)
	return session, sent, err
}

// conclude says what became of a mail about whose recipients the server has decided. had is how many had it before.
func (s *sender) conclude(mail *mail, session *session, sent sending, had int) (destination.Receipt, error) {
	reached := had + len(sent.accepted)
	decisive := sent.decisive()
	receipt := destination.Receipt{StatusCode: decisive.code, Message: session.excerpt(sent.summary())}
	if len(sent.accepted) > 0 {
		receipt.ExternalID = cmp.Or(session.excerpt(queueID(sent.last.text)), mail.id)
	}
	switch {
	case decisive.temporary():
		s.reached.add(mail.deliveryID, sent.accepted)
		return receipt, &partialError{reached: reached, all: len(s.addresses.recipients), answer: decisive}
	case reached == 0 && decisive.tooLarge():
		return receipt, destination.TooLarge(decisive, 0)
	case reached == 0:
		return receipt, destination.Permanent(decisive)
	}
	s.reached.forget(mail.deliveryID)
	return receipt, nil
}

// Timeout is longer than usual: while a server looks for spam in a mail, or makes strangers wait, it is silent.
func (s *sender) Timeout() time.Duration { return time.Minute }
