// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// overSMTP is the protocol of types that send mail. Their configs have the members host and port. A request is a mail:
// its header, and as JSON its parts.
type overSMTP struct{}

func (overSMTP) vendor(t testing.TB, _ Case, does deed) *vendor {
	t.Helper()
	return mailVendor(t, func(s *MailServer, v *vendor) {
		s.Mail = func(m Mail) error {
			r, err := requestOf(m)
			if err != nil {
				t.Errorf("not a mail: %v\n%s", err, m.Raw)
			}
			v.keep(r)
			switch does {
			case limits:
				return SMTPError(552, "5.3.4 Message size exceeds fixed limit")
			case limitsOnce:
				if len(v.requests()) == 1 {
					return SMTPError(552, "5.3.4 Message size exceeds fixed limit")
				}
			case defers:
				return SMTPError(451, "4.7.1 Greylisted, come back later")
			case stalls:
				_, _ = io.Copy(io.Discard, m.Conn)
			case hangsUp:
				_ = m.Conn.Close()
			}
			return SMTPError(250, "2.0.0 Ok: queued as 4bX2kq3fQ1zW7vR")
		}
	})
}

func mailVendor(t testing.TB, setUp func(*MailServer, *vendor)) *vendor {
	t.Helper()
	v := &vendor{arrived: make(chan struct{}, 1)}
	s := StartMail(t, func(s *MailServer) { setUp(s, v) })
	v.URL, v.Close = "smtp://"+s.Addr, s.Close
	return v
}

func (overSMTP) careless() map[string]func(testing.TB) *vendor {
	answer := func(set func(s *MailServer, echo func() string)) func(testing.TB) *vendor {
		return func(t testing.TB) *vendor {
			t.Helper()
			return mailVendor(t, func(s *MailServer, _ *vendor) {
				set(s, func() string { return strings.ReplaceAll(s.Heard(), "\r", "") })
			})
		}
	}
	onMail := func(code int) func(testing.TB) *vendor {
		return answer(func(s *MailServer, echo func() string) {
			s.Mail = func(Mail) error { return SMTPError(code, echo()) }
		})
	}
	return map[string]func(testing.TB) *vendor{
		"delivered": onMail(250),
		"permanent": onMail(554),
		"retry":     onMail(451),
		"sender": answer(func(s *MailServer, echo func() string) {
			s.Sender = func(string) error { return SMTPError(550, echo()) }
		}),
		"recipient": answer(func(s *MailServer, echo func() string) { s.Rcpt = func(string) error { return SMTPError(550, echo()) } }),
		"user": answer(func(s *MailServer, echo func() string) {
			s.SignIn = func(string) sasl.Server {
				return sasl.NewPlainServer(func(_, _, _ string) error { return SMTPError(535, echo()) })
			}
		}),
		"answer lost": answer(func(s *MailServer, _ func() string) {
			s.Mail = func(m Mail) error { return m.Conn.Close() }
		}),
		"not SMTP": answer(func(s *MailServer, echo func() string) {
			s.Mail = func(m Mail) error {
				_, _ = io.WriteString(m.Conn, echo()+"\r\n")
				return m.Conn.Close()
			}
		}),
	}
}

func (overSMTP) point(t testing.TB, _ Case, members map[string]any, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if members["host"] == nil {
		t.Fatal("the suite's config has no host")
	}
	members["host"] = u.Hostname()
	if port, err := strconv.Atoi(u.Port()); err == nil {
		members["port"] = port
	}
}

func (overSMTP) private() string { return "smtp://10.0.0.5:587" }

func (overSMTP) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(MailRoot()))
	return pool
}

func (overSMTP) testOutcome(t *testing.T, c Case) {
	t.Helper()
	for code, want := range map[int]destination.Outcome{
		250: destination.OutcomeDelivered,
		421: destination.OutcomeRetry,
		450: destination.OutcomeRetry,
		451: destination.OutcomeRetry,
		452: destination.OutcomeRetry,
		500: destination.OutcomePermanent,
		550: destination.OutcomePermanent,
		551: destination.OutcomePermanent,
		552: destination.OutcomePermanent, // after a smaller one
		553: destination.OutcomePermanent,
		554: destination.OutcomePermanent,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			vendor := mailVendor(t, func(s *MailServer, _ *vendor) {
				s.Mail = func(Mail) error { return SMTPError(code, "what the vendor says") }
			})
			receipt, err := c.open(t, vendor.URL).Send(t.Context(), Message())
			if outcome, wait := destination.OutcomeOf(err); outcome != want || wait != 0 {
				t.Errorf("got %s after %s (error %v), want %s", outcome, wait, err, want)
			}
			if receipt.StatusCode != code {
				t.Errorf("got status %d in the receipt, want %d", receipt.StatusCode, code)
			}
			if want := fmt.Sprintf("%d what the vendor says", code); receipt.Message != want {
				t.Errorf("got message %q in the receipt, want %q", receipt.Message, want)
			}
		})
	}
}

// testStrangers has a web server answer that does not wait for a request.
func (overSMTP) testStrangers(t *testing.T, c Case) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		}
	})
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	receipt, err := c.open(t, "smtp://"+listener.Addr().String()).Send(t.Context(), Message())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeRetry || receipt.ExternalID != "" {
		t.Errorf("a web server: got %s (error %v) and %+v, want RETRY", outcome, err, receipt)
	}
}

// requestOf takes a mail apart.
func requestOf(m Mail) (request, error) {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return request{}, err
	}
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil {
		return request{}, fmt.Errorf("its Content-Type: %w", err)
	}
	if kind != "multipart/alternative" {
		return request{}, fmt.Errorf("its Content-Type is %s, want multipart/alternative", kind)
	}
	parts, headers := map[string]any{}, map[string]string{}
	for name := range parsed.Header {
		value, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get(name))
		if err != nil {
			return request{}, fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "From", "Subject", "To", "Cc":
			parts[strings.ToLower(name)] = value
		case "Reply-To":
			parts["reply_to"] = value
		default:
			headers[name] = value
		}
	}
	parts["headers"] = headers
	if err := readParts(parts, multipart.NewReader(parsed.Body, params["boundary"])); err != nil {
		return request{}, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(parts)
	return request{
		line: m.From + " " + strings.Join(m.Recipients, " "), header: http.Header(parsed.Header), body: bytes.TrimSpace(body.Bytes()),
	}, err
}

// readParts adds the texts of a mail to its parts.
func readParts(parts map[string]any, from *multipart.Reader) error {
	for {
		part, err := from.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
			return fmt.Errorf("a part is in %q, want quoted-printable", encoding)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		name := "text"
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html;") {
			name = "html"
		}
		parts[name] = strings.Split(string(text), "\r\n") // by line, to be read
	}
}
