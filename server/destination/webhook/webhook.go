// SPDX-License-Identifier: MPL-2.0

// Package webhook posts alerts as JSON to any URL, signed after Standard Webhooks when a signing secret is set.
//
//	config.go    what a user sets
//	sign.go      the signature
package webhook

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the webhook destination.
var Type = destination.Define("webhook", New)

// FallbackHeader names the destination that did not take the alert, percent-encoded, in requests that stand in for it.
const FallbackHeader = "Alertrouter-Fallback-Of"

type sender struct {
	env     destination.Env
	url     string
	header  http.Header // what is the same in every request
	key     []byte      // nil: not signed
	timeout time.Duration
	secrets []secret.String
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	s := &sender{
		env:     env,
		url:     c.URL,
		header:  http.Header{},
		timeout: time.Duration(c.TimeoutSeconds) * time.Second,
	}
	for _, value := range []secret.String{c.SecretURL, c.SigningSecret, c.BearerToken, c.BasicPassword} {
		if value.IsSet() { // looking for one that is not would cost every attempt something
			s.secrets = append(s.secrets, value)
		}
	}
	if c.SecretURL.IsSet() {
		s.url = c.SecretURL.Reveal()
	}
	if c.SigningSecret.IsSet() {
		key, err := parseKey(c.SigningSecret)
		if err != nil {
			return nil, err
		}
		s.key = key
	}
	for name, value := range c.Headers {
		s.header.Set(name, value)
	}
	for name, value := range c.SecretHeaders {
		s.header.Set(name, value.Reveal())
		s.secrets = append(s.secrets, value)
	}
	switch {
	case c.BearerToken.IsSet():
		s.header.Set("Authorization", "Bearer "+c.BearerToken.Reveal())
	case c.BasicUsername != "":
		pair := base64.StdEncoding.EncodeToString([]byte(c.BasicUsername + ":" + c.BasicPassword.Reveal()))
		s.header.Set("Authorization", "Basic "+pair)
		s.secrets = append(s.secrets, secret.New(pair))
	}
	return s, nil
}

// Timeout is how long an attempt may take; 0 is the server's setting.
func (s *sender) Timeout() time.Duration { return s.timeout }

// Render returns the alert as JSON.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	body, _ := payload.Render(m, 0, nil)
	return destination.Rendering{Body: body}, nil
}

// Send makes one attempt.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	body, _ := payload.Render(m, 0, nil)
	receipt, _, err := s.env.Post(ctx, s.url, s.sign(m, body), body, s.secrets...)
	return receipt, err
}

// sign returns the headers of a request: the user's, and those of Standard Webhooks.
func (s *sender) sign(m *destination.Message, body []byte) http.Header {
	header := s.header.Clone()
	id, timestamp := messageID(m), strconv.FormatInt(s.env.Now().Unix(), 10)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", timestamp)
	if m.FallbackOf != "" {
		header.Set(FallbackHeader, url.PathEscape(m.FallbackOf))
	}
	if s.key != nil {
		header.Set("Webhook-Signature", signature(s.key, id, timestamp, body))
	}
	return header
}

// messageID is what the receiver tells repeats by. A test of a destination that is not stored has no delivery.
func messageID(m *destination.Message) string {
	if m.DeliveryID == "" {
		return "test_" + strconv.FormatInt(m.CreatedAt.UnixNano(), 36)
	}
	return m.DeliveryID
}

var _ destination.Timed = (*sender)(nil)
