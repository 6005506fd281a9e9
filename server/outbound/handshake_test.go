// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// receiver serves TLS with a certificate of ours and answers with the name in the client's, or "nobody".
func receiver(t *testing.T, ours *servertest.Authority, asks tls.ClientAuthType, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		name := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, name)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of every refusal
	server.TLS = &tls.Config{Certificates: []tls.Certificate{*pairOf(ours.Issue(t, "receiver"))}, ClientAuth: asks, ClientCAs: poolOf(ours)}
	if change != nil {
		change(server)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func pairOf(certificate, key string) *tls.Certificate {
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		panic(err)
	}
	return &pair
}

func poolOf(a *servertest.Authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(a.PEM))
	return pool
}

// TestAs_ConnectionsAreNobodyElses has clients with and without a certificate take turns at one host, so that the
// connections of all are kept while each sends.
func TestAs_ConnectionsAreNobodyElses(t *testing.T) {
	t.Parallel()
	ours := servertest.NewAuthority(t)
	for name, change := range map[string]func(*httptest.Server){
		"HTTP/1.1": nil,
		"HTTP/2":   func(s *httptest.Server) { s.EnableHTTP2 = true },
		"TLS 1.2":  func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened atomic.Int64
			server := receiver(t, ours, tls.VerifyClientCertIfGiven, func(s *httptest.Server) {
				if change != nil {
					change(s)
				}
				s.Config.ConnState = countNew(&opened)
			})
			parent := outbound.New(outbound.Options{Allow: loopback, RootCAs: poolOf(ours)})
			t.Cleanup(parent.Close)
			clients := map[string]*outbound.Client{
				"nobody": parent,
				"one":    parent.As(outbound.Identity{Certificate: pairOf(ours.Issue(t, "one"))}),
				"two":    parent.As(outbound.Identity{Certificate: pairOf(ours.Issue(t, "two"))}),
			}
			const rounds = 8
			for range rounds {
				for name, client := range clients {
					resp, err := get(t, client, server.URL)
					if err != nil {
						t.Fatal(err)
					}
					if got := string(resp.Body); got != name {
						t.Errorf("the request of %s was made as %s", name, got)
					}
				}
			}
			if n := opened.Load(); n >= rounds*int64(len(clients)) {
				t.Errorf("%d connections were opened for %d rounds: none was kept, so nothing is shown", n, rounds)
			}
			var all sync.WaitGroup
			for range 16 {
				for name, client := range clients {
					all.Go(func() {
						if resp, err := get(t, client, server.URL); err != nil || string(resp.Body) != name {
							t.Errorf("%s at the same time as others: got %+v, %v", name, resp, err)
						}
					})
				}
			}
			all.Wait()
		})
	}
}

func TestAs_TrustsItsOwnAuthoritiesAlone(t *testing.T) {
	t.Parallel()
	ours, others := servertest.NewAuthority(t), servertest.NewAuthority(t)
	server := receiver(t, ours, tls.NoClientCert, nil)
	parent := outbound.New(outbound.Options{Allow: loopback, RootCAs: poolOf(ours)})
	t.Cleanup(parent.Close)
	if _, err := get(t, parent, server.URL); err != nil { // its connection is kept
		t.Fatal(err)
	}
	if _, err := get(t, parent.As(outbound.Identity{}), server.URL); err != nil {
		t.Errorf("without authorities of its own: %v", err)
	}
	if _, err := get(t, newClient(t).As(outbound.Identity{RootCAs: poolOf(ours)}), server.URL); err != nil {
		t.Errorf("with the authority: %v", err)
	}
	_, err := get(t, parent.As(outbound.Identity{RootCAs: poolOf(others)}), server.URL)
	if !errors.Is(err, outbound.ErrNeedsOperator) {
		t.Errorf("with another authority: got %v, want ErrNeedsOperator", err)
	}
}

func TestAs_KeepsTheGuardAndSpeaksTLSOnly(t *testing.T) {
	t.Parallel()
	as := newClient(t).As(outbound.Identity{})
	if _, err := get(t, as, "https://10.0.0.5"); !errors.Is(err, outbound.ErrBlocked) {
		t.Errorf("a private address: got %v, want ErrBlocked", err)
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request came") })
	if _, err := get(t, as, plain.URL); !errors.Is(err, outbound.ErrBadRequest) {
		t.Errorf("plain HTTP: got %v, want ErrBadRequest", err)
	}
	redirecting := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusTemporaryRedirect))
	t.Cleanup(redirecting.Close)
	roots := x509.NewCertPool()
	roots.AddCert(redirecting.Certificate())
	resp, err := get(t, newClient(t).As(outbound.Identity{RootCAs: roots}), redirecting.URL)
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a redirect: got %+v, %v", resp, err)
	}
}

