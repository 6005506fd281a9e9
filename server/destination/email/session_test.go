// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
)

// send makes one attempt.
func send(t testing.TB, c config) (destination.Receipt, destination.Outcome, error) {
	t.Helper()
	receipt, err := shrink.Send(t.Context(), open(t, c), destinationtest.Message())
	outcome, _ := destination.OutcomeOf(err)
	return receipt, outcome, err
}

func overTLS(s *destinationtest.MailServer) { s.TLS, s.Plain = true, true }
func inPlain(s *destinationtest.MailServer) { s.Plain = true }

func offering(mechanisms ...string) func(*destinationtest.MailServer) {
	return func(s *destinationtest.MailServer) { s.Mechanisms = append([]string{}, mechanisms...) }
}

func TestSend_Encrypts(t *testing.T) {
	t.Parallel()
	user := config{"username": "u", "password": "secret-word"}
	for name, test := range map[string]struct {
		setUp     func(*destinationtest.MailServer)
		config    config
		encrypted bool
	}{
		"STARTTLS":                   {nil, user, true},
		"TLS":                        {overTLS, config{"security": "tls", "username": "u", "password": "secret-word"}, true},
		"STARTTLS by another name":   {nil, config{"server_name": "smtp.example.com"}, true},
		"none":                       {inPlain, config{"security": "none", "ca_certificate": nil}, false},
		"none, though there is some": {nil, config{"security": "none", "ca_certificate": nil}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := destinationtest.StartMail(t, test.setUp)
			if receipt, outcome, err := send(t, at(t, server.Addr, test.config)); outcome != destination.OutcomeDelivered || receipt.StatusCode != 250 {
				t.Fatalf("got %+v (error %v)", receipt, err)
			}
			mail := server.Mails()[0]
			if mail.Encrypted != test.encrypted || mail.User != (test.config["username"] != nil) {
				t.Errorf("got the mail encrypted %t, from a user %t", mail.Encrypted, mail.User)
			}
			if mail.From != "alerts@example.com" || !strings.Contains(server.Heard(), "EHLO example.com\r\n") {
				t.Errorf("got MAIL FROM %s in %.200s", mail.From, server.Heard())
			}
		})
	}
}

// TestSend_TrustsNobodyElse has the connection be what it should not be. All of it may pass, and none of it by itself.
func TestSend_TrustsNobodyElse(t *testing.T) {
	t.Parallel()
	user := config{"username": "u", "password": "secret-word"}
	with := func(more config) config {
		c := config{}
		for _, m := range []config{user, more} {
			for name, value := range m {
				c[name] = value
			}
		}
		return c
	}
	for name, test := range map[string]struct {
		setUp  func(*destinationtest.MailServer)
		config config
		says   string
	}{
		"STARTTLS taken away":              {inPlain, user, "does not offer STARTTLS"},
		"unknown authority":                {nil, with(config{"ca_certificate": nil}), "certificate"},
		"unknown authority, TLS":           {overTLS, with(config{"ca_certificate": nil, "security": "tls"}), "certificate"},
		"somebody else's certificate":      {nil, with(config{"server_name": "mail.example.com"}), "mail.example.com"},
		"somebody else's certificate, TLS": {overTLS, with(config{"server_name": "mail.example.com", "security": "tls"}), "mail.example.com"},
		"no TLS where it should be":        {nil, with(config{"security": "tls"}), "answers without TLS"},
		"no sign-in":                       {offering(), user, "offers no way to sign in"},
		"another sign-in":                  {offering("GSSAPI", "XOAUTH2"), user, "does not offer to sign in with SCRAM-SHA-256, PLAIN, LOGIN, CRAM-MD5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := destinationtest.StartMail(t, test.setUp)
			receipt, outcome, err := send(t, at(t, server.Addr, test.config))
			if outcome != destination.OutcomeRetry || !destination.NeedsOperator(err) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %s, needs an operator %t: %v; want RETRY, true and %q", outcome, destination.NeedsOperator(err), err, test.says)
			}
			if receipt.StatusCode != 0 || len(server.Mails()) != 0 {
				t.Errorf("got %+v and %d mails", receipt, len(server.Mails()))
			}
			for _, never := range []string{"AUTH PLAIN ", "MAIL FROM"} {
				if strings.Contains(server.Heard(), never) {
					t.Errorf("the server heard %q", server.Heard())
				}
			}
		})
	}
}

