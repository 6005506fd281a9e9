// SPDX-License-Identifier: MPL-2.0

package webhook_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/webhook"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// benchMessage is an alert of 1 KB.
func benchMessage() *destination.Message {
	title := "AWS console login without MFA by alice"
	context := make([]byte, 0, 700)
	for context = append(context, `{"note":"`...); len(context) < 690; {
		context = append(context, "0123456789"...)
	}
	return &destination.Message{
		Alert: &alert.Alert{
			Type: alert.Rule, Dedup: "alice", LogTypes: []string{"AWS.CloudTrail"}, Context: append(context, `"}`...),
			Detection: alert.Detection{
				ID: "AWS.Console.LoginWithoutMFA", Name: "Console login without MFA", Severity: "HIGH", Tags: []string{"AWS", "Identity"},
				Description: "Somebody logged in to the console without a second factor.", Runbook: "Ask them, then require it.",
			},
			Generated: alert.Generated{Title: &title},
		},
		AlertID: "0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6b", Severity: alert.High, CreatedAt: time.Unix(1772600767, 0), Attempt: 1,
		DeliveryID: "0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6b-0",
	}
}

func benchSender(b *testing.B, c webhook.Config) destination.Sender {
	b.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	b.Cleanup(client.Close)
	s, err := webhook.New(c, destination.Env{HTTP: client, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSend is an attempt up to where a connection is asked for, which the context no longer lets happen; and the
// whole of one, to a peer that does next to nothing.
func BenchmarkSend(b *testing.B) {
	plain := webhook.Config{URL: "http://127.0.0.1:9/alerts"}
	signed := plain
	signed.SigningSecret = secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	signed.Headers = map[string]string{"X-Team": "security", "X-Env": "production"}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m := benchMessage()
	for name, c := range map[string]webhook.Config{"plain": plain, "signed": signed} {
		b.Run(name+", without a connection", func(b *testing.B) {
			s := benchSender(b, c)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Send(ended, m); err == nil {
					b.Fatal("got no error")
				}
			}
		})
	}
	b.Run("plain, to a peer", func(b *testing.B) {
		c := plain
		c.URL = answering(b)
		s := benchSender(b, c)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Send(b.Context(), m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// answering returns the URL of a server that reads a request and says 200, with hardly any work of its own.
func answering(b *testing.B) string {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return "http://" + listener.Addr().String() + "/alerts"
}

func answer(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}
