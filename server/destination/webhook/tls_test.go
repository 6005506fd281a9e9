// SPDX-License-Identifier: MPL-2.0

package webhook_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/webhook"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// mutual is a receiver that knows its callers by the certificates of an authority.
type mutual struct {
	*httptest.Server
	ours    *servertest.Authority
	mu      sync.Mutex
	callers []string
}

// newMutual starts one that answers with a status.
func newMutual(t *testing.T, status int, change func(*tls.Config)) *mutual {
	t.Helper()
	m := &mutual{ours: servertest.NewAuthority(t)}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		caller := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			caller = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.callers = append(m.callers, caller)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "dear "+caller)
	}))
	certificate, key := m.ours.Issue(t, "receiver")
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM([]byte(m.ours.PEM))
	m.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known}
	if change != nil {
		change(m.TLS)
	}
	m.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of every refusal
	m.StartTLS()
	t.Cleanup(m.Close)
	return m
}

// config is one that believes the receiver and shows it a certificate; "" is none.
func (m *mutual) config(certificate, key string) webhook.Config {
	return webhook.Config{URL: m.URL, Identity: destination.Identity{
		ClientCertificate: certificate, ClientKey: secret.New(key), CACertificate: m.ours.PEM,
	}}
}

// opened returns the sender of a config that is valid, whose clock stands.
func opened(t *testing.T, c webhook.Config, client *outbound.Client, at time.Time) destination.Sender {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	sender, err := webhook.New(c, destination.Env{HTTP: client, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func loopbackClient(t *testing.T) *outbound.Client {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	return client
}

// TestSend_ShowsItsOwnCertificate has destinations at one host take turns, over one client: two with certificates, one
// that got a new certificate meanwhile, and one without any.
func TestSend_ShowsItsOwnCertificate(t *testing.T) {
	t.Parallel()
	receiver := newMutual(t, http.StatusOK, func(c *tls.Config) { c.ClientAuth = tls.VerifyClientCertIfGiven })
	client := loopbackClient(t)
	sender := func(name string) destination.Sender {
		return opened(t, receiver.config(receiver.ours.Issue(t, name)), client, time.Now())
	}
	none := opened(t, receiver.config("", ""), client, time.Now())
	one, two := sender("one"), sender("two")
	order := []struct {
		sender destination.Sender
		want   string
	}{{one, "one"}, {two, "two"}, {none, "nobody"}, {one, "one"}, {two, "two"}, {none, "nobody"}, {sender("one, renewed"), "one, renewed"}, {two, "two"}}
	var want []string
	for _, turn := range order {
		want = append(want, turn.want)
		receipt, err := turn.sender.Send(t.Context(), destinationtest.Message())
		if err != nil || receipt.Message != "dear "+turn.want {
			t.Fatalf("%s: got %+v, %v", turn.want, receipt, err)
		}
	}
	if !slices.Equal(receiver.callers, want) {
		t.Errorf("the receiver was called by %v, want %v", receiver.callers, want)
	}
}

func TestSend_SaysWhyTheReceiverRefusesIt(t *testing.T) {
	t.Parallel()
	receiver := newMutual(t, http.StatusOK, nil)
	others := servertest.NewAuthority(t)
	unknown, unknownKey := others.Issue(t, "stranger")
	good, goodKey := receiver.ours.Issue(t, "one")
	late, lateKey := receiver.ours.IssueUntil(t, "late", time.Now().Add(-time.Hour))
	elsewhere := receiver.config(good, goodKey)
	elsewhere.CACertificate = others.PEM
	for name, c := range map[string]struct {
		config webhook.Config
		says   string
	}{
		"none":                  {receiver.config("", ""), "the server asks for a client certificate, and there is none (certificate required)"},
		"an unknown authority":  {receiver.config(unknown, unknownKey), "the server refuses the client certificate: unknown certificate authority"},
		"expired":               {receiver.config(late, lateKey), "the server refuses the client certificate: expired certificate; client_certificate expired on "},
		"not the receiver's CA": {elsewhere, "certificate signed by unknown authority"},
	} {
		_, err := opened(t, c.config, loopbackClient(t), time.Now()).Send(t.Context(), destinationtest.Message())
		outcome, _ := destination.OutcomeOf(err)
		if outcome != destination.OutcomeRetry || !destination.NeedsOperator(err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %s, needs an operator %t: %v; want RETRY, true and %q", name, outcome, destination.NeedsOperator(err), err, c.says)
		}
		if key := c.config.ClientKey.Reveal(); err != nil && key != "" && strings.Contains(err.Error(), key[30:60]) {
			t.Errorf("%s: %v quotes the key", name, err)
		}
	}
	if len(receiver.callers) > 0 {
		t.Errorf("the receiver took %v", receiver.callers)
	}
}

// TestSend_SaysThatItsCertificateIsOld to a receiver that refuses it in HTTP, as nginx does, with a page that does not say why.
func TestSend_SaysThatItsCertificateIsOld(t *testing.T) {
	t.Parallel()
	receiver := newMutual(t, http.StatusBadRequest, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	then := time.Now().Add(-time.Hour)
	for certificate, want := range map[string]string{
		"late": "the destination answered 400 Bad Request; client_certificate expired on " + then.UTC().Format(time.DateOnly) + ": set a new one",
		"good": "the destination answered 400 Bad Request",
	} {
		until := map[string]time.Time{"late": then, "good": time.Now().Add(time.Hour)}[certificate]
		sender := opened(t, receiver.config(receiver.ours.IssueUntil(t, certificate, until)), loopbackClient(t), time.Now())
		receipt, err := sender.Send(t.Context(), destinationtest.Message())
		if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || err.Error() != want || receipt.Message != "dear "+certificate {
			t.Errorf("%s: got %s, %v and %+v, want PERMANENT and %q", certificate, outcome, err, receipt, want)
		}
	}
}

func TestSend_SpeaksNoOldTLS(t *testing.T) {
	t.Parallel()
	receiver := newMutual(t, http.StatusOK, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	_, err := opened(t, receiver.config(receiver.ours.Issue(t, "one")), loopbackClient(t), time.Now()).Send(t.Context(), destinationtest.Message())
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("got %v, want TLS 1.1 refused", err)
	}
}

func TestConfig_NamesWhatIsWrongWithCertificates(t *testing.T) {
	t.Parallel()
	authority := servertest.NewAuthority(t)
	certificate, key := authority.Issue(t, "one")
	_, otherKey := authority.Issue(t, "two")
	late, lateKey := authority.IssueUntil(t, "late", time.Now().Add(-time.Hour))
	const (
		notCertificates = "must be certificates in PEM, each whole and begun on a line of its own, 64 KiB at most, and nothing else"
		notKey          = "must be one private key in PEM, as openssl writes it, and nothing else"
		notOurs         = "does not belong to client_certificate, whose first certificate must be the client's own"
		encrypted       = "is encrypted with a passphrase: decrypt it with openssl pkey"
		holdsKey        = "holds a private key, and must hold nothing but certificates: it can be read by whoever may read destinations"
		notPlain        = "must start with https:// beside client_certificate, client_key or ca_certificate"
		legacy          = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
		parameters      = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
		attributes      = "Bag Attributes\n    localKeyID: 9C 1B 57 3F 0A D2 11 64 AB 7E 90 35 C6 48 EF 02 13 77 8D 5A \nsubject=CN=one\n\nissuer=CN=authority\n\n"
		inWords         = "Certificate:\n    Data:\n        Version: 3 (0x2)\n        Signature Algorithm: ecdsa-with-SHA256\n            X509v3 Key Usage: critical\n                Digital Signature\n    Signature Value:\n        30:45:02:21:00:e6:2f\n"
	)
	damaged := strings.Replace(authority.PEM, "\n", "\n*", 1)
	first, rest, _ := strings.Cut(authority.PEM, "\n")
	endless, _, _ := strings.Cut(authority.PEM, "-----END")
	for name, c := range map[string]struct {
		certificate, key, ca string
		url                  string
		want                 []string
	}{
		"both":                          {certificate, key, "", "", nil},
		"both, and an authority":        {certificate, key, authority.PEM, "", nil},
		"an authority alone":            {"", "", authority.PEM + "\n" + certificate, "", nil},
		"a chain":                       {certificate + authority.PEM, key, "", "", nil},
		"what openssl writes before":    {attributes + certificate + inWords + authority.PEM, attributes + parameters + key, inWords + certificate + "\n" + attributes + authority.PEM, "", nil},
		"lines that end as on Windows":  {strings.ReplaceAll(certificate+authority.PEM, "\n", "\r\n"), strings.ReplaceAll(key, "\n", "\r\n"), "", "", nil},
		"expired, which may be":         {late, lateKey, "", "", nil},
		"the chain from its other end":  {authority.PEM + certificate, key, "", "", []string{"/client_key " + notOurs}},
		"another's key":                 {certificate, otherKey, "", "", []string{"/client_key " + notOurs}},
		"no key":                        {certificate, "", "", "", []string{"/client_key is required beside client_certificate"}},
		"no certificate":                {"", key, "", "", []string{"/client_certificate is required beside client_key"}},
		"no PEM":                        {"x", "y", "z", "", []string{"/ca_certificate " + notCertificates, "/client_certificate " + notCertificates, "/client_key " + notKey}},
		"the wrong way round":           {key, certificate, "", "", []string{"/client_certificate " + holdsKey, "/client_key " + notKey}},
		"the key beside":                {certificate + key, key, "", "", []string{"/client_certificate " + holdsKey}},
		"a key among the authorities":   {certificate, key, strings.Replace(key, "\n", "\n*", 1) + certificate, "", []string{"/ca_certificate " + holdsKey}},
		"the certificate beside":        {certificate, key + certificate, "", "", []string{"/client_key " + notKey}},
		"two keys":                      {certificate, key + otherKey, "", "", []string{"/client_key " + notKey}},
		"a key that is none":            {certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "", "", []string{"/client_key " + notKey}},
		"encrypted":                     {certificate, strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE"), "", "", []string{"/client_key " + encrypted}},
		"encrypted as it was long ago":  {certificate, legacy, "", "", []string{"/client_key " + encrypted}},
		"one that is damaged":           {certificate + damaged + authority.PEM, strings.Replace(otherKey, "\n", "\n*", 1) + key, damaged + certificate, "", []string{"/ca_certificate " + notCertificates, "/client_certificate " + notCertificates, "/client_key " + notKey}},
		"a byte order mark":             {"\ufeff" + certificate + authority.PEM, "\ufeff" + key, "\ufeff" + authority.PEM + certificate, "", []string{"/ca_certificate " + notCertificates, "/client_certificate " + notCertificates, "/client_key " + notKey}},
		"a word before":                 {"", "", "root: " + authority.PEM + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"a first line too short":        {"", "", authority.PEM[1:] + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"a first line that is not one":  {"", "", first + " " + rest + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"no first line":                 {"", "", rest + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"no last line":                  {"", "", endless + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"dashes of a word processor":    {"", "", strings.ReplaceAll(authority.PEM, "-----", "—–") + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"an indented one":               {"", "", "  " + strings.ReplaceAll(authority.PEM, "\n", "\n  ") + "\n" + certificate, "", []string{"/ca_certificate " + notCertificates}},
		"something behind":              {certificate + "x", key + "x", "", "", []string{"/client_certificate " + notCertificates, "/client_key " + notKey}},
		"too long":                      {strings.Repeat("x", 64<<10) + "\n" + certificate, key, "", "", []string{"/client_certificate " + notCertificates}},
		"in plain HTTP":                 {certificate, key, "", "http://example.com", []string{"/url " + notPlain}},
		"an authority for plain HTTP":   {"", "", authority.PEM, "HTTP://example.com", []string{"/url " + notPlain}},
		"beside a URL that has a fault": {certificate, key, "", "ftp://example.com", []string{"/url must start with https:// or http://"}},
	} {
		config := webhook.Config{URL: "https://example.com", Identity: destination.Identity{ClientCertificate: c.certificate, ClientKey: secret.New(c.key), CACertificate: c.ca}}
		if c.url != "" {
			config.URL = c.url
		}
		var got []string
		err := config.Validate()
		for _, f := range problem.FieldsOf(err) {
			got = append(got, f.Name+" "+f.Message)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if err != nil && strings.Contains(err.Error(), key[30:60]) {
			t.Errorf("%s: %v quotes the key", name, err)
		}
	}
	config := webhook.Config{SecretURL: secret.New("http://example.com/hidden"), Identity: destination.Identity{CACertificate: authority.PEM}}
	if fields := problem.FieldsOf(config.Validate()); len(fields) != 1 || fields[0].Name != "/secret_url" || fields[0].Message != notPlain {
		t.Errorf("a secret URL of plain HTTP: got %v", fields)
	}
}

// TestPage_CommandsMakeACertificate runs what the page says, and calls a receiver with what it made.
func TestPage_CommandsMakeACertificate(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: openssl is not here, so the commands of the page are not run")
	}
	page, err := os.ReadFile("../../../examples/resources/alertrouter_destination_webhook/setup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, commands, _ := strings.Cut(string(page), "```sh\n")
	commands, _, found := strings.Cut(commands, "```")
	if !found {
		t.Fatal("the page has no commands")
	}
	dir := t.TempDir()
	run := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	receiver := newMutual(t, http.StatusOK, func(c *tls.Config) {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM([]byte(file("ca.crt")))
	})
	sender := opened(t, receiver.config(file("client.crt"), file("client.key")), loopbackClient(t), time.Now())
	if receipt, err := sender.Send(t.Context(), destinationtest.Message()); err != nil || receipt.Message != "dear alertrouter" {
		t.Errorf("got %+v, %v", receipt, err)
	}
}