// script is a mail server that knows nothing: it has one answer to each command, and hangs up where that is "".
// Commands without an answer are fine.
type script map[string]string

// hello is the greeting, end is what follows the mail.
const (
	hello = "(hello)"
	end   = "(end)"
)

func (s script) start(t testing.TB) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.talk(conn)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func (s script) talk(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	command := hello
	for {
		answer, ok := s[command]
		switch {
		case !ok && command == hello:
			answer = "220 hello"
		case !ok && command == "DATA":
			answer = "354 go on"
		case !ok:
			answer = "250 fine"
		}
		if answer == "" {
			return
		}
		if answer != silence {
			_, _ = io.WriteString(conn, answer+"\r\n")
		}
		inMail := command == "DATA" && strings.HasPrefix(answer, "354")
		command = ""
		for command == "" {
			if !lines.Scan() {
				return
			}
			switch line := lines.Text(); {
			case inMail && line == ".":
				command = end
			case !inMail:
				command, _, _ = strings.Cut(line, ":")
				command, _, _ = strings.Cut(command, " ")
			}
		}
	}
}

// silence is no answer, and no hanging up.
const silence = "(silence)"

func TestSend_ReadsEveryAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		want   destination.Outcome
		code   int
		says   string // the error, in part; $ is its end
	}{
		"too busy to talk":      {script{hello: "421 4.3.2 later"}, destination.OutcomeRetry, 421, "the connection"},
		"not welcome":           {script{hello: "554 5.7.1 go away"}, destination.OutcomePermanent, 554, "the connection"},
		"no greeting":           {script{hello: ""}, destination.OutcomeRetry, 0, "closed before an answer"},
		"not a mail server":     {script{hello: "+OK POP3 ready"}, destination.OutcomeRetry, 0, "the exchange failed"},
		"EHLO refused":          {script{"EHLO": "550 no", "HELO": "550 no"}, destination.OutcomePermanent, 550, "EHLO"},
		"EHLO unknown":          {script{"EHLO": "502 what"}, destination.OutcomeDelivered, 250, ""},
		"EHLO lost":             {script{"EHLO": ""}, destination.OutcomeRetry, 0, "closed"},
		"sender deferred":       {script{"MAIL": "451 4.4.3 look-up failed"}, destination.OutcomeRetry, 451, "MAIL FROM"},
		"sender refused":        {script{"MAIL": "553 5.7.1 not yours"}, destination.OutcomePermanent, 553, "does not let this user or address send as from"},
		"a user wanted":         {script{"MAIL": "530 5.7.0 Authentication required"}, destination.OutcomePermanent, 530, "set security, username and password"},
		"sender unknown":        {script{"MAIL": "550 5.1.8 bad sender"}, destination.OutcomePermanent, 550, "does not let this user or address send as from"},
		"sender blocked":        {script{"MAIL": "554 5.7.1 your address is on a list"}, destination.OutcomePermanent, 554, "answered 554 to MAIL FROM$"},
		"sender misspelt":       {script{"MAIL": "501 5.5.4 syntax"}, destination.OutcomePermanent, 501, "answered 501 to MAIL FROM$"},
		"sender, for no reason": {script{"MAIL": "550 no"}, destination.OutcomePermanent, 550, "answered 550 to MAIL FROM$"},
		"sender lost":           {script{"MAIL": ""}, destination.OutcomeRetry, 0, "closed"},
		"greylisted":            {script{"RCPT": "450 4.2.0 Greylisted, see http://postgrey.schweikert.ch/"}, destination.OutcomeRetry, 450, "RCPT TO"},
		"greylisted, otherwise": {script{"RCPT": "451 4.7.1 Greylisting in action"}, destination.OutcomeRetry, 451, "RCPT TO"},
		"too many recipients":   {script{"RCPT": "552 5.5.3 too many"}, destination.OutcomeRetry, 552, "RCPT TO"},
		"mailbox full for good": {script{"RCPT": "552 5.2.2 mailbox full"}, destination.OutcomePermanent, 552, "RCPT TO"},
		"mailbox full for now":  {script{"RCPT": "452 4.2.2 mailbox full"}, destination.OutcomeRetry, 452, "RCPT TO"},
		"recipient unknown":     {script{"RCPT": "550 5.1.1 who"}, destination.OutcomePermanent, 550, "RCPT TO"},
		"recipient moved":       {script{"RCPT": "551 5.1.6 moved"}, destination.OutcomePermanent, 551, "RCPT TO"},
		"closing at recipient":  {script{"RCPT": "421 4.4.2 bye"}, destination.OutcomeRetry, 421, "RCPT TO"},
		"recipient lost":        {script{"RCPT": ""}, destination.OutcomeRetry, 0, "closed"},
		"DATA deferred":         {script{"DATA": "451 4.3.0 later"}, destination.OutcomeRetry, 451, "DATA"},
		"DATA refused":          {script{"DATA": "554 5.5.1 no valid recipients"}, destination.OutcomePermanent, 554, "DATA"},
		"DATA lost":             {script{"DATA": ""}, destination.OutcomeRetry, 0, "closed"},
		"mail deferred":         {script{end: "451 4.7.0 later"}, destination.OutcomeRetry, 451, "the mail"},
		"mail deferred, bye":    {script{end: "421 4.7.0 later"}, destination.OutcomeRetry, 421, "the mail"},
		"no room":               {script{end: "452 4.3.1 disk full"}, destination.OutcomeRetry, 452, "the mail"},
		"spam":                  {script{end: "554 5.7.1 spam"}, destination.OutcomePermanent, 554, "the mail"},
		"Google's day":          {script{end: "550 5.4.5 Daily user sending limit exceeded"}, destination.OutcomeRetry, 550, "the mail"},
		"Microsoft's tenant":    {script{end: "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit"}, destination.OutcomeRetry, 550, "the mail"},
		"Microsoft's day":       {script{end: "550 5.1.90 daily limit for message recipients"}, destination.OutcomeRetry, 550, "the mail"},
		"Amazon's second":       {script{end: "454 Throttling failure: Maximum sending rate exceeded."}, destination.OutcomeRetry, 454, "the mail"},
		"answer lost":           {script{end: ""}, destination.OutcomeAmbiguous, 0, "the request had been sent"},
		"answer in riddles":     {script{end: "yes"}, destination.OutcomeAmbiguous, 0, "the request had been sent"},
		"several lines":         {script{end: "250-2.0.0 thanks\r\n250 queued as ABC123"}, destination.OutcomeDelivered, 250, ""},
		"another 2xx":           {script{"RCPT": "251 will forward"}, destination.OutcomeDelivered, 250, ""},
		"no farewell":           {script{"QUIT": ""}, destination.OutcomeDelivered, 250, ""},
		"a rude farewell":       {script{"QUIT": "500 what"}, destination.OutcomeDelivered, 250, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipt, outcome, err := send(t, at(t, test.script.start(t), config{"security": "none", "ca_certificate": nil}))
			if outcome != test.want || receipt.StatusCode != test.code {
				t.Errorf("got %s and %d (error %v), want %s and %d", outcome, receipt.StatusCode, err, test.want, test.code)
			}
			if err != nil && !strings.Contains(err.Error()+"$", test.says) {
				t.Errorf("got error %q, want %q in it", err, test.says)
			}
			if err != nil && receipt.ExternalID != "" {
				t.Errorf("got external id %q of a mail that was not taken", receipt.ExternalID)
			}
		})
	}
}

