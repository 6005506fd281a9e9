// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// TestProvider_SpeaksTLSWithCertificates has a real control plane that shows a certificate nobody knows, and wants one.
func TestProvider_SpeaksTLSWithCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := servertest.NewAuthority(t), servertest.NewAuthority(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, key := ca.Issue(t, "server")
	s := servertest.Start(t, func(c *server.Config) {
		c.TLSCert, c.TLSKey, c.TLSClientCA = file("server.pem", certificate), file("server.key", key), file("ca.pem", ca.PEM)
	})
	certificate, key = ca.Issue(t, "client")
	block := func(more string) string {
		return fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = %q\n  token = %q\n%s\n}\n", s.URL, s.Token, more)
	}
	argument := func(name, text string) string { return name + " = <<-EOT\n" + text + "EOT\n" }
	identity := argument("client_cert", certificate) + argument("client_key", key)
	const use = "data \"alertrouter_destinations\" \"all\" {}\n"
	refuse := func(more, want string) resource.TestStep {
		return resource.TestStep{Config: block(more) + use, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(want, " ", `\s+`))}
	}
	began := time.Now()
	refusals := []resource.TestStep{
		refuse(identity, "did not answer.*Set ca_cert in the provider block, or the environment variable ALERTROUTER_CA_CERT"),
		refuse(argument("ca_cert", stranger.PEM)+identity, "unknown authority.*Set ca_cert"),
		refuse(argument("ca_cert", ca.PEM), "does not accept this client.*set client_cert and client_key.*ALERTROUTER_CLIENT_CERT and ALERTROUTER_CLIENT_KEY"),
		refuse(`ca_cert = "/nowhere/ca.pem"`, `ca_cert =.*neither PEM text nor.*no such file.*ALERTROUTER_CA_CERT`),
		refuse(argument("client_cert", certificate), `client_key is missing`),
		refuse(argument("client_cert", ca.PEM)+argument("client_key", key), `client_key =.*cannot be used with client_cert`),
		refuse(`proxy_url = "proxy.example.com"`, `proxy_url =.*must be a URL`),
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: refusals})
	t.Logf("%d refusals took %s", len(refusals), time.Since(began))

	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: []resource.TestStep{
		{Config: block(argument("ca_cert", ca.PEM)+identity) + slackWith(slackURL)},
		{Config: block(fmt.Sprintf("ca_cert = %q\nclient_cert = %q\nclient_key = %q\n", filepath.Join(dir, "ca.pem"), file("client.pem", certificate), file("client.key", key))) + slackWith(slackURL), PlanOnly: true},
	}})
}

// TestProvider_HidesWhatAnswersQuote puts something between Terraform and the control plane that refuses requests and
// quotes them whole, as a proxy in debug mode may; and looks at what Terraform prints and logs.
func TestProvider_HidesWhatAnswersQuote(t *testing.T) {
	w := newWorld(t)
	var quoted, agent atomic.Value
	echo := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v1/destinations" {
			text, _ := httputil.DumpRequest(r, true)
			quoted.Store(string(text))
			agent.Store(r.UserAgent())
			rw.Header().Set("Content-Type", "application/problem+json")
			rw.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprintf(rw, `{"type":"x","title":"no","status":422,"detail":%q,"errors":[{"field":"/config/webhook/url","message":%q}]}`, text, text)
			return
		}
		to, _ := url.Parse(w.URL)
		httputil.NewSingleHostReverseProxy(to).ServeHTTP(rw, r)
	}))
	t.Cleanup(echo.Close)
	ca := servertest.NewAuthority(t)
	certificate, key := ca.Issue(t, "client")
	secrets := map[string]string{"password": `find "me" <basic>`, "header": "find-me-header", "signing": "whsec_" + strings.Repeat("ZmluZG1l", 5)}
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "password" { ephemeral = true }
variable "header" { ephemeral = true }
variable "signing" { ephemeral = true }
resource "alertrouter_destination_webhook" "test" {
  display_name      = "SOAR"
  severities        = []
  url               = "https://soar.example.com"
  basic_username    = "user"
  basic_password_wo = var.password
  signing_secret_wo = var.signing
  secret_headers_wo = { X-Key = var.header }
}
`, "ALERTROUTER_ENDPOINT="+echo.URL, "ALERTROUTER_TOKEN="+w.Token, "ALERTROUTER_CLIENT_CERT="+certificate, "ALERTROUTER_CLIENT_KEY="+key,
		"TF_VAR_password="+secrets["password"], "TF_VAR_header="+secrets["header"], "TF_VAR_signing="+secrets["signing"],
		"TF_LOG=TRACE", "TF_LOG_PATH=terraform.log")
	out, err := work.Run(t, "apply", "-no-color", "-auto-approve")
	if err == nil || !strings.Contains(out, "[secret]") {
		t.Fatalf("the refusal is not shown: %v\n%s", err, out)
	}
	log, err := os.ReadFile(filepath.Join(work.Dir, "terraform.log"))
	if err != nil || !strings.Contains(string(log), "request answered") {
		t.Fatalf("the log has nothing of the provider's requests (%v)", err)
	}
	text, _ := quoted.Load().(string)
	privateKey := strings.Split(key, "\n")[1]
	for name, secret := range map[string]string{
		"token": w.Token, "header": secrets["header"], "signing secret": secrets["signing"], "password": "basic>", "password in JSON": `basic\u003e`,
	} {
		if name != "password" && !strings.Contains(text, secret) {
			t.Errorf("the %s was not sent, so that it was not quoted:\n%s", name, text)
		}
		if strings.Contains(out, secret) || strings.Contains(string(log), secret) {
			t.Errorf("the %s was printed or logged", name)
		}
	}
	if strings.Contains(out, privateKey) || strings.Contains(string(log), privateKey) {
		t.Error("the private key was printed or logged")
	}
	if got, _ := agent.Load().(string); !regexp.MustCompile(`^terraform-provider-alertrouter/dev terraform/1\.\d+\.\d+`).MatchString(got) {
		t.Errorf("the user agent is %q", got)
	}
}

// TestProvider_GoesThroughItsProxy takes the requests to a control plane whose name only the proxy knows.
func TestProvider_GoesThroughItsProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "control-plane.invalid" {
			asked.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":[]}`)
	}))
	t.Cleanup(proxy.Close)
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: []resource.TestStep{{
		Config: fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = \"http://control-plane.invalid\"\n  token = \"x\"\n  proxy_url = %q\n}\ndata \"alertrouter_destinations\" \"all\" {}\n", proxy.URL),
	}}})
	if asked.Load() == 0 {
		t.Error("the proxy was not asked")
	}
}
