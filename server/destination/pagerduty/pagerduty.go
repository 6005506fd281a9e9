// SPDX-License-Identifier: MPL-2.0

// Package pagerduty triggers PagerDuty incidents through the Events API v2:
// https://developer.pagerduty.com/docs/events-api-v2/trigger-events
//
//	pagerduty.go   what a user sets, and sending
//	event.go       the event, within PagerDuty's limits
package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the PagerDuty destination. PagerDuty takes about 120 events a minute for a routing key:
// https://developer.pagerduty.com/docs/events-api-v2/overview
var Type = destination.Define("pagerduty", New).WithRateLimit(2)

// Config is what a user sets. APIURL replaces the region's address; the usual path is appended to it, unless it
// ends in it.
type Config struct {
	RoutingKey secret.String `json:"routing_key,omitzero"` // the integration key of a service or an orchestration
	Region     string        `json:"region,omitempty"`     // us or eu
	Client     string        `json:"client,omitempty"`     // what PagerDuty names as the sender
	APIURL     string        `json:"api_url,omitempty"`
}

// The regions' addresses, and the path both have.
const (
	usURL = "https://events.pagerduty.com"
	euURL = "https://events.eu.pagerduty.com"
	path  = "/v2/enqueue"
)

const (
	keyLength = 32
	maxClient = 255
)

// SetDefaults fills in the region and the client.
func (c *Config) SetDefaults() {
	c.Region = "us"
	c.Client = "alertrouter"
}

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, message string) { fields = append(fields, problem.Field{Name: name, Message: message}) }
	switch {
	case !c.RoutingKey.IsSet():
		add("/routing_key", "is required")
	case !isKey(c.RoutingKey.Reveal()):
		add("/routing_key", fmt.Sprintf("must be %d letters and digits", keyLength))
	}
	if c.Region != "" && c.Region != "us" && c.Region != "eu" {
		add("/region", "must be us or eu")
	}
	if len(c.Client) > maxClient {
		add("/client", fmt.Sprintf("must be at most %d bytes", maxClient))
	}
	if c.APIURL != "" {
		if fault := outbound.CheckURL(c.APIURL); fault != "" {
			add("/api_url", fault)
		}
	}
	return problem.InvalidFields(fields)
}

func isKey(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') {
			return false
		}
	}
	return len(text) == keyLength
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
	u, err := url.Parse(base)
	if err != nil || strings.HasSuffix(u.Path, "/enqueue") {
		return base
	}
	if strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v2") { // as PagerDuty writes its server's URL
		return u.JoinPath("enqueue").String()
	}
	return u.JoinPath(path).String()
}

type sender struct {
	config Config
	env    destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	return &sender{config: c, env: env}, nil
}

// Render returns the event that triggers the incident, without the routing key.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	shown := s.config
	shown.RoutingKey = secret.String{}
	body, cut := Render(shown, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: render.Notes(m)}, nil
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

func (s *sender) post(ctx context.Context, body []byte) (destination.Receipt, error) {
	receipt, resp, err := s.env.Post(ctx, s.config.url(), nil, body, s.config.RoutingKey)
	if err != nil {
		return receipt, err
	}
	var answer struct {
		DedupKey string `json:"dedup_key"`
	}
	if json.Unmarshal(resp.Body, &answer) == nil {
		receipt.ExternalID = secret.Redact(answer.DedupKey, s.config.RoutingKey)
	}
	return receipt, nil
}