func TestSend_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		want   destination.Outcome
	}{
		"greeting":  {script{hello: silence}, destination.OutcomeRetry},
		"hello":     {script{"EHLO": silence}, destination.OutcomeRetry},
		"sender":    {script{"MAIL": silence}, destination.OutcomeRetry},
		"recipient": {script{"RCPT": silence}, destination.OutcomeRetry},
		"data":      {script{"DATA": silence}, destination.OutcomeRetry},
		"mail":      {script{end: silence}, destination.OutcomeAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := open(t, at(t, test.script.start(t), config{"security": "none", "ca_certificate": nil})).Send(ctx, destinationtest.Message())
			if outcome, _ := destination.OutcomeOf(err); outcome != test.want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %s (error %v), want %s for want of time", outcome, err, test.want)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestSend_ListensOnlySoLong(t *testing.T) {
	t.Parallel()
	endless := strings.Repeat("250-"+strings.Repeat("x", 60_000)+"\r\n", 40) + "250 fine"
	_, outcome, err := send(t, at(t, script{"EHLO": endless}.start(t), config{"security": "none", "ca_certificate": nil}))
	if outcome != destination.OutcomeRetry {
		t.Errorf("got %s (error %v), want RETRY", outcome, err)
	}
}

func TestSend_DoesNotWaitForAFarewell(t *testing.T) {
	t.Parallel()
	began := time.Now()
	_, outcome, err := send(t, at(t, script{"QUIT": silence}.start(t), config{"security": "none", "ca_certificate": nil}))
	if took := time.Since(began); outcome != destination.OutcomeDelivered || took > time.Minute { // there is no other end to it
		t.Errorf("got %s (error %v) after %s", outcome, err, took)
	}
}

func TestSend_KeepsDots(t *testing.T) {
	t.Parallel()
	m := destinationtest.Message()
	m.Alert.Detection.Description = ".\n..\n.hidden\nQUIT\n.\nRCPT TO:<evil@evil.example>\nend"
	mail := deliver(t, config{}, m)[0]
	if !strings.Contains(mail.Text, "\n"+m.Alert.Detection.Description+"\n") {
		t.Errorf("got %s, want the lines as they were", mail.Text)
	}
}

func TestSend_MakesAConnectionEachTime(t *testing.T) {
	t.Parallel()
	server := destinationtest.StartMail(t, nil)
	sender := open(t, at(t, server.Addr, config{}))
	for range 3 {
		if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Connections(); n != 3 {
		t.Errorf("got %d connections, want 3", n)
	}
}

func TestSend_KeepsTheServersName(t *testing.T) {
	t.Parallel()
	const own = "<0199a1b2c3d47e5f8a9b0c1d2e3f40510001@example.com>"
	for text, want := range map[string]string{
		"2.0.0 Ok: queued as 4bX2kq3fQ1zW7vR":                                                                         "4bX2kq3fQ1zW7vR", // Postfix
		"Ok: queued as VtCT1mTVTYGqVoHAa9Jm5g":                                                                        "VtCT1mTVTYGqVoHAa9Jm5g",
		"OK id=1tE5Kx-000000001Yz-0Abc":                                                                               "1tE5Kx-000000001Yz-0Abc", // Exim
		"Ok 010f018c1f2b3d4e-5f60718a-9b0c-4d1e-8f20-3a4b5c6d7e8f-000000":                                             "010f018c1f2b3d4e-5f60718a-9b0c-4d1e-8f20-3a4b5c6d7e8f-000000",
		"2.0.0 5ALDZOxq012345 Message accepted for delivery":                                                          "5ALDZOxq012345", // Sendmail
		"2.0.0 OK  1763696124 d2e1a72fcca58-7c3f0e1sm123.4 - gsmtp":                                                   "d2e1a72fcca58-7c3f0e1sm123.4",
		"2.6.0 <x@y> [InternalId=12345678901234, Hostname=a.b] 8745 bytes in 0.1, 52 KB/sec Queued mail for delivery": "12345678901234",
		"2.0.0 OK":      "",
		"Great success": "",
	} {
		if want == "" {
			want = own
		}
		receipt, _, err := send(t, at(t, script{end: "250 " + text}.start(t), config{"security": "none", "ca_certificate": nil}))
		if receipt.ExternalID != want || receipt.Message != "250 "+text {
			t.Errorf("%s: got %q and %q (error %v), want %q", text, receipt.ExternalID, receipt.Message, err, want)
		}
	}
}

// answers is a server that answers about each recipient as told, until it is told otherwise.
type answers struct {
	mu   sync.Mutex
	code map[string]int
}

func (a *answers) set(code map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.code = code
}

func (a *answers) start(t testing.TB) *destinationtest.MailServer {
	t.Helper()
	return destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
		s.Rcpt = func(to string) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			if code := a.code[to]; code != 0 {
				return destinationtest.SMTPError(code, "about "+to)
			}
			return nil
		}
	})
}

