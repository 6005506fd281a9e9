// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// TestCommands_SpeakTLSWithCertificates has a control plane that shows a certificate nobody knows, and wants one.
func TestCommands_SpeakTLSWithCertificates(t *testing.T) {
	ca, dir := servertest.NewAuthority(t), t.TempDir()
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
	t.Setenv("ALERTROUTER_ENDPOINT", s.URL)
	t.Setenv("ALERTROUTER_TOKEN", s.Token)
	flags := []string{"--ca-cert", filepath.Join(dir, "ca.pem"), "--client-cert", file("client.pem", certificate), "--client-key", file("client.key", key)}
	want := func(code int, contains string, args ...string) {
		t.Helper()
		got, out, complaints := command(t, "", args...)
		if got != code || !strings.Contains(out+complaints, contains) {
			t.Errorf("alertrouter %s: got %d %q %q, want %d and %q", strings.Join(args, " "), got, out, complaints, code, contains)
		}
	}
	for _, name := range []string{"token list", "healthcheck"} {
		words := strings.Fields(name)
		want(exitFailed, "unknown authority", words...)
		want(exitFailed, "certificate required", append(words, flags[:2]...)...)
		want(exitUsage, "--client-key is missing", append(words, flags[:4]...)...)
		want(exitUsage, "--ca-cert is neither", append(words, "--ca-cert=/nowhere")...)
		want(exitDone, "", append(words, flags...)...)
	}
	t.Setenv("ALERTROUTER_CA_CERT", ca.PEM)
	t.Setenv("ALERTROUTER_CLIENT_CERT", certificate)
	t.Setenv("ALERTROUTER_CLIENT_KEY", key)
	want(exitDone, "NAME", "token", "list")
}
