// SPDX-License-Identifier: MPL-2.0

package blinkops

import (
	"net/url"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
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
	var faults destination.Faults
	faults.Required("/webhook_url", c.WebhookURL.Reveal(), webhookFault)
	key := destination.KeyFault(maxKey)
	faults.Optional("/api_key", c.APIKey.Reveal(), key)
	faults.Optional("/signing_secret", c.SigningSecret.Reveal(), key)
	keyed := hasKey(c.WebhookURL.Reveal())
	switch {
	case c.APIKey.IsSet() && c.SigningSecret.IsSet():
		faults.Add("/signing_secret", "must not be set beside api_key: a webhook wants one or the other")
	case keyed && (c.APIKey.IsSet() || c.SigningSecret.IsSet()):
		faults.Add("/webhook_url", "must not have a key of its own (apikey) beside api_key or signing_secret: use the base URL")
	case !keyed && !c.APIKey.IsSet() && !c.SigningSecret.IsSet():
		faults.Add("/api_key", "is required, or signing_secret in its place, or the full URL, with apikey in it, as webhook_url")
	}
	return faults.Err()
}

// webhookFault returns what is wrong with the URL, as the end of a sentence that does not quote it, or "".
func webhookFault(address string) string {
	u, fault := destination.ParseURL(address)
	if fault == "" && strings.Trim(u.Path, "/") == "" {
		return "must have the path of a webhook, such as https://example.app.blinkops.com/webhooks/…"
	}
	return fault
}

// hasKey reports whether the URL has a key in it.
func hasKey(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Query().Get("apikey") != ""
}