func TestSend_GoesToThoseWhoAreTaken(t *testing.T) {
	t.Parallel()
	c := config{"to": []string{"one@example.com"}, "cc": []string{"two@example.com"}, "bcc": []string{"three@example.com"}}
	server := &answers{code: map[string]int{"two@example.com": 550}}
	mails := server.start(t)
	receipt, outcome, err := send(t, at(t, mails.Addr, c))
	if outcome != destination.OutcomeDelivered || receipt.StatusCode != 250 || receipt.ExternalID != "4bX2kq3fQ1zW7vR" {
		t.Errorf("one of three is refused: got %+v (error %v), want it delivered", receipt, err)
	}
	if want := "250 2.0.0 Ok: queued as 4bX2kq3fQ1zW7vR; refused two@example.com: 550 about two@example.com"; receipt.Message != want {
		t.Errorf("got message %q, want %q", receipt.Message, want)
	}
	if want := []string{"one@example.com", "three@example.com"}; !slices.Equal(mails.Mails()[0].Recipients, want) {
		t.Errorf("it went to %v, want %v", mails.Mails()[0].Recipients, want)
	}
	server.set(map[string]int{"one@example.com": 550, "two@example.com": 553, "three@example.com": 554})
	receipt, outcome, err = send(t, at(t, mails.Addr, c))
	if outcome != destination.OutcomePermanent || receipt.StatusCode != 554 || len(mails.Mails()) != 1 {
		t.Errorf("all are refused: got %s, %+v (error %v) and %d mails", outcome, receipt, err, len(mails.Mails()))
	}
	for _, name := range []string{"one", "two", "three"} {
		if !strings.Contains(receipt.Message, "refused "+name+"@example.com: 55") {
			t.Errorf("got message %q, want %s in it", receipt.Message, name)
		}
	}
}

