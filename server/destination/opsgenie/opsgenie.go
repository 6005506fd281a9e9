// SPDX-License-Identifier: MPL-2.0

// Package opsgenie creates alerts in Opsgenie, or in its successor Jira Service Management, which takes the same
// requests at another address:
// https://docs.opsgenie.com/docs/alert-api,
// https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
//
//	opsgenie.go   sending, and what the answers mean
//	config.go     what a user sets
//	alert.go      the alert, within Opsgenie's limits
//	prove.go      what becomes of a test
package opsgenie

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Opsgenie destination. How many requests Opsgenie takes depends on the plan and the number of users, so
// there is no rate to begin with: https://docs.opsgenie.com/docs/api-rate-limiting
var Type = destination.Define("opsgenie", New)

type sender struct {
	config Config
	env    destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	return &sender{config: c, env: env}, nil
}

// Send makes one attempt. The alias folds repeats into one alert, of which Opsgenie only raises the count. What it
// answers is that it will look at the request: of a test, Send waits for what comes of that, and closes the alert.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	rendering, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, answer, err := s.exchange(ctx, http.MethodPost, s.config.alerts(), rendering.Body)
	receipt.Truncated = rendering.Truncated
	if err != nil {
		return receipt, err
	}
	if !requestID.MatchString(answer.RequestID) {
		return receipt, destination.Unconfirmed("id of a request")
	}
	receipt.ExternalID = alias(m)
	if !m.Test {
		return receipt, nil
	}
	return s.prove(ctx, receipt, answer.RequestID)
}

// answer is what Opsgenie says to any request: https://docs.opsgenie.com/docs/response
type answer struct {
	RequestID string            `json:"requestId"`
	Message   string            `json:"message"` // why not
	Code      int               `json:"code"`    // more telling than the status, for some
	Errors    map[string]string `json:"errors"`  // by field
	Data      state             `json:"data"`
}

// exchange makes a request with the API key. The error says what Opsgenie has against it.
func (s *sender) exchange(ctx context.Context, method, url string, body []byte) (destination.Receipt, answer, error) {
	header := http.Header{"Authorization": {"GenieKey " + s.config.APIKey.Reveal()}}
	receipt, resp, err := s.env.Exchange(ctx, method, url, header, body, s.config.APIKey)
	if resp == nil {
		return receipt, answer{}, err
	}
	var a answer
	_ = json.Unmarshal(resp.Body, &a) // what is no answer of Opsgenie says nothing
	if err != nil {
		err = explain(err, resp, a, s.config.APIKey)
	}
	return receipt, a, err
}

// explain adds to the error what Opsgenie says and what a person can do, and of a refusal for being too many, when to
// come back: X-RateLimit-Period-In-Sec is 1 or 60, the unit of time whose limit was reached.
// https://docs.opsgenie.com/docs/api-rate-limiting
func explain(err error, resp *outbound.Response, a answer, key secret.String) error {
	if text := render.Said(a.reason(), key); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	if advice := advice(resp.StatusCode, a.Code); advice != "" {
		err = fmt.Errorf("%w (%s)", err, advice)
	}
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "" {
		return err
	}
	seconds, bad := strconv.Atoi(resp.Header.Get("X-RateLimit-Period-In-Sec"))
	if bad != nil || seconds < 1 || seconds > maxPeriod {
		return err
	}
	return destination.RetryAfter(err, time.Duration(seconds)*time.Second)
}

const maxPeriod = 3600 // seconds; longer than any that Opsgenie names

// reason is the answer's message and its errors by field.
func (a answer) reason() string {
	texts := []string{}
	if a.Message != "" {
		texts = append(texts, strings.TrimRight(a.Message, ". "))
	}
	for _, field := range slices.Sorted(maps.Keys(a.Errors)) {
		texts = append(texts, field+": "+a.Errors[field])
	}
	return strings.Join(texts, "; ")
}

// advice is what a person may do about a status: https://docs.opsgenie.com/docs/response#response-codes
func advice(status, code int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the key is wrong or of another service or region, or its integration is turned off"
	case http.StatusPaymentRequired:
		return "the plan of the account does not include this"
	case http.StatusForbidden:
		if code == 40302 {
			return "the account does not support this request"
		}
		return "the key must be of an API integration that may read, create and update alerts"
	}
	return ""
}
