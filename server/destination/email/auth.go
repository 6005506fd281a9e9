// SPDX-License-Identifier: MPL-2.0

package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// The values of Config.AuthMechanism.
const (
	Auto        = "auto" // the first of automatic that the server offers
	Plain       = "plain"
	Login       = "login"
	CRAMMD5     = "cram_md5"
	SCRAMSHA256 = "scram_sha_256"
	XOAuth2     = "xoauth2" // the password is an access token
)

// mechanisms are the values' names in SMTP.
var mechanisms = map[string]string{
	Plain: "PLAIN", Login: "LOGIN", CRAMMD5: "CRAM-MD5", SCRAMSHA256: "SCRAM-SHA-256", XOAuth2: "XOAUTH2",
}

// automatic puts first what does not tell the server the password, and CRAM-MD5 last: a server may offer it and yet
// not keep the password in the form it needs. A token is not a password, so XOAUTH2 is to be asked for.
var automatic = []string{SCRAMSHA256, Plain, Login, CRAMMD5}

// maxIterations bounds the work a server can ask for; those in use ask for a hundredth.
const maxIterations = 1_000_000

// auth signs in, if there is a user. The connection is encrypted: the config cannot have a user without that.
func (s *session) auth() error {
	c := s.config
	if c.Username == "" {
		return nil
	}
	_, offered := s.client.Extension("AUTH")
	mechanism, err := choose(c.AuthMechanism, strings.Fields(strings.ToUpper(offered)))
	if err != nil {
		return err
	}
	spoken := &recordedAuth{Auth: c.auth(mechanism), username: c.Username}
	err = s.client.Auth(spoken)
	s.secrets = append(s.secrets, spoken.sent...)
	err = replyOf(authStage, err)
	if _, said := answerOf(err); err == nil || said || isNetwork(err) {
		return err
	}
	return &setupError{"the mail server's part of signing in with " + mechanisms[mechanism] + " is not right: set another auth_mechanism"}
}

// isNetwork reports whether an error is the connection's, rather than of what was said on it.
func isNetwork(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// choose returns which of the offered mechanisms is used.
func choose(wanted string, offered []string) (string, error) {
	candidates := []string{wanted}
	if wanted == Auto {
		candidates = automatic
	}
	for _, candidate := range candidates {
		if slices.Contains(offered, mechanisms[candidate]) {
			return candidate, nil
		}
	}
	if len(offered) == 0 {
		return "", &setupError{"the mail server offers no way to sign in: is this the port for submission, usually 587 or 465?"}
	}
	names := make([]string, len(candidates))
	for i, candidate := range candidates {
		names[i] = mechanisms[candidate]
	}
	return "", &setupError{"the mail server does not offer to sign in with " + strings.Join(names, ", ") + ": set another auth_mechanism"}
}

func (c Config) auth(mechanism string) smtp.Auth {
	password := c.Password.Reveal()
	switch mechanism {
	case Login:
		return smtp.LoginAuth(c.Username, password, c.Host, false)
	case CRAMMD5:
		return smtp.CRAMMD5Auth(c.Username, password)
	case SCRAMSHA256:
		return smtp.ScramSHA256Auth(c.Username, password)
	case XOAuth2:
		return smtp.XOAuth2Auth(c.Username, password)
	}
	return smtp.PlainAuth("", c.Username, password, c.Host, false)
}

var errWork = errors.New("too much work")

// recordedAuth keeps what is said, since servers like to quote it, and refuses to work for ages.
type recordedAuth struct {
	smtp.Auth
	username string
	sent     []secret.String
}

func (a *recordedAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	name, said, err := a.Auth.Start(server)
	a.keep(said)
	return name, said, err
}

func (a *recordedAuth) Next(fromServer []byte, more bool) ([]byte, error) {
	if more && asksForAges(fromServer) {
		return nil, errWork
	}
	said, err := a.Auth.Next(fromServer, more)
	a.keep(said)
	return said, err
}

// asksForAges looks for the iterations in a challenge of SCRAM: https://www.rfc-editor.org/rfc/rfc5802#section-5.1
func asksForAges(challenge []byte) bool {
	for field := range bytes.SplitSeq(challenge, []byte(",")) {
		if text, ok := bytes.CutPrefix(field, []byte("i=")); ok {
			n, err := strconv.ParseInt(string(text), 10, 64)
			return err != nil || n > maxIterations
		}
	}
	return false
}

// keep keeps what is said as it is and as it is sent. The user name is no secret.
func (a *recordedAuth) keep(said []byte) {
	if len(said) > 0 && string(said) != a.username {
		a.sent = append(a.sent, secret.New(string(said)), secret.New(base64.StdEncoding.EncodeToString(said)))
	}
}