func TestSend_TriesTheOthersLater(t *testing.T) {
	t.Parallel()
	c := config{"to": []string{"one@example.com", "two@example.com", "three@example.com", "four@example.com"}}
	server := &answers{code: map[string]int{"two@example.com": 450, "three@example.com": 451, "four@example.com": 550}}
	mails := server.start(t)
	sender := open(t, at(t, mails.Addr, c))
	attempt := func(number, status int, want destination.Outcome, says string, recipients ...string) {
		t.Helper()
		before := len(mails.Mails())
		m := destinationtest.Message()
		m.Attempt, m.Again = number, number > 1
		receipt, err := sender.Send(t.Context(), m)
		if outcome, _ := destination.OutcomeOf(err); outcome != want || receipt.StatusCode != status {
			t.Errorf("attempt %d: got %s and %+v (error %v), want %s and %d", number, outcome, receipt, err, want, status)
		}
		if err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("attempt %d: got error %q, want %q in it", number, err, says)
		}
		var got []string
		for _, mail := range mails.Mails()[before:] {
			got = append(got, mail.Recipients...)
		}
		if !slices.Equal(got, recipients) {
			t.Errorf("attempt %d: it went to %v, want %v", number, got, recipients)
		}
	}
	attempt(1, 450, destination.OutcomeRetry, "the mail has reached 1 of 4 recipients: the mail server answered 450 to RCPT TO", "one@example.com")
	server.set(map[string]int{"three@example.com": 451, "four@example.com": 550})
	attempt(2, 451, destination.OutcomeRetry, "the mail has reached 2 of 4 recipients", "two@example.com")
	attempt(3, 451, destination.OutcomeRetry, "the mail has reached 2 of 4 recipients")
	server.set(map[string]int{"four@example.com": 550})
	attempt(4, 250, destination.OutcomeDelivered, "", "three@example.com")
	server.set(nil)
	attempt(5, 250, destination.OutcomeDelivered, "", "one@example.com", "two@example.com", "three@example.com", "four@example.com") // a replay

	server.set(map[string]int{"two@example.com": 450})
	attempt(6, 450, destination.OutcomeRetry, "3 of 4", "one@example.com", "three@example.com", "four@example.com")
	server.set(map[string]int{"two@example.com": 550})
	attempt(7, 550, destination.OutcomeDelivered, "")

	server.set(map[string]int{"two@example.com": 450})
	attempt(8, 450, destination.OutcomeRetry, "3 of 4", "one@example.com", "three@example.com", "four@example.com")
	sender = open(t, at(t, mails.Addr, c)) // the process was started anew, and knows of nobody
	server.set(nil)
	attempt(9, 250, destination.OutcomeDelivered, "", "one@example.com", "two@example.com", "three@example.com", "four@example.com")
}

