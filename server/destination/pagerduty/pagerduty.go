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
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
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
	RoutingKey    secret.String             `json:"routing_key,omitzero"`     // the integration key of a service or an orchestration
	Region        string                    `json:"region,omitempty"`         // us or eu
	Client        string                    `json:"client,omitempty"`         // what PagerDuty names as the sender
	SeverityMap   map[alert.Severity]string `json:"severity_map,omitempty"`   // PagerDuty's words in place of the usual ones
	CustomDetails map[string]string         `json:"custom_details,omitempty"` // beside the alert's
	APIURL        string                    `json:"api_url,omitempty"`
}

// The regions' addresses, and the path both have.
const (
	usURL = "https://events.pagerduty.com"
	euURL = "https://events.eu.pagerduty.com"
	path  = "/v2/enqueue"
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

// reporter takes down what is wrong with one field.
type reporter func(name, format string, args ...any)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case !c.RoutingKey.IsSet():
		add("/routing_key", "is required")
	case !isKey(c.RoutingKey.Reveal()):
		add("/routing_key", "must be %d letters and digits", keyLength)
	}
	if c.Region != "" && c.Region != "us" && c.Region != "eu" {
		add("/region", "must be us or eu")
	}
	if len(c.Client) > maxClient {
		add("/client", "must be at most %d bytes", maxClient)
	} else if !destination.OneLine(c.Client) {
		add("/client", "must be one line, without control characters and without space around it")
	}
	for _, severity := range slices.Sorted(maps.Keys(c.SeverityMap)) {
		at := destination.Pointer("severity_map", string(severity))
		if severities[severity] == "" {
			add(at, "is not a severity: CRITICAL, HIGH, MEDIUM, LOW or INFO")
		} else if !slices.Contains([]string{"critical", "error", "warning", "info"}, c.SeverityMap[severity]) {
			add(at, "must be critical, error, warning or info")
		}
	}
	c.validateDetails(add)
	if c.APIURL != "" {
		if fault := outbound.CheckURL(c.APIURL); fault != "" {
			add("/api_url", "%s", fault)
		}
	}
	return problem.InvalidFields(fields)
}

func (c Config) validateDetails(add reporter) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(c.CustomDetails)) {
		value := c.CustomDetails[name]
		size += utf8.RuneCountInString(name) + utf8.RuneCountInString(value)
		if name == "" || !destination.OneLine(name) {
			add(destination.Pointer("custom_details", name), "must have a name of one line, without space around it")
		} else if !destination.OneLine(value) {
			add(destination.Pointer("custom_details", name), "must be one line, without control characters and without space around it")
		}
	}
	if size > maxDetails {
		add("/custom_details", "must have at most %d characters in all, names and values", maxDetails)
	}
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
		if text := secret.Redact(a.reason(), s.config.RoutingKey); text != "" {
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

const maxReason = 500 // characters

// reason is the answer's message and errors, on one line.
func (a answer) reason() string {
	texts := slices.DeleteFunc(append([]string{a.Message}, a.Errors...), func(text string) bool { return text == "" })
	var cutter render.Cutter
	return cutter.Fit(render.Line(strings.Join(texts, "; ")), maxReason, render.Runes)
}
