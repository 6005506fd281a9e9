// SPDX-License-Identifier: MPL-2.0

// Package asana makes a task in Asana for each alert: https://developers.asana.com/reference/createtask
//
//	asana.go      sending
//	config.go     what a user sets
//	task.go       the task, within Asana's limits
//	richtext.go   Asana's rich text: XML with few tags
//	answer.go     what Asana's answers say
//	find.go       the task that an earlier attempt made
package asana

import (
	"context"
	"net/http"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Type is the Asana destination. Asana takes 150 requests a minute from a token in a free workspace, and ten times as many
// in a paid one: https://developers.asana.com/docs/rate-limits
var Type = destination.Define("asana", New).WithRateLimit(2.5)

// maxAnswer is how much of an answer is read: a page of tasks whose notes are as long as can be.
const maxAnswer = 16 << 20

type sender struct {
	config    Config
	templates *render.TemplateSet
	env       destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	templates, err := c.Compile(escape)
	return &sender{config: c, templates: templates, env: env}, err
}

// Render returns the JSON of the request that makes the task.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	texts := s.templates.Apply(m)
	body, cut, notes := Render(s.config, texts, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: notes}, nil
}

// Send makes one attempt. Asana has no key that tells repeats and that every token may use, so an attempt that is not the
// first looks for the task before it makes one.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	rendering, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	ctx = outbound.WithMaxBody(ctx, maxAnswer)
	if m.MustLook() {
		receipt, found, err := s.find(ctx, m)
		if found || err != nil && !destination.IsRefused(err) {
			receipt.Truncated = rendering.Truncated
			return receipt, err
		}
	}
	receipt, resp, err := s.exchange(ctx, http.MethodPost, s.config.tasks()+"?opt_fields=permalink_url", rendering.Body)
	receipt.Truncated = rendering.Truncated
	if err != nil {
		return receipt, err
	}
	made, ok := readTask(resp.Body)
	if !ok {
		return receipt, destination.Unconfirmed("task")
	}
	s.confirm(&receipt, made)
	return receipt, nil
}

func (s *sender) exchange(ctx context.Context, method, url string, body []byte) (destination.Receipt, *outbound.Response, error) {
	header := http.Header{
		"Accept":        {"application/json"},
		"Authorization": {"Bearer " + s.config.AccessToken.Reveal()},
	}
	receipt, resp, err := s.env.Exchange(ctx, method, url, header, body, s.config.AccessToken)
	if resp != nil && err != nil {
		err = s.explain(resp, err)
	}
	return receipt, resp, err
}
