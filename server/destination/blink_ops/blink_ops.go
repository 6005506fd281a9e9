// SPDX-License-Identifier: MPL-2.0

// Package blinkops starts Blink workflows through an event-based webhook trigger:
// https://docs.blinkops.com/docs/workflows/building-workflows/triggers/event-based-triggers/webhooks
//
// What Blink is sent is package payload's.
//
//	blink_ops.go   sending, and how a request shows who it is from
//	config.go      what a user sets
package blinkops

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Blink destination. A webhook starts at most 1,800 workflows a minute:
// https://docs.blinkops.com/docs/workflows/system-limits
var Type = destination.Define("blink_ops", New).WithRateLimit(30)

// maxPayload is the most that stays under Blink's 5 MB, by the smaller of the two megabytes there are:
// https://docs.panther.com/alerts/destinations/blink-ops
const maxPayload = 5_000_000 - 1

type sender struct {
	env     destination.Env
	url     string // as it is requested, and so as it is signed
	config  Config
	secrets []secret.String
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	s := &sender{env: env, url: requested(c.WebhookURL.Reveal()), config: c}
	for _, value := range []secret.String{c.WebhookURL, c.APIKey, c.SigningSecret} {
		if value.IsSet() { // looking for one that is not would cost every attempt something
			s.secrets = append(s.secrets, value)
		}
	}
	return s, nil
}

// requested returns a URL as a request for it spells it, without what a request does not have.
func requested(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// Render returns the alert as JSON, with its context cut where it is over Blink's limit.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	body, cut := payload.Render(m, maxPayload, render.Bytes)
	return destination.Rendering{Body: body, Truncated: cut, Notes: render.Notes(m)}, nil
}

// Send makes one attempt. Blink has no key to tell repeats by; a workflow can, by the alertId.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	rendering, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, _, err := s.env.Post(ctx, s.url, s.header(rendering.Body), rendering.Body, s.secrets...)
	receipt.Truncated = rendering.Truncated
	if hint := hints[receipt.StatusCode]; hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	return receipt, err
}

// hints say what an operator can do about a refusal. Blink publishes no answers, so they follow from the status.
var hints = map[int]string{
	http.StatusUnauthorized: wrongKey,
	http.StatusForbidden:    wrongKey,
	http.StatusNotFound:     "no workflow has this webhook: copy the webhook's URL again, apply its trigger and turn the workflow on",
}

const wrongKey = "the key is not this webhook's: set api_key where its authentication method is API Key, signing_secret where it is Signature"

// header shows who the request is from: by the API key, or by a signature made with it. A key in the URL needs neither.
func (s *sender) header(body []byte) http.Header {
	header := http.Header{}
	switch {
	case s.config.APIKey.IsSet():
		header.Set("Blink-Api-Key", s.config.APIKey.Reveal())
	case s.config.SigningSecret.IsSet():
		timestamp := strconv.FormatInt(s.env.Now().Unix(), 10)
		header.Set("X-Blink-Signature", "ts="+timestamp+";sig1="+signature(s.config.SigningSecret, timestamp, s.url, body))
	}
	return header
}

// signature is the MAC, in hexadecimal digits, of time, URL and body:
// https://docs.blinkops.com/docs/workflows/building-workflows/triggers/event-based-triggers/webhooks#signature
func signature(key secret.String, timestamp, url string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(timestamp + "." + url + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
