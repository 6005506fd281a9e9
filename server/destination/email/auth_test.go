// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

// The user that the servers here know.
const (
	username = "alertrouter@example.com"
	password = "correct-horse, battery=staple"
)

var errWrong = destinationtest.SMTPError(535, "5.7.8 Error: authentication failed")

// must refuses a response that is not the one wanted.
func must(got, want string) error {
	if got != want {
		return errWrong
	}
	return nil
}

// signIn is the server's side of each mechanism.
func signIn(mechanism string) sasl.Server {
	ask := func(challenge string) func(string) (string, error) {
		return func(string) (string, error) { return challenge, nil }
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(identity, user, word string) error {
			return must(identity+"|"+user+"|"+word, "|"+username+"|"+password)
		})
	case "LOGIN":
		return &steps{next: []func(string) (string, error){
			ask("Username:"),
			func(said string) (string, error) { return "Password:", must(said, username) },
		}, check: func(said string) error { return must(said, password) }}
	case "CRAM-MD5":
		const challenge = "<1896.697170952@postoffice.example.net>"
		return &steps{next: []func(string) (string, error){ask(challenge)}, check: func(said string) error {
			mac := hmac.New(md5.New, []byte(password))
			mac.Write([]byte(challenge))
			return must(said, fmt.Sprintf("%s %x", username, mac.Sum(nil)))
		}}
	case "XOAUTH2":
		return &steps{check: func(said string) error { return must(said, "user="+username+"\x01auth=Bearer "+password+"\x01\x01") }}
	case "SCRAM-SHA-256":
		return &scram{iterations: "4096", word: password}
	}
	return nil
}

// steps is the server's side of a mechanism: what it says to each response, and the check of the last.
type steps struct {
	next  []func(response string) (challenge string, err error)
	check func(response string) error
	taken int
}

func (s *steps) Next(response []byte) (challenge []byte, done bool, err error) {
	if s.taken == len(s.next) {
		return nil, true, s.check(string(response))
	}
	text, err := s.next[s.taken](string(response))
	s.taken++
	return []byte(text), false, err
}

// scram is the server's side of https://www.rfc-editor.org/rfc/rfc5802 with SHA-256.
type scram struct {
	iterations string
	word       string // what the server takes for the password
	step       int
	bare, own  string
}

func (s *scram) Next(response []byte) ([]byte, bool, error) {
	s.step++
	switch s.step {
	case 1: // no initial response
		if len(response) == 0 {
			s.step = 0
			return nil, false, nil
		}
		s.bare = strings.TrimPrefix(string(response), "n,,")
		_, nonce, _ := strings.Cut(s.bare, ",r=")
		if !strings.HasPrefix(s.bare, "n="+username+",r=") {
			return nil, false, errWrong
		}
		s.own = "r=" + nonce + "server,s=" + base64.StdEncoding.EncodeToString([]byte("salt")) + ",i=" + s.iterations
		return []byte(s.own), false, nil
	case 2:
		without, proof, _ := strings.Cut(string(response), ",p=")
		salted, err := pbkdf2.Key(sha256.New, s.word, []byte("salt"), 4096, sha256.Size)
		if err != nil {
			return nil, false, err
		}
		messages := s.bare + "," + s.own + "," + without
		clientKey := sum(salted, "Client Key")
		stored := sha256.Sum256(clientKey)
		for i, b := range sum(stored[:], messages) {
			clientKey[i] ^= b
		}
		if proof != base64.StdEncoding.EncodeToString(clientKey) && s.word == password {
			return nil, false, errWrong
		}
		return []byte("v=" + base64.StdEncoding.EncodeToString(sum(sum(salted, "Server Key"), messages))), false, nil
	}
	return nil, true, nil
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestSend_SignsIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ mechanism, offered, used string }{
		{"plain", "LOGIN PLAIN", "PLAIN"},
		{"login", "LOGIN PLAIN", "LOGIN"},
		{"cram_md5", "PLAIN CRAM-MD5", "CRAM-MD5"},
		{"scram_sha_256", "PLAIN SCRAM-SHA-256", "SCRAM-SHA-256"},
		{"xoauth2", "PLAIN XOAUTH2", "XOAUTH2"},
		{"auto", "LOGIN PLAIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2", "SCRAM-SHA-256"},
		{"auto", "XOAUTH2 CRAM-MD5 LOGIN PLAIN", "PLAIN"},
		{"auto", "CRAM-MD5 LOGIN", "LOGIN"},
		{"auto", "GSSAPI CRAM-MD5", "CRAM-MD5"},
	} {
		t.Run(test.mechanism+" of "+test.offered, func(t *testing.T) {
			t.Parallel()
			server := destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.Mechanisms, s.SignIn = strings.Fields(test.offered), signIn
			})
			_, outcome, err := send(t, at(t, server.Addr, config{"username": username, "password": password, "auth_mechanism": test.mechanism}))
			if outcome != destination.OutcomeDelivered || !server.Mails()[0].User {
				t.Fatalf("got %s (error %v)", outcome, err)
			}
			if !strings.Contains(server.Heard(), "\nAUTH "+test.used) || strings.Count(server.Heard(), "\nAUTH ") != 1 {
				t.Errorf("the server heard %s, want AUTH %s", server.Heard(), test.used)
			}
			receipt, outcome, err := send(t, at(t, server.Addr, config{"username": username, "password": "wrong-word", "auth_mechanism": test.mechanism}))
			if outcome != destination.OutcomePermanent || receipt.StatusCode != 535 || !strings.Contains(err.Error(), "check username, password and auth_mechanism") {
				t.Errorf("a wrong password: got %s and %+v (error %v), want PERMANENT and 535", outcome, receipt, err)
			}
			if n := len(server.Mails()); n != 1 {
				t.Errorf("got %d mails, want 1", n)
			}
		})
	}
}

func TestSend_ReadsAnswersToSigningIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		outcome destination.Outcome
		says    string
	}{
		"454 4.7.0 Temporary authentication failure":                                    {destination.OutcomeRetry, "AUTH"},
		"421 4.7.0 Try again later":                                                     {destination.OutcomeRetry, "AUTH"},
		"432 4.3.2 concurrent connections limit exceeded":                               {destination.OutcomeRetry, "AUTH"},
		"535 5.7.8 Username and Password not accepted":                                  {destination.OutcomePermanent, "check username"},
		"534 5.7.9 Application-specific password required":                              {destination.OutcomePermanent, "app password"},
		"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled": {destination.OutcomePermanent, "Microsoft 365"},
		"550 5.7.30 Basic authentication is not supported for Client Submission.":       {destination.OutcomePermanent, "Microsoft 365"},
		"504 5.5.4 Unrecognized authentication type":                                    {destination.OutcomePermanent, "auth_mechanism"},
		"530 5.7.0 Must issue a STARTTLS command first":                                 {destination.OutcomePermanent, "AUTH"},
		"535 Authentication Credentials Invalid":                                        {destination.OutcomePermanent, "check username"},
	} {
		t.Run(text[:3]+text[3:9], func(t *testing.T) {
			t.Parallel()
			var code int
			_, _ = fmt.Sscanf(text, "%d", &code)
			server := destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.SignIn = func(string) sasl.Server {
					return sasl.NewPlainServer(func(_, _, _ string) error { return destinationtest.SMTPError(code, text[4:]) })
				}
			})
			receipt, outcome, err := send(t, at(t, server.Addr, config{"username": username, "password": password}))
			if outcome != want.outcome || receipt.StatusCode != code || receipt.Message != text || !strings.Contains(err.Error(), want.says) {
				t.Errorf("got %s and %+v (error %v), want %s and %q", outcome, receipt, err, want.outcome, want.says)
			}
		})
	}
}

// TestSend_KeepsThePasswordFromTheAnswer has servers quote what they were told, in the form they were told it.
func TestSend_KeepsThePasswordFromTheAnswer(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			var server *destinationtest.MailServer
			server = destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.Mechanisms, s.SignIn = []string{mechanism}, signIn
				s.Mail = func(destinationtest.Mail) error {
					_, said, _ := strings.Cut(server.Heard(), "AUTH "+mechanism+"\r")
					if said == "" {
						_, said, _ = strings.Cut(server.Heard(), "AUTH "+mechanism+" ")
					}
					return destinationtest.SMTPError(554, "you said "+strings.ReplaceAll(said, "\r", ""))
				}
			})
			name := strings.ToLower(strings.ReplaceAll(mechanism, "-", "_"))
			receipt, _, err := send(t, at(t, server.Addr, config{"username": username, "password": password, "auth_mechanism": name}))
			if !strings.Contains(receipt.Message, "you said ") {
				t.Fatalf("got %+v (error %v)", receipt, err)
			}
			var words []string
			for line := range strings.Lines(server.Heard()) {
				fields := strings.Fields(line)
				for _, field := range fields {
					plain, err := base64.StdEncoding.DecodeString(field)
					if said := string(plain); err == nil && (strings.Contains(said, password) || strings.Contains(said, ",p=") || strings.HasPrefix(said, username+" ")) {
						words = append(words, field)
					}
				}
			}
			if len(words) == 0 {
				t.Fatalf("nothing secret was said in %s", server.Heard())
			}
			for _, word := range append(words, password) {
				if strings.Contains(fmt.Sprintf("%+v %v", receipt, err), word) {
					t.Errorf("%s can be read in %+v", word, receipt)
				}
			}
		})
	}
}

func TestSend_IsCarefulWithSCRAM(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func() sasl.Server{
		"does not know the password": func() sasl.Server { return &scram{iterations: "4096", word: "another"} },
		"asks for ages of work":      func() sasl.Server { return &scram{iterations: "2000000000", word: password} },
		"talks nonsense":             func() sasl.Server { return &scram{iterations: "many", word: password} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mails := destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.Mechanisms = []string{"SCRAM-SHA-256", "PLAIN"}
				s.SignIn = func(mechanism string) sasl.Server {
					if mechanism != "SCRAM-SHA-256" {
						t.Errorf("it fell back to %s", mechanism)
					}
					return server()
				}
			})
			_, outcome, err := send(t, at(t, mails.Addr, config{"username": username, "password": password}))
			if outcome != destination.OutcomeRetry || !destination.NeedsOperator(err) || !strings.Contains(err.Error(), "SCRAM-SHA-256 is not right") {
				t.Errorf("got %s (error %v), want RETRY and an operator", outcome, err)
			}
			if len(mails.Mails()) != 0 {
				t.Error("it sent the mail all the same")
			}
		})
	}
}

func TestSend_SaysOneThingAfterTheOther(t *testing.T) {
	t.Parallel()
	server := destinationtest.StartMail(t, func(s *destinationtest.MailServer) { s.Mechanisms, s.SignIn = []string{"LOGIN"}, signIn })
	if _, outcome, err := send(t, at(t, server.Addr, config{"username": username, "password": password})); outcome != destination.OutcomeDelivered {
		t.Fatal(err)
	}
	commands := []string{}
	for line := range strings.Lines(server.Heard()) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); slices.Contains([]string{"EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"}, word) {
			commands = append(commands, word)
		}
	}
	if want := "EHLO STARTTLS EHLO AUTH MAIL RCPT DATA QUIT"; strings.Join(commands, " ") != want {
		t.Errorf("the server heard %s, want %s", strings.Join(commands, " "), want)
	}
}