// TestSend_IsDeliveredWhenTheRestIsRefusedAsAWhole has a server refuse all of a retry for good, when one recipient has the
// mail from the attempt before.
func TestSend_IsDeliveredWhenTheRestIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*destinationtest.MailServer, func() error){
		"sender": func(s *destinationtest.MailServer, err func() error) { s.Sender = func(string) error { return err() } },
		"mail": func(s *destinationtest.MailServer, err func() error) {
			s.Mail = func(destinationtest.Mail) error { return err() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused atomic.Int64
			mails := destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.Rcpt = func(to string) error {
					if to != "one@example.com" && refused.Load() == 0 {
						return destinationtest.SMTPError(450, "later")
					}
					return nil
				}
				refuse(s, func() error {
					if code := refused.Load(); code != 0 {
						return destinationtest.SMTPError(int(code), "5.7.1 spam")
					}
					return nil
				})
			})
			sender := open(t, at(t, mails.Addr, config{"to": []string{"one@example.com", "two@example.com", "three@example.com"}}))
			_, err := sender.Send(t.Context(), destinationtest.Message())
			if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeRetry {
				t.Fatalf("two are to come back later: got %s (error %v), want RETRY", outcome, err)
			}
			for _, test := range []struct {
				code int64
				m    *destination.Message
				cut  bool // a smaller mail is tried first
			}{
				{554, destinationtest.Message(), false},
				{552, destinationtest.Message(), true},
				{552, minimal(), false},
			} {
				refused.Store(test.code)
				receipt, err := shrink.Send(t.Context(), sender, test.m)
				want := fmt.Sprintf("%d 5.7.1 spam; refused two@example.com, three@example.com", test.code)
				if err != nil || !strings.HasSuffix(receipt.Message, want) || strings.HasPrefix(receipt.Message, "refused as too large") != test.cut || int64(receipt.StatusCode) != test.code {
					t.Errorf("got %+v (error %v), want it delivered with %q", receipt, err, want)
				}
				refused.Store(0)
				if _, err := sender.Send(t.Context(), test.m); err == nil {
					t.Error("a replay after the delivery has ended goes to all again: got no error about two of them")
				}
			}
		})
	}
}

// minimal is the alert of the usual delivery, with nothing in it to leave out.
func minimal() *destination.Message {
	m := destinationtest.Message()
	m.Alert = destinationtest.Minimal().Alert
	return m
}

// TestSend_TakesAMailboxForSmallMailsAsOneOfMany has a server say of recipients that they take only smaller mails.
func TestSend_TakesAMailboxForSmallMailsAsOneOfMany(t *testing.T) {
	t.Parallel()
	const refused = "refused one@example.com: 552 5.2.3 too large for one@example.com"
	for name, test := range map[string]struct {
		m     *destination.Message
		small int // how many of them take only smaller mails
		once  bool
		want  destination.Outcome
		says  string
		to    []string
	}{
		"smaller than any":    {destinationtest.Large(200_000), 1, false, destination.OutcomeDelivered, "; " + refused, []string{"two@example.com"}},
		"such as a cut one":   {destinationtest.Message(), 1, true, destination.OutcomeDelivered, ": 250 2.0.0 Ok: queued as 4bX2kq3fQ1zW7vR", []string{"one@example.com", "two@example.com"}},
		"all of them":         {destinationtest.Message(), 2, false, destination.OutcomePermanent, " kB, nor what it was cut to, ", nil},
		"nothing to cut":      {minimal(), 1, false, destination.OutcomeDelivered, "; " + refused, []string{"two@example.com"}},
		"nothing to cut, all": {minimal(), 2, false, destination.OutcomePermanent, "nothing in this alert to leave out", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := destinationtest.StartMail(t, func(s *destinationtest.MailServer) {
				s.Rcpt = func(to string) error {
					if n := asked.Add(1); test.once && n > 1 || test.small == 1 && to != "one@example.com" {
						return nil
					}
					return destinationtest.SMTPError(552, "5.2.3 too large for "+to)
				}
			})
			sender := open(t, at(t, server.Addr, config{"to": []string{"one@example.com", "two@example.com"}}))
			receipt, err := shrink.Send(t.Context(), sender, test.m)
			if outcome, _ := destination.OutcomeOf(err); outcome != test.want || !strings.Contains(fmt.Sprint(receipt.Message, err), test.says) {
				t.Errorf("got %s and %+v (error %v), want %s and %q", outcome, receipt, err, test.want, test.says)
			}
			var got []string
			for _, mail := range server.Mails() {
				got = append(got, mail.Recipients...)
			}
			if whole := test.m.Alert.Context == nil; !slices.Equal(got, test.to) || receipt.Truncated == whole {
				t.Errorf("it went to %v, cut %t; want %v, cut %t", got, receipt.Truncated, test.to, !whole)
			}
		})
	}
}

