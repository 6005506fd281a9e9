// SPDX-License-Identifier: MPL-2.0

// Package webhook posts alerts as JSON to any URL: the payload of package payload, or what the user's own template makes.
//
//	config.go    what a user sets
//	webhook.go   rendering and sending
//	sign.go      the signatures: of Standard Webhooks, and of the body alone for older receivers
package webhook

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the webhook destination.
var Type = destination.Define("webhook", New)

// FallbackHeader names the destination that did not take the alert, percent-encoded, in requests that stand in for it.
const FallbackHeader = "Alertrouter-Fallback-Of"

type sender struct {
	env     destination.Env // with the client that has the certificates
	url     string
	header  http.Header // what is the same in every request
	key     []byte      // of Standard Webhooks; nil: not signed
	hmac    hmacConfig
	timeout time.Duration
	secrets []secret.String
	texts   *render.TemplateSet // nil: none
	titled  bool                // there is a template of the title

	certificate string // of the client; "": none
}

// hmacConfig says how the body alone is signed; without a key it is not.
type hmacConfig struct {
	key            []byte
	header, format string
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	s := &sender{
		env:     env,
		url:     c.URL,
		header:  http.Header{},
		timeout: time.Duration(c.TimeoutSeconds) * time.Second,

		certificate: c.ClientCertificate,
	}
	var err error
	if s.env.HTTP, err = c.Client(env.HTTP); err != nil {
		return nil, err
	}
	for _, value := range []secret.String{c.SecretURL, c.SigningSecret, c.HMACSecret, c.BearerToken, c.BasicPassword} {
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
	if c.HMACSecret.IsSet() {
		s.hmac = hmacConfig{key: []byte(c.HMACSecret.Reveal()), header: c.hmacHeader(), format: cmp.Or(c.HMACFormat, DefaultHMACFormat)}
	}
	if c.Templates != (render.Templates{}) {
		set, err := c.CompileJSON()
		if err != nil {
			return nil, err
		}
		s.texts, s.titled = set, c.TitleTemplate != ""
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

// Render returns what is posted.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	var texts render.Texts
	if s.texts != nil {
		texts = s.texts.Apply(m)
	}
	switch {
	case texts.BodyErr != nil:
		return destination.Rendering{}, bodyFailed(texts.BodyErr)
	case texts.HasBody:
		return destination.Rendering{Body: []byte(texts.Body), Truncated: m.Cut != nil, Notes: texts.Notes}, nil
	case s.titled && texts.Title != render.Title(m): // else it failed or came out blank
		m = withTitle(m, texts.Title)
	}
	body, cut := payload.Render(m, 0, nil)
	return destination.Rendering{Body: body, Truncated: cut, Notes: texts.Notes}, nil
}

// bodyFailed ends the delivery: a receiver that expects a form of its own is not sent another, and the same alert will
// not fare better later.
func bodyFailed(err error) error {
	return destination.Permanent(&problem.Error{
		Kind: problem.Invalid, Detail: "the body template makes nothing of this alert that can be sent",
		Fields: []problem.Field{{Name: "/body_template", Message: err.Error()}},
	})
}

// withTitle returns the message with another title; the one given stays as it is.
func withTitle(m *destination.Message, title string) *destination.Message {
	titled := *m
	titled.Alert = retitled(m.Alert, title)
	if m.Cut != nil {
		cut := *m.Cut
		cut.Whole = retitled(cut.Whole, title)
		titled.Cut = &cut
	}
	return &titled
}

func retitled(a *alert.Alert, title string) *alert.Alert {
	other := *a
	other.Generated.Title = &title
	return &other
}

// Send makes one attempt.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	r, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, _, err := s.env.Post(ctx, s.url, s.sign(m, r.Body), r.Body, s.secrets...)
	receipt.Truncated = r.Truncated
	if err != nil { // some receivers say only that the certificate is wrong
		if expired := destination.ExpiredAt(s.certificate, s.env.Now()); expired != "" {
			err = fmt.Errorf("%w; client_certificate %s", err, expired)
		}
	}
	return receipt, err
}

// sign returns the headers of a request: the user's, those of Standard Webhooks, and the signature of the body alone.
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
	if s.hmac.key != nil {
		header.Set(s.hmac.header, bodySignature(s.hmac.key, s.hmac.format, body))
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
