// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// newMutualReceiver starts a receiver that takes what comes with a certificate of an authority, and answers with the name in it.
func newMutualReceiver(t *testing.T, ours *servertest.Authority) *httptest.Server {
	t.Helper()
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	certificate, key := ours.Issue(t, "receiver")
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM([]byte(ours.PEM))
	receiver.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known}
	receiver.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of every refusal
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	return receiver
}

// TestWebhook_CallsWithItsCertificate renews the certificate of a destination in both modes of secrets. Who calls is asked
// right after each change, while the connection of the certificate before is kept.
func TestWebhook_CallsWithItsCertificate(t *testing.T) {
	w := newWorld(t)
	ours := servertest.NewAuthority(t)
	receiver := newMutualReceiver(t, ours)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "url" { type = string }
variable "authority" { type = string }
variable "certificate" { type = string }
variable "key" {
  type      = string
  ephemeral = true
}
variable "number" { type = number }
resource "alertrouter_destination_webhook" "test" {
  display_name          = "SOAR"
  severities            = ["HIGH"]
  url                   = var.url
  client_certificate    = var.certificate == "" ? null : var.certificate
  client_key_wo         = var.certificate == "" ? null : var.key
  client_key_wo_version = var.number == 0 ? null : var.number
  ca_certificate        = var.authority
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_LOG=TRACE", "TF_LOG_PATH=terraform.log", "TF_VAR_url="+receiver.URL, "TF_VAR_authority="+ours.PEM)
	give := func(pair func() (string, string), number string) (key string) {
		certificate, key := pair()
		work.Env = append(work.Env, "TF_VAR_certificate="+certificate, "TF_VAR_key="+key, "TF_VAR_number="+number)
		return key
	}
	of := func(name string) func() (string, string) {
		return func() (string, string) { return ours.Issue(t, name) }
	}
	keys := []string{}
	for _, step := range []struct{ caller, number, want string }{
		{"one", "0", "1 added"},
		{"two", "0", "1 changed"},
		{"three", "1", "1 changed"},
		{"four", "2", "1 changed"},
	} {
		keys = append(keys, give(of(step.caller), step.number))
		work.Must(t, "plan", "-out="+step.caller)
		if out := work.Must(t, "apply", "-no-color", step.caller); !strings.Contains(out, step.want) {
			t.Fatalf("%s: want %s\n%s", step.caller, step.want, out)
		}
		work.Must(t, "plan", "-detailed-exitcode")
		if got := w.tested(t); got.Message != step.caller || !got.Delivered {
			t.Fatalf("%s: got %+v", step.caller, got)
		}
	}

	// Only the certificate is renewed: the key of this version was sent already.
	keys = append(keys, give(of("five"), "2"))
	out, err := work.Run(t, "plan", "-no-color")
	if err == nil || !regexp.MustCompile(`(?s)client_key_wo\s+=.*client_key_wo\s+does\s+not\s+belong\s+to\s+client_certificate`).MatchString(out) {
		t.Errorf("a key of another certificate: got %v\n%s", err, out)
	}

	keys = append(keys, give(func() (string, string) { return ours.IssueUntil(t, "late", time.Now().Add(-time.Hour)) }, "3"))
	out = work.Must(t, "apply", "-no-color", "-auto-approve")
	if !regexp.MustCompile(`(?s)Warning.*client_certificate\s+=.*client_certificate\s+expired\s+on\s+\d{4}-\d\d-\d\d`).MatchString(out) {
		t.Errorf("there is no warning of an expired certificate:\n%s", out)
	}
	if got := w.tested(t); got.Error == nil || !strings.Contains(*got.Error, "the server refuses the client certificate: expired certificate") {
		t.Errorf("got %+v", got)
	}

	work.Env = append(work.Env, "TF_VAR_certificate=", "TF_VAR_key=", "TF_VAR_number=0")
	work.Must(t, "apply", "-no-color", "-auto-approve")
	if d := w.only(t); len(d.SecretFingerprints) != 0 || d.Config.Webhook.ClientCertificate != nil {
		t.Errorf("there is still a certificate: %+v", d.Config.Webhook)
	}
	if got := w.tested(t); got.Error == nil || !strings.Contains(*got.Error, "the server asks for a client certificate, and there is none") {
		t.Errorf("got %+v", got)
	}
	for i, key := range keys {
		keys[i] = strings.Split(key, "\n")[1] // as it stands in PEM, also with escaped ends of lines
	}
	wantNowhere(t, work.Dir, keys...)
}

// tested sends a test alert to the one destination there is.
func (w *world) tested(t *testing.T) client.TestResult {
	t.Helper()
	result, err := client.OK(w.api.TestDestinationWithResponse(t.Context(), w.only(t).ID, client.TestDestinationJSONRequestBody{}))
	if err != nil {
		t.Fatal(err)
	}
	return *result
}

func TestWebhook_NamesWhatIsWrongWithItsCertificate(t *testing.T) {
	w := newWorld(t)
	ours := servertest.NewAuthority(t)
	certificate, key := ours.Issue(t, "one")
	_, other := ours.Issue(t, "two")
	both := func(url, key string) string {
		return fmt.Sprintf("url = %q\nclient_certificate = %q\nclient_key_wo = %q", url, certificate, key)
	}
	const url = `url = "https://soar.example.com"`
	wrong := []struct{ arguments, at, says string }{
		{both("https://soar.example.com", other), "client_key_wo", `client_key_wo does not belong to client_certificate`},
		{both("http://soar.example.com", key), "url", `url must start with https://`},
		{both("https://soar.example.com", strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE")), "client_key_wo", `client_key_wo is encrypted with a passphrase`},
		{url + fmt.Sprintf("\nclient_certificate = %q", certificate), "", `client_key_wo is required beside client_certificate`},
		{url + fmt.Sprintf("\nclient_key_wo = %q", key), "", `client_certificate is required beside client_key_wo`},
		{url + fmt.Sprintf("\nclient_certificate = %q\nclient_key_wo = %q", certificate+key, key), "client_certificate", `client_certificate holds a private key`},
		{url + "\nca_certificate = \"ca.pem\"", "ca_certificate", `must be certificates in PEM`},
	}
	for i, c := range wrong {
		work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+soar(c.arguments), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
		out, err := work.Run(t, "plan", "-no-color")
		words := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
		if err == nil || !strings.Contains(words, c.says) || !strings.Contains(words, c.at+" = ") && c.at != "" {
			t.Errorf("%d: got %v, want %s %q:\n%s", i, err, c.at, c.says, out)
		}
	}
}