func TestSend_RemembersSoMuch(t *testing.T) {
	t.Parallel()
	server := &answers{code: map[string]int{"two@example.com": 450}}
	mails := server.start(t)
	sender := open(t, at(t, mails.Addr, config{
		"to": []string{"one@example.com", "two@example.com"}, "security": "none", "ca_certificate": nil, // it is quicker
	}))
	deliveryOf := func(n int) *destination.Message {
		m := destinationtest.Minimal()
		m.DeliveryID = fmt.Sprintf("delivery-%d", n)
		return m
	}
	for n := range 1001 {
		_, _ = sender.Send(t.Context(), deliveryOf(n))
	}
	server.set(nil)
	for n, want := range map[int]int{0: 2, 1: 1, 1000: 1} {
		before := len(mails.Mails())
		if _, err := sender.Send(t.Context(), deliveryOf(n)); err != nil {
			t.Fatal(err)
		}
		if got := mails.Mails()[before].Recipients; len(got) != want {
			t.Errorf("delivery %d went to %v, want %d of them", n, got, want)
		}
	}
}

func TestSend_ShrinksOnce(t *testing.T) {
	t.Parallel()
	const context = "sourceIPAddress"
	tooLarge := func(text string) func(*destinationtest.MailServer) {
		return func(s *destinationtest.MailServer) {
			s.Mail = func(m destinationtest.Mail) error {
				if strings.Contains(string(m.Raw), context) {
					return destinationtest.SMTPError(552, text)
				}
				return nil
			}
		}
	}
	for name, test := range map[string]struct {
		setUp func(*destinationtest.MailServer)
		want  destination.Outcome
		mails int // that the server got
	}{
		"552":        {tooLarge("too large"), destination.OutcomeDelivered, 2},
		"5.3.4":      {tooLarge("5.3.4 too large"), destination.OutcomeDelivered, 2},
		"5.2.3":      {tooLarge("5.2.3 too large for him"), destination.OutcomeDelivered, 2},
		"5.2.2":      {tooLarge("5.2.2 the mailbox is full"), destination.OutcomePermanent, 1},
		"announced":  {func(s *destinationtest.MailServer) { s.MaxBytes = int64(len(rawOf(t)) - 1) }, destination.OutcomeDelivered, 1},
		"still fits": {func(s *destinationtest.MailServer) { s.MaxBytes = int64(len(rawOf(t)) + 1) }, destination.OutcomeDelivered, 1},
		"always": {func(s *destinationtest.MailServer) {
			s.Mail = func(destinationtest.Mail) error { return destinationtest.SMTPError(552, "5.3.4 no") }
		}, destination.OutcomePermanent, 2},
		"at the start": {func(s *destinationtest.MailServer) {
			var once sync.Once
			s.Sender = func(string) (err error) {
				once.Do(func() { err = destinationtest.SMTPError(552, "5.3.4 too large") })
				return err
			}
		}, destination.OutcomeDelivered, 1},
		"hangs up too": {func(s *destinationtest.MailServer) {
			s.Mail = func(m destinationtest.Mail) error {
				if strings.Contains(string(m.Raw), context) {
					defer func() { _ = m.Conn.Close() }()
					_, _ = io.WriteString(m.Conn, "552 5.3.4 too large\r\n")
				}
				return nil
			}
		}, destination.OutcomeDelivered, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := destinationtest.StartMail(t, test.setUp)
			receipt, outcome, err := send(t, at(t, server.Addr, config{}))
			if outcome != test.want || len(server.Mails()) != test.mails {
				t.Fatalf("got %s, %+v (error %v) and %d mails, want %s and %d", outcome, receipt, err, len(server.Mails()), test.want, test.mails)
			}
			last := read(t, server.Mails()[test.mails-1].Raw)
			small := name != "still fits" && name != "5.2.2"
			if receipt.Truncated != small || strings.Contains(last.Text+last.HTML, context) == small {
				t.Errorf("got Truncated %t and %s", receipt.Truncated, last.Text)
			}
			if small && !strings.Contains(last.Text, "refused more as too large") {
				t.Errorf("got %s, want it to say what is missing", last.Text)
			}
		})
	}
}

// rawOf is the usual mail as it is sent.
func rawOf(t testing.TB) []byte {
	t.Helper()
	server := destinationtest.StartMail(t, nil)
	if _, err := open(t, at(t, server.Addr, config{})).Send(t.Context(), destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	return server.Mails()[0].Raw
}
