// SPDX-License-Identifier: MPL-2.0

package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

const (
	maxSession   = 2 * time.Minute // of an attempt whose context has no deadline
	maxFarewell  = 2 * time.Second // how long QUIT may take, when all has been said
	maxFromThere = 1 << 20         // how much a server may say, in bytes
)

// session is a conversation with the mail server.
type session struct {
	config  Config
	address string // host and port
	ctx     context.Context
	conn    net.Conn
	client  *smtp.Client
	stop    func() bool     // of what ends the conversation with its context
	secrets []secret.String // what must not be seen in an answer
	over    bool            // the connection cannot be used any more
}

// connect begins a conversation: it is encrypted as the config says, and the user has signed in. The session is not nil
// beside an error, but has ended.
func (s *sender) connect(ctx context.Context) (*session, error) {
	c := s.config
	n := &session{config: c, address: c.address(), ctx: ctx, secrets: []secret.String{c.Password}}
	conn, err := s.env.HTTP.DialContext(ctx, "tcp", n.address)
	if err != nil {
		return n, err // it says all there is to say
	}
	n.conn = &frugalConn{Conn: conn, left: maxFromThere}
	n.bound()
	if err := n.begin(s.tlsConfig()); err != nil {
		err = n.fault(err)
		n.end()
		return n, err
	}
	return n, nil
}

func (s *sender) tlsConfig() *tls.Config {
	name := s.config.ServerName
	if name == "" {
		name = s.config.Host
	}
	config := s.env.HTTP.TLSConfig(name)
	if s.roots != nil {
		config.RootCAs = s.roots
	}
	return config
}

// bound gives the conversation the deadline of its context, and ends it with its context.
func (s *session) bound() {
	deadline, bounded := s.ctx.Deadline()
	if !bounded {
		deadline = time.Now().Add(maxSession)
	}
	_ = s.conn.SetDeadline(deadline) // fails only on a connection that is broken, as does what follows
	conn := s.conn
	s.stop = context.AfterFunc(s.ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// begin says hello, encrypts and signs in.
func (s *session) begin(config *tls.Config) error {
	conn := s.conn
	if s.config.Security == TLS {
		secured := tls.Client(s.conn, config)
		if err := secured.HandshakeContext(s.ctx); err != nil {
			return s.notTLS(err)
		}
		conn = secured
	}
	var err error
	if s.client, err = smtp.NewClient(conn, s.config.Host); err != nil {
		return replyOf(greeting, err)
	}
	s.client.SkipSMTPUTF8(true) // all addresses are ASCII, and what comes after them is encoded
	if err := s.client.Hello(s.config.heloName()); err != nil {
		return replyOf(helloStage, err)
	}
	if s.config.Security == StartTLS {
		if err := s.startTLS(config); err != nil {
			return err
		}
	}
	return s.auth()
}

// notTLS says so of an answer without encryption.
func (s *session) notTLS(err error) error {
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return &setupError{s.address + " answers without TLS: is this the port for it, usually 465? With 587 or 25, set security to starttls"}
	}
	return err
}

func (s *session) startTLS(config *tls.Config) error {
	if offered, _ := s.client.Extension("STARTTLS"); !offered {
		return &setupError{s.address + " does not offer STARTTLS, so nothing was sent: is this the port for it, usually 587? If the server " +
			"offers it, somebody between here and there takes it away"}
	}
	return replyOf(tlsStage, s.client.StartTLS(config))
}

// fits reports, as the server would, that it announced a limit which the mail is over.
func (s *session) fits(mail *mail) error {
	_, limit := s.client.Extension("SIZE")
	if n, err := strconv.Atoi(limit); err == nil && n > 0 && len(mail.raw) > n {
		return newAnswer(senderStage, 552, "5.3.4 the mail has "+strconv.Itoa(len(mail.raw))+" bytes and the mail server takes "+limit)
	}
	return nil
}

// send offers a mail for the recipients and sends it if the server takes it for any of them. Where one of them takes only a
// smaller mail, it goes to nobody, as all get that; where there will be none, it goes to the others.
func (s *session) send(mail *mail, recipients []string) (sending, error) {
	var sent sending
	if err := s.client.Mail("<" + mail.addresses.from.Address + ">"); err != nil {
		return sent, s.fault(replyOf(senderStage, err))
	}
	for _, recipient := range recipients {
		err := replyOf(rcptStage, s.client.Rcpt("<"+recipient+">"))
		a, ok := answerOf(err)
		switch {
		case err == nil:
			sent.accepted = append(sent.accepted, recipient)
		case ok && a.code != 421 && (!a.tooLarge() || mail.final()): // after 421 the server hangs up
			sent.refused = append(sent.refused, refusal{recipient, a})
			sent.last = a
		default:
			return sent, s.fault(err)
		}
	}
	if len(sent.accepted) == 0 {
		return sent, nil
	}
	var err error
	sent.last, err = s.data(mail.raw)
	return sent, err
}

// data sends the mail itself. Once its end may have been sent, a lost answer leaves open whether the server has it.
func (s *session) data(mail []byte) (*answer, error) {
	body, err := s.client.Data()
	if err != nil {
		return nil, s.fault(replyOf(dataStage, err))
	}
	_, unsent := body.Write(mail)
	err = replyOf(mailStage, body.Close()) // also to hear why a server hung up in the middle
	if _, ok := answerOf(err); err != nil && !ok {
		return nil, s.lost(err, unsent == nil)
	}
	if err != nil {
		return nil, s.fault(err)
	}
	said := body.(*smtp.DataCloser).ServerResponse()
	return newAnswer(mailStage, 250, said), nil
}

// fault is an error of the conversation before the mail was sent. Answers stay what they are.
func (s *session) fault(err error) error {
	if _, ok := answerOf(err); ok {
		return err
	}
	if _, ok := errors.AsType[*setupError](err); ok {
		return err
	}
	return s.lost(err, false)
}

// lost is the error of a conversation that broke off.
func (s *session) lost(err error, sent bool) error {
	s.over = true
	switch {
	case s.ctx.Err() != nil:
		err = context.Cause(s.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded): // a moment before the context knows, or without its knowing
		err = context.DeadlineExceeded
	}
	return outbound.Failed(s.address, sent, err)
}

// end takes leave of a server that is still there, and hangs up.
func (s *session) end() {
	if s.conn == nil {
		return
	}
	if s.stop() && !s.over && s.client != nil {
		_ = s.conn.SetDeadline(time.Now().Add(maxFarewell))
		_ = s.client.Quit()
	}
	_ = s.conn.Close()
	s.over = true
}

// excerpt is the beginning of what the server said, without secrets.
func (s *session) excerpt(text string) string {
	answer := outbound.Response{Body: []byte(text)}
	return answer.Excerpt(s.secrets...)
}

// frugalConn bounds how much is read, so that a server cannot fill the memory with an endless answer.
type frugalConn struct {
	net.Conn
	left int
}

var errTalkative = textproto.ProtocolError("the mail server says too much")

func (c *frugalConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalkative
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
