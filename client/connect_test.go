// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// secureServer answers with TLS, to clients with a certificate of the authority only, and counts the connections.
func secureServer(t *testing.T, ca *servertest.Authority) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	connections := new(atomic.Int32)
	pair, err := tls.X509KeyPair(pemBytes(ca.Issue(t, "server")))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(ca.PEM))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, connections
}

func pemBytes(certificate, key string) ([]byte, []byte) { return []byte(certificate), []byte(key) }

func TestWithTLS_TrustsAndIsTrusted(t *testing.T) {
	t.Parallel()
	ca, stranger := servertest.NewAuthority(t), servertest.NewAuthority(t)
	certificate, key := ca.Issue(t, "client")
	wrongCertificate, wrongKey := stranger.Issue(t, "client")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		ca, certificate, key string
		want                 string // part of the error; "" for none
	}{
		"text":                     {ca.PEM, certificate, key, ""},
		"files":                    {file("ca.pem", ca.PEM), file("client.pem", certificate), file("client.key", key), ""},
		"several authorities":      {stranger.PEM + ca.PEM, certificate, key, ""},
		"no authority":             {"", certificate, key, "unknown authority"},
		"another authority":        {stranger.PEM, certificate, key, "unknown authority"},
		"no certificate":           {ca.PEM, "", "", "certificate required"},
		"a stranger's certificate": {ca.PEM, wrongCertificate, wrongKey, "unknown certificate authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, connections := secureServer(t, ca)
			api, err := client.New(s.URL, "", client.WithTLS(c.ca, c.certificate, c.key))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.OK(api.GetHealthWithResponse(t.Context()))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got the error %v, want one with %q", err, c.want)
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("there were %d connections: it was tried again", n)
			}
		})
	}
}

func TestNew_NamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	ca := servertest.NewAuthority(t)
	certificate, key := ca.Issue(t, "client")
	_, otherKey := ca.Issue(t, "another")
	const garbled = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg-this-is-a-secret"
	for name, c := range map[string]struct {
		option  client.Option
		setting string
		problem string
	}{
		"authority, no such file":   {client.WithTLS("/nowhere/ca.pem", "", ""), "ca_cert", "no such file"},
		"authority, no certificate": {client.WithTLS(key, "", ""), "ca_cert", "no certificate"},
		"certificate alone":         {client.WithTLS("", certificate, ""), "client_key", "is missing"},
		"key alone":                 {client.WithTLS("", "", key), "client_cert", "is missing"},
		"the two exchanged":         {client.WithTLS("", key, certificate), "client_cert", "does not begin with a certificate"},
		"broken certificate":        {client.WithTLS("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key), "client_cert", "cannot be read"},
		"key of another":            {client.WithTLS("", certificate, otherKey), "client_key", "does not match"},
		"key that is none":          {client.WithTLS("", certificate, "-----BEGIN"), "client_key", "no private key"},
		"key that is no file":       {client.WithTLS("", certificate, garbled), "client_key", "neither PEM text nor"},
		"key, long and no file":     {client.WithTLS("", certificate, strings.Repeat(garbled, 9)), "client_key", "neither PEM text nor"},
		"proxy without scheme":      {client.WithProxy("proxy:3128"), "proxy_url", "must be a URL"},
		"proxy of another kind":     {client.WithProxy("ftp://user:" + garbled + "@proxy"), "proxy_url", "must be a URL"},
	} {
		_, err := client.New("https://control-plane.test", "", c.option)
		e, ok := errors.AsType[*client.SettingError](err)
		if !ok || e.Setting != c.setting || !strings.Contains(e.Problem, c.problem) {
			t.Errorf("%s: got %v, want %s %s", name, err, c.setting, c.problem)
		}
		if err != nil && strings.Contains(err.Error(), "this-is-a-secret") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
}

func TestWithProxy_SendsEverythingThere(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	var requests atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		asked.Store(r.Method + " " + r.RequestURI + " " + r.Header.Get("Proxy-Authorization"))
		if r.Method == http.MethodConnect {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("user", "password")

	api, err := client.New("http://control-plane.test", "", client.WithProxy(address.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.OK(api.GetHealthWithResponse(t.Context())); err != nil {
		t.Error(err)
	}
	if want := "GET http://control-plane.test/healthz Basic dXNlcjpwYXNzd29yZA=="; asked.Load() != want {
		t.Errorf("the proxy was asked %q, want %q", asked.Load(), want)
	}

	api, err = client.New("https://control-plane.test", "", client.WithProxy(address.String()))
	if err != nil {
		t.Fatal(err)
	}
	before := requests.Load()
	_, err = client.OK(api.GetHealthWithResponse(t.Context()))
	if tries := requests.Load() - before; err == nil || !strings.Contains(err.Error(), "407") || strings.Contains(err.Error(), "password") || tries != 1 {
		t.Errorf("got %v after %d tries, want the proxy's refusal after one, without its password", err, tries)
	}
}
