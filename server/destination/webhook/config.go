// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. Exactly one of URL and SecretURL is set; the latter is for a URL that itself grants
// access. At most one of the bearer token and the basic credentials is set.
type Config struct {
	URL              string                   `json:"url,omitempty"`
	SecretURL        secret.String            `json:"secret_url,omitzero"`
	Headers          map[string]string        `json:"headers,omitempty"`
	SecretHeaders    map[string]secret.String `json:"secret_headers,omitempty"`
	SigningSecret    secret.String            `json:"signing_secret,omitzero"` // "whsec_" and the key in base64
	HMACSecret       secret.String            `json:"hmac_secret,omitzero"`
	HMACHeader       string                   `json:"hmac_header,omitempty"` // "": DefaultHMACHeader
	HMACFormat       string                   `json:"hmac_format,omitempty"` // "": DefaultHMACFormat
	BearerToken      secret.String            `json:"bearer_token,omitzero"`
	BasicUsername    string                   `json:"basic_username,omitempty"`
	BasicPassword    secret.String            `json:"basic_password,omitzero"`
	TimeoutSeconds   int                      `json:"timeout_seconds,omitempty"` // 0: the server's setting
	render.Templates                          // the body's gives JSON
}

// maxTimeout is the longest an attempt may be set to take, in seconds.
const maxTimeout = 120

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	c.validateURL(add)
	c.validateHeaders(add)
	c.validateCredentials(add)
	c.validateHMAC(add)
	if c.TimeoutSeconds < 0 || c.TimeoutSeconds > maxTimeout {
		add("/timeout_seconds", "must be 1 to %d", maxTimeout)
	}
	return problem.InvalidFields(append(fields, c.ValidateJSON()...))
}

// reporter takes down what is wrong with one field.
type reporter func(name, format string, args ...any)

func (c Config) validateURL(add reporter) {
	switch {
	case c.URL == "" && !c.SecretURL.IsSet():
		add("/url", "is required, or secret_url in its place")
	case c.URL != "" && c.SecretURL.IsSet():
		add("/url", "must not be set beside secret_url")
	case c.URL != "":
		if fault := outbound.CheckURL(c.URL); fault != "" {
			add("/url", "%s", fault)
		}
	default:
		if fault := outbound.CheckURL(c.SecretURL.Reveal()); fault != "" {
			add("/secret_url", "%s", fault)
		}
	}
}

func (c Config) validateCredentials(add reporter) {
	if c.SigningSecret.IsSet() {
		if _, err := parseKey(c.SigningSecret); err != nil {
			add("/signing_secret", "%s", err)
		}
	}
	if c.BearerToken.IsSet() {
		if !destination.Visible(c.BearerToken.Reveal()) {
			add("/bearer_token", "must be visible ASCII characters without spaces")
		}
		if c.BasicUsername != "" {
			add("/basic_username", "must not be set beside bearer_token")
		}
		if c.BasicPassword.IsSet() {
			add("/basic_password", "must not be set beside bearer_token")
		}
		return
	}
	switch {
	case c.BasicUsername == "" && c.BasicPassword.IsSet():
		add("/basic_username", "is required beside basic_password")
	case c.BasicUsername != "" && !c.BasicPassword.IsSet():
		add("/basic_password", "is required beside basic_username")
	}
	if strings.Contains(c.BasicUsername, ":") || !validValue(c.BasicUsername) {
		add("/basic_username", "must not hold a colon or control characters")
	}
	if !validValue(c.BasicPassword.Reveal()) {
		add("/basic_password", "must not hold control characters")
	}
}

// maxHMACText is the longest that the header's name and the form of its value may be.
const maxHMACText = 100

func (c Config) validateHMAC(add reporter) {
	if !validValue(c.HMACSecret.Reveal()) {
		add("/hmac_secret", "must not hold line breaks or other control characters")
	}
	for _, text := range []struct{ name, value string }{{"/hmac_header", c.HMACHeader}, {"/hmac_format", c.HMACFormat}} {
		if text.value != "" && !c.HMACSecret.IsSet() {
			add(text.name, "must not be set without hmac_secret")
		}
		if len(text.value) > maxHMACText {
			add(text.name, "must have at most %d characters", maxHMACText)
		}
	}
	if !validValue(c.HMACSecret.Reveal()) {
		add("/hmac_secret", "must not hold line breaks or other control characters")
	}
	around := strings.Replace(strings.Replace(c.HMACFormat, hexMark, "", 1), base64Mark, "", 1)
	once := strings.Count(c.HMACFormat, "{") == 1 && !strings.ContainsAny(around, "{}")
	if c.HMACFormat != "" && (!once || !destination.Visible(around)) {
		add("/hmac_format", "must be visible ASCII characters with %s or %s once among them, and no other braces", hexMark, base64Mark)
	}
}

func (c Config) validateHeaders(add reporter) {
	authorized := c.BearerToken.IsSet() || c.BasicUsername != ""
	seen := map[string]bool{}
	check := func(pointer, name, value string) {
		key := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			add(pointer, "is not a valid header name")
		case reserved(key):
			add(pointer, "is set by the server and cannot be changed")
		case key == "Authorization" && authorized:
			add(pointer, "must not be set beside bearer_token or basic_username")
		case seen[key]:
			add(pointer, "is set twice; header names are the same in upper and lower case")
		case !validValue(value):
			add(pointer, "must not hold line breaks or other control characters")
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
	case "Host", "Content-Length", "Content-Type", "Content-Encoding", "Expect",
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
