// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A MailServer is a real SMTP server, on a port of this machine. It is set up before the first connection.
type MailServer struct {
	Addr  string
	Close func() // nobody listens any more

	Plain      bool     // offers no STARTTLS
	TLS        bool     // speaks TLS from the first byte
	MaxBytes   int64    // what it announces as the largest mail; 0 is none
	Mechanisms []string // of signing in; by default PLAIN, with any user and password

	// What it answers: nil, or a function that is not set, is yes. The errors are of [SMTPError].
	SignIn func(mechanism string) sasl.Server
	Hello  func() error
	Sender func(from string) error
	Rcpt   func(to string) error
	Mail   func(m Mail) error

	server *smtp.Server
	log    lockedBuffer
	mu     sync.Mutex
	mails  []Mail
	conns  int
}

// Mail is a mail as a server got it.
type Mail struct {
	From       string
	Recipients []string
	Raw        []byte
	Encrypted  bool
	User       bool     // somebody had signed in
	Conn       net.Conn // to the sender
}

// SMTPError is what a server answers; see [MailServer].
func SMTPError(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// StartMail starts a server once setUp has set it up.
func StartMail(t testing.TB, setUp func(*MailServer)) *MailServer {
	t.Helper()
	s := &MailServer{}
	if setUp != nil {
		setUp(s)
	}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if s.Hello != nil {
			if err := s.Hello(); err != nil {
				return nil, err
			}
		}
		return &mailSession{server: s, conn: c}, nil
	}))
	s.server.Domain = "smtp.example.com"
	s.server.AllowInsecureAuth = true
	s.server.MaxMessageBytes = s.MaxBytes
	s.server.MaxLineLength = 1000 // https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.6
	s.server.Debug = &s.log
	s.server.ErrorLog = log.New(io.Discard, "", 0) // of clients that hang up
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = listener.Addr().String()
	listener = &countingListener{Listener: listener, server: s}
	if !s.Plain {
		s.server.TLSConfig = MailTLS()
	}
	if s.TLS {
		listener = tls.NewListener(listener, MailTLS())
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.server.Serve(listener) })
	s.Close = func() {
		_ = s.server.Close()
		_ = listener.Close() // which the server knows of only once it serves
	}
	t.Cleanup(func() {
		s.Close()
		serving.Wait()
	})
	return s
}

// Mails returns what it got, also what it refused after it had got it.
func (s *MailServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections counts those made so far.
func (s *MailServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Heard is all that was said, in both directions and without the encryption.
func (s *MailServer) Heard() string { return s.log.String() }

type countingListener struct {
	net.Listener
	server *MailServer
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.server.mu.Lock()
		l.server.conns++
		l.server.mu.Unlock()
	}
	return conn, err
}

// mailSession is a conversation as the server sees it.
type mailSession struct {
	server *MailServer
	conn   *smtp.Conn
	mail   Mail
	user   bool
}

func (s *mailSession) Reset()        { s.mail = Mail{} }
func (s *mailSession) Logout() error { return nil }

func (s *mailSession) AuthMechanisms() []string {
	if s.server.Mechanisms != nil {
		return s.server.Mechanisms
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	if s.server.SignIn != nil {
		return &signedIn{Server: s.server.SignIn(mechanism), session: s}, nil
	}
	if mechanism != sasl.Plain {
		return nil, errors.New("that is not offered")
	}
	return &signedIn{Server: sasl.NewPlainServer(func(_, _, _ string) error { return nil }), session: s}, nil
}

// signedIn notes when somebody has signed in.
type signedIn struct {
	sasl.Server
	session *mailSession
}

func (a *signedIn) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = a.Server.Next(response)
	a.session.user = done && err == nil
	return challenge, done, err
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	if s.server.Sender == nil {
		return nil
	}
	return s.server.Sender(from)
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.Rcpt != nil {
		if err := s.server.Rcpt(to); err != nil {
			return err
		}
	}
	s.mail.Recipients = append(s.mail.Recipients, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	m := s.mail
	m.Raw, m.Encrypted, m.User, m.Conn = raw, encrypted, s.user, s.conn.Conn()
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, m)
	s.server.mu.Unlock()
	if s.server.Mail == nil {
		return SMTPError(250, "2.0.0 Ok: queued as 4bX2kq3fQ1zW7vR")
	}
	return s.server.Mail(m)
}

// lockedBuffer is a buffer for several writers.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// mailAuthority signs the certificate of mail servers, for 127.0.0.1 and smtp.example.com.
var mailAuthority = sync.OnceValue(func() (made struct {
	pem    string
	server tls.Certificate
},
) {
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "alertrouter's tests"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		}
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	}
	rootKey, serverKey := key(), key()
	root, server := template(1), template(2)
	root.IsCA, root.KeyUsage = true, x509.KeyUsageCertSign
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.IPAddresses, server.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"smtp.example.com"}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		panic(err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, root, &serverKey.PublicKey, rootKey)
	if err != nil {
		panic(err)
	}
	made.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	made.server = tls.Certificate{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}
	return made
})

// MailTLS is the TLS of mail servers.
func MailTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{mailAuthority().server}}
}

// MailRoot is the certificate in PEM of the authority that mail servers have theirs from.
func MailRoot() string { return mailAuthority().pem }
