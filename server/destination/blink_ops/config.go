// SPDX-License-Identifier: MPL-2.0

package blinkops

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. The key that Blink shows beside the webhook is in exactly one place: in APIKey, to be sent
// in a header; in SigningSecret, to be signed with; or in the URL, as Blink's "full URL" has it. So the URL is a secret.
type Config struct {
	WebhookURL    secret.String `json:"webhook_url,omitzero"`
	APIKey        secret.String `json:"api_key,omitzero"`
	SigningSecret secret.String `json:"signing_secret,omitzero"`
}

// maxKey is the longest a key may be, in bytes; Blink names no limit.
const maxKey = 1024

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, message string) { fields = append(fields, problem.Field{Name: name, Message: message}) }
	keyed := c.validateURL(add)
	validateKey(add, "/api_key", c.APIKey)
	validateKey(add, "/signing_secret", c.SigningSecret)
	switch {
	case c.APIKey.IsSet() && c.SigningSecret.IsSet():
		add("/signing_secret", "must not be set beside api_key: a webhook wants one or the other")
	case keyed && (c.APIKey.IsSet() || c.SigningSecret.IsSet()):
		add("/webhook_url", "must not have a key of its own (apikey) beside api_key or signing_secret: use the base URL")
	case !keyed && !c.APIKey.IsSet() && !c.SigningSecret.IsSet():
		add("/api_key", "is required, or signing_secret in its place, or the full URL, with apikey in it, as webhook_url")
	}
	return problem.InvalidFields(fields)
}

// validateURL reports whether the URL has a key in it.
func (c Config) validateURL(add func(name, message string)) (keyed bool) {
	if !c.WebhookURL.IsSet() {
		add("/webhook_url", "is required")
		return false
	}
	text := c.WebhookURL.Reveal()
	if fault := outbound.CheckURL(text); fault != "" {
		add("/webhook_url", fault)
		return false
	}
	u, err := url.Parse(text)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		add("/webhook_url", "must have the path of a webhook, such as https://example.app.blinkops.com/webhooks/…")
		return false
	}
	return u.Query().Get("apikey") != ""
}

func validateKey(add func(name, message string), name string, key secret.String) {
	if text := key.Reveal(); key.IsSet() && (text == "" || len(text) > maxKey || !destination.Visible(text)) {
		add(name, fmt.Sprintf("must be at most %d visible ASCII characters, without spaces", maxKey))
	}
}
