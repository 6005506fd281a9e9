// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// A SettingError is why New refuses an option about the connection. It never quotes the value, which may be a secret.
type SettingError struct {
	Setting string // ca_cert, client_cert, client_key or proxy_url
	Problem string
}

// Error gives the setting and what is wrong with it.
func (e *SettingError) Error() string { return e.Setting + " " + e.Problem }

// WithTLS sets whom to trust and who this client is; see [TLSConfig]. There is no option to trust just anybody.
func WithTLS(ca, certificate, key string) Option {
	return func(t *transport) (err error) {
		t.tls, err = TLSConfig(ca, certificate, key)
		return err
	}
}

// TLSConfig returns how to connect, or nil when nothing is set; its errors are a [SettingError]. Each value is PEM text
// or the path of a PEM file, or "" to leave it: ca is trusted beside the system's certificate authorities; certificate
// and its private key are shown to a server that asks for a client's certificate.
func TLSConfig(ca, certificate, key string) (*tls.Config, error) {
	if ca+certificate+key == "" {
		return nil, nil //nolint:nilnil // nil is how net/http says "as usual"
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		if err := trust(config, ca); err != nil {
			return nil, err
		}
	}
	return config, identify(config, certificate, key)
}

func trust(config *tls.Config, ca string) error {
	text, err := readPEM("ca_cert", ca)
	if err != nil {
		return err
	}
	config.RootCAs, err = x509.SystemCertPool()
	if err != nil {
		config.RootCAs = x509.NewCertPool() // a system without any
	}
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return &SettingError{"ca_cert", "holds no certificate that can be read"}
	}
	return nil
}

func identify(config *tls.Config, certificate, key string) error {
	switch {
	case certificate == "" && key == "":
		return nil
	case certificate == "":
		return &SettingError{"client_cert", "is missing: client_key is of no use without the certificate it belongs to"}
	case key == "":
		return &SettingError{"client_key", "is missing: client_cert is of no use without its private key"}
	}
	chain, err := readPEM("client_cert", certificate)
	if err != nil {
		return err
	}
	secret, err := readPEM("client_key", key)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(chain)
	if block == nil || block.Type != "CERTIFICATE" {
		return &SettingError{"client_cert", "does not begin with a certificate in PEM form"}
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return &SettingError{"client_cert", "holds a certificate that cannot be read: " + err.Error()}
	}
	if block, _ := pem.Decode(secret); block == nil {
		return &SettingError{"client_key", "holds no private key in PEM form"}
	}
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		return &SettingError{"client_key", "cannot be used with client_cert: " + strings.TrimPrefix(err.Error(), "tls: ")}
	}
	config.Certificates = []tls.Certificate{pair}
	return nil
}

// readPEM returns PEM text, or the content of the file that is named instead.
func readPEM(setting, value string) ([]byte, error) {
	if strings.Contains(value, "-----BEGIN") {
		return []byte(value), nil
	}
	text, err := os.ReadFile(value)
	if file, ok := errors.AsType[*os.PathError](err); ok {
		return nil, &SettingError{setting, fmt.Sprintf("is neither PEM text nor the path of a file that can be read: %s", file.Err)}
	}
	return text, err
}

// WithProxy sets the proxy for all requests, such as "http://proxy.example.com:3128", in place of the one that the
// environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. "" leaves it to them.
func WithProxy(address string) Option {
	return func(t *transport) error {
		if address == "" {
			return nil
		}
		proxy, err := url.Parse(address)
		if err != nil || proxy.Host == "" || proxy.Scheme != "http" && proxy.Scheme != "https" && proxy.Scheme != "socks5" {
			return &SettingError{"proxy_url", "must be a URL such as http://proxy.example.com:3128, with http, https or socks5"}
		}
		t.proxy = http.ProxyURL(proxy)
		return nil
	}
}

// connections is [http.DefaultTransport] but for the options about connections, and for how many are kept: one for each
// request that may be under way.
func (t *transport) connections() http.RoundTripper {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConns, base.MaxIdleConnsPerHost = cap(t.slots), cap(t.slots)
	if t.tls != nil {
		base.TLSClientConfig = t.tls
	}
	if t.proxy != nil {
		base.Proxy = t.proxy
	}
	base.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return &proxyError{answer.StatusCode}
		}
		return nil
	}
	return base
}

// proxyError is a proxy's refusal to connect to the server.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy does not connect to the control plane: it answers %d %s", e.status, http.StatusText(e.status))
}

// lasting reports whether there is no use in asking the proxy again.
func (e *proxyError) lasting() bool { return e.status < 500 }
