// SPDX-License-Identifier: MPL-2.0

// Package pagerduty triggers PagerDuty incidents through the Events API v2:
// https://developer.pagerduty.com/docs/events-api-v2/trigger-events
//
//	pagerduty.go   what a user sets, and sending
//	event.go       the event, within PagerDuty's limits
//	details.go     its custom details
package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the PagerDuty destination. PagerDuty takes about 120 events a minute for a routing key:
// https://developer.pagerduty.com/docs/events-api-v2/overview
var Type = destination.Define("pagerduty", New).WithRateLimit(2)

// Config is what a user sets. APIURL replaces the region's address; the usual path is appended to it, unless it
// ends in it.
type Config struct {
	RoutingKey    secret.String             `json:"routing_key,omitzero"`     // the integration key of a service or an orchestration
	Region        string                    `json:"region,omitempty"`         // us or eu
	Client        string                    `json:"client,omitempty"`         // what PagerDuty names as the sender
	SeverityMap   map[alert.Severity]string `json:"severity_map,omitempty"`   // PagerDuty's words in place of the usual ones
	CustomDetails map[string]string         `json:"custom_details,omitempty"` // beside the alert's
	APIURL        string                    `json:"api_url,omitempty"`
}

// The regions' addresses.
const (
	usURL = "https://events.pagerduty.com"
	euURL = "https://events.eu.pagerduty.com"
)

// What a config may have; PagerDuty says nothing of the last two.
const (
	keyLength  = 32
	maxClient  = 255   // bytes
	maxDetails = 8_000 // characters of the names and values of all
)

// SetDefaults fills in the region and the client.
func (c *Config) SetDefaults() {
	c.Region = "us"
	c.Client = "alertrouter"
}

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/routing_key", c.RoutingKey.Reveal(), keyFault)
	faults.Optional("/region", c.Region, destination.OneOf("us", "eu"))
	if len(c.Client) > maxClient {
		faults.Add("/client", "must be at most %d bytes", maxClient)
	} else {
		faults.Check("/client", destination.OneLineFault(c.Client))
	}
	faults.BySeverity("/severity_map", c.SeverityMap, destination.OneOf("critical", "error", "warning", "info"))
	faults.Details("/custom_details", c.CustomDetails, maxDetails, utf8.RuneCountInString)
	faults.Optional("/api_url", c.APIURL, outbound.CheckURL)
	return faults.Err()
}

func keyFault(text string) string {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if len(text) != keyLength || !letter && (c < '0' || c > '9') {
			return fmt.Sprintf("must be %d letters and digits", keyLength)
		}
	}
	return ""
}

// url returns where events are posted to.
func (c Config) url() string {
	base := usURL
	switch {
	case c.APIURL != "":
		base = c.APIURL
	case c.Region == "eu":
		base = euURL
	}
	return destination.Endpoint(base, "v2", "enqueue")
}

type sender struct {
	config Config
	env    destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	return &sender{config: c, env: env}, nil
}

// Render returns the event that triggers the incident, with the routing key masked in its own member, which is the first:
// an alert that quotes it is shown as it is.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	body, cut := Render(s.config, m)
	masked := bytes.Replace(body, []byte(s.config.RoutingKey.Reveal()), []byte(secret.Mask), 1)
	return destination.Rendering{Body: masked, Truncated: cut, Notes: render.Notes(m)}, nil
}

// Send makes one attempt. The dedup key folds repeats into one incident. A test resolves the incident it triggers, so
// that it leaves none open.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	body, cut := Render(s.config, m)
	receipt, err := s.post(ctx, body)
	receipt.Truncated = cut
	if err != nil || !m.Test {
		return receipt, err
	}
	if _, err := s.post(ctx, renderResolve(s.config, m)); err != nil {
		return receipt, fmt.Errorf("the test incident was triggered, but not resolved: %w", err)
	}
	return receipt, nil
}

// answer is what PagerDuty says to an event: https://developer.pagerduty.com/docs/events-api-v2/overview
type answer struct {
	DedupKey string   `json:"dedup_key"`
	Message  string   `json:"message"`
	Errors   []string `json:"errors"`
}

// post sends an event. The error says what PagerDuty has against it. It answers 202 with the dedup key, also to an
// event whose key it does not know.
func (s *sender) post(ctx context.Context, body []byte) (destination.Receipt, error) {
	receipt, resp, err := s.env.Post(ctx, s.config.url(), nil, body, s.config.RoutingKey)
	if resp == nil {
		return receipt, err
	}
	var a answer
	_ = json.Unmarshal(resp.Body, &a) // what is no answer of PagerDuty says nothing
	if err != nil {
		if text := render.Said(a.reason(), s.config.RoutingKey); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return receipt, err
	}
	if a.DedupKey == "" {
		return receipt, destination.Unconfirmed("dedup_key")
	}
	receipt.ExternalID = secret.Redact(a.DedupKey, s.config.RoutingKey)
	return receipt, nil
}

// reason is the answer's message and errors.
func (a answer) reason() string {
	texts := slices.DeleteFunc(append([]string{a.Message}, a.Errors...), func(text string) bool { return text == "" })
	return strings.Join(texts, "; ")
}
