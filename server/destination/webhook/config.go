// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. Exactly one of URL and SecretURL is set; the latter is for a URL that itself grants
// access. At most one of the bearer token and the basic credentials is set. Certificates are for https:// only.
type Config struct {
	URL            string                   `json:"url,omitempty"`
	SecretURL      secret.String            `json:"secret_url,omitzero"`
	Headers        map[string]string        `json:"headers,omitempty"`
	SecretHeaders  map[string]secret.String `json:"secret_headers,omitempty"`
	SigningSecret  secret.String            `json:"signing_secret,omitzero"` // "whsec_" and the key in base64
	HMACSecret     secret.String            `json:"hmac_secret,omitzero"`
	HMACHeader     string                   `json:"hmac_header,omitempty"` // "": DefaultHMACHeader
	HMACFormat     string                   `json:"hmac_format,omitempty"` // "": DefaultHMACFormat
	BearerToken    secret.String            `json:"bearer_token,omitzero"`
	BasicUsername  string                   `json:"basic_username,omitempty"`
	BasicPassword  secret.String            `json:"basic_password,omitzero"`
	TimeoutSeconds int                      `json:"timeout_seconds,omitempty"` // 0: the server's setting
	destination.Identity
	render.Templates // the body's gives JSON
}

// maxTimeout is the longest an attempt may be set to take, in seconds.
const maxTimeout = 120

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	c.validateURL(&faults)
	c.validateHeaders(&faults)
	c.validateCredentials(&faults)
	c.validateHMAC(&faults)
	c.Identity.Validate(&faults)
	if c.TimeoutSeconds < 0 || c.TimeoutSeconds > maxTimeout {
		faults.Add("/timeout_seconds", "must be 1 to %d", maxTimeout)
	}
	faults.Take(c.ValidateJSON())
	return faults.Err()
}

func (c Config) validateURL(faults *destination.Faults) {
	switch {
	case c.URL == "" && !c.SecretURL.IsSet():
		faults.Add("/url", "is required, or secret_url in its place")
	case c.URL != "" && c.SecretURL.IsSet():
		faults.Add("/url", "must not be set beside secret_url")
	case c.URL != "":
		faults.Check("/url", outbound.CheckURL(c.URL))
	default:
		faults.Check("/secret_url", outbound.CheckURL(c.SecretURL.Reveal()))
	}
	if c.IsSet() {
		const fault = "must start with https:// beside client_certificate, client_key or ca_certificate"
		for name, text := range map[string]string{"/url": c.URL, "/secret_url": c.SecretURL.Reveal()} {
			if u, err := url.Parse(text); err == nil && u.Scheme == "http" {
				faults.Add(name, fault)
			}
		}
	}
}

func (c Config) validateCredentials(faults *destination.Faults) {
	if c.SigningSecret.IsSet() {
		if _, err := parseKey(c.SigningSecret); err != nil {
			faults.Add("/signing_secret", "%s", err)
		}
	}
	if c.BearerToken.IsSet() {
		faults.Check("/bearer_token", destination.VisibleFault(c.BearerToken.Reveal()))
		if c.BasicUsername != "" {
			faults.Add("/basic_username", "must not be set beside bearer_token")
		}
		if c.BasicPassword.IsSet() {
			faults.Add("/basic_password", "must not be set beside bearer_token")
		}
		return
	}
	switch {
	case c.BasicUsername == "" && c.BasicPassword.IsSet():
		faults.Add("/basic_username", "is required beside basic_password")
	case c.BasicUsername != "" && !c.BasicPassword.IsSet():
		faults.Add("/basic_password", "is required beside basic_username")
	}
	if strings.Contains(c.BasicUsername, ":") || !validValue(c.BasicUsername) {
		faults.Add("/basic_username", "must not hold a colon or control characters")
	}
	if !validValue(c.BasicPassword.Reveal()) {
		faults.Add("/basic_password", "must not hold control characters")
	}
}

// maxHMACText is the longest that the header's name and the form of its value may be.
const maxHMACText = 100

func (c Config) validateHMAC(faults *destination.Faults) {
	if !validValue(c.HMACSecret.Reveal()) {
		faults.Add("/hmac_secret", "must not hold line breaks or other control characters")
	}
	for _, text := range []struct{ name, value string }{{"/hmac_header", c.HMACHeader}, {"/hmac_format", c.HMACFormat}} {
		if text.value != "" && !c.HMACSecret.IsSet() {
			faults.Add(text.name, "must not be set without hmac_secret")
		}
		if len(text.value) > maxHMACText {
			faults.Add(text.name, "must have at most %d characters", maxHMACText)
		}
	}
	around := strings.Replace(strings.Replace(c.HMACFormat, hexMark, "", 1), base64Mark, "", 1)
	once := strings.Count(c.HMACFormat, "{") == 1 && !strings.ContainsAny(around, "{}")
	if c.HMACFormat != "" && (!once || !destination.Visible(around)) {
		faults.Add("/hmac_format", "must be visible ASCII characters with %s or %s once among them, and no other braces", hexMark, base64Mark)
	}
}

func (c Config) validateHeaders(faults *destination.Faults) {
	authorized := c.BearerToken.IsSet() || c.BasicUsername != ""
	seen := map[string]bool{}
	check := func(pointer, name, value string) {
		key := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			faults.Add(pointer, "is not a valid header name")
		case reserved(key):
			faults.Add(pointer, "is set by the server and cannot be changed")
		case key == "Authorization" && authorized:
			faults.Add(pointer, "must not be set beside bearer_token or basic_username")
		case seen[key]:
			faults.Add(pointer, "is set twice; header names are the same in upper and lower case")
		case !validValue(value):
			faults.Add(pointer, "must not hold line breaks or other control characters")
		}
		seen[key] = true
	}
	if c.HMACSecret.IsSet() {
		check("/hmac_header", c.hmacHeader(), "")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		check(destination.Pointer("headers", name), name, c.Headers[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.SecretHeaders)) {
		check(destination.Pointer("secret_headers", name), name, c.SecretHeaders[name].Reveal())
	}
}

// reserved reports whether a header, in canonical form, is the protocol's or this package's own.
func reserved(key string) bool {
	switch key {
	case FallbackHeader,
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Expect",
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade": // hop by hop: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
		return true
	}
	return strings.HasPrefix(key, "Webhook-")
}

// isToken reports whether a header name has the form of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2.
func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}

func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