// TestClient_SaysWhyItIsRefused has servers that refuse clients while these send: in TLS 1.3 a request is under way by then,
// and one of 4 MB cannot be written to its end.
func TestClient_SaysWhyItIsRefused(t *testing.T) {
	t.Parallel()
	ours, others := servertest.NewAuthority(t), servertest.NewAuthority(t)
	const none, refuses = "the server asks for a client certificate, and there is none (", "the server refuses the client certificate: "
	parent := outbound.New(outbound.Options{Allow: loopback, RootCAs: poolOf(ours)})
	t.Cleanup(parent.Close)
	as := func(certificate, key string) *outbound.Client {
		return parent.As(outbound.Identity{Certificate: pairOf(certificate, key)})
	}
	clients := map[string]struct {
		client *outbound.Client
		says   map[uint16]string
	}{
		"no certificate": {parent, map[uint16]string{
			tls.VersionTLS12: none + "handshake failure)", tls.VersionTLS13: none + "certificate required)",
		}},
		"of another authority": {as(others.Issue(t, "stranger")), map[uint16]string{
			tls.VersionTLS12: refuses + "unknown certificate authority", tls.VersionTLS13: refuses + "unknown certificate authority",
		}},
		"expired": {as(ours.IssueUntil(t, "late", time.Now().Add(-time.Hour))), map[uint16]string{
			tls.VersionTLS12: refuses + "expired certificate", tls.VersionTLS13: refuses + "expired certificate",
		}},
	}
	for _, speaks := range []struct {
		version uint16
		http2   bool
	}{{tls.VersionTLS12, false}, {tls.VersionTLS13, false}, {tls.VersionTLS13, true}} {
		version := speaks.version
		server := receiver(t, ours, tls.RequireAndVerifyClientCert, func(s *httptest.Server) {
			s.TLS.MaxVersion, s.EnableHTTP2 = version, speaks.http2
		})
		for name, c := range clients {
			if speaks.http2 && c.client == parent {
				continue // in HTTP/2 not every attempt learns why
			}
			for _, size := range []int{1, 40 << 10, 4 << 20} {
				t.Run(fmt.Sprintf("%s/HTTP2 %t/%s/%d", tls.VersionName(version), speaks.http2, name, size), func(t *testing.T) {
					t.Parallel()
					for range 8 { // what comes first differs
						req, err := http.NewRequest(http.MethodPost, server.URL+path, bytes.NewReader(make([]byte, size)))
						if err != nil {
							t.Fatal(err)
						}
						_, err = c.client.Do(t.Context(), req)
						if want := strings.TrimPrefix(server.URL, "https://") + ": " + c.says[version]; err == nil || err.Error() != want {
							t.Fatalf("got %v, want %s", err, want)
						}
						if !errors.Is(err, outbound.ErrNeedsOperator) || outbound.WasSent(err) {
							t.Fatalf("%v: needs an operator %t, was sent %t; want true and false", err, errors.Is(err, outbound.ErrNeedsOperator), outbound.WasSent(err))
						}
					}
				})
			}
		}
	}
}

// TestClient_HandshakesFailForOtherReasonsToo has a server that shares no version of TLS with anybody and asks for nothing.
func TestClient_HandshakesFailForOtherReasonsToo(t *testing.T) {
	t.Parallel()
	ours := servertest.NewAuthority(t)
	server := receiver(t, ours, tls.RequireAndVerifyClientCert, func(s *httptest.Server) {
		s.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("not now") }
	})
	client := outbound.New(outbound.Options{RootCAs: poolOf(ours), Allow: loopback})
	_, err := get(t, client.As(outbound.Identity{Certificate: pairOf(ours.Issue(t, "one"))}), server.URL)
	if err == nil || errors.Is(err, outbound.ErrNeedsOperator) || !strings.Contains(err.Error(), "remote error: tls: internal error") {
		t.Errorf("got %v, want the alert, which may pass", err)
	}
}
