// SPDX-License-Identifier: MPL-2.0

// Package github opens an issue on GitHub for each alert, on github.com, GitHub Enterprise Server or Enterprise Cloud with
// data residency: https://docs.github.com/en/rest/issues/issues#create-an-issue
//
//	github.go     sending
//	config.go     what a user sets
//	issue.go      the issue, within GitHub's limits
//	markdown.go   making what an alert says harmless in GitHub's Markdown
//	answer.go     what GitHub's answers say, and its limits on rates
//	find.go       the issue that an earlier attempt made
package github

import (
	"context"
	"net/http"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Type is the GitHub destination. GitHub asks for a second between two requests that make something:
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
var Type = destination.Define("github", New).WithRateLimit(1)

// maxAnswer is how much of an answer is read: a page of issues whose bodies are as long as can be.
const maxAnswer = 16 << 20

type sender struct {
	config    Config
	templates *render.TemplateSet
	env       destination.Env
	limits    limits
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	templates, err := c.Compile(escape)
	return &sender{config: c, templates: templates, env: env}, err
}

// Render returns the JSON of the request that opens the issue.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	texts := s.templates.Apply(m)
	body, cut := Render(s.config, texts, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: texts.Notes}, nil
}

// Send makes one attempt. GitHub has no key to tell repeats by, so an attempt that is not the first looks for the issue
// before it opens one.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	rendering, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	ctx = outbound.WithMaxBody(ctx, maxAnswer)
	if m.MustLook() {
		receipt, found, err := s.find(ctx, m)
		if found != nil || err != nil && !destination.IsRefused(err) {
			receipt.Truncated = rendering.Truncated
			return receipt, err
		}
	}
	receipt, resp, err := s.exchange(ctx, http.MethodPost, s.config.issues(), rendering.Body)
	receipt.Truncated = rendering.Truncated
	if err != nil {
		return receipt, err
	}
	made := readIssue(resp.Body)
	if made == nil {
		return receipt, destination.Unconfirmed("issue")
	}
	s.confirm(&receipt, made)
	if left := s.config.leftOut(made, m.Severity); left != "" {
		receipt.Message = s.plain(left) + "\n" + receipt.Message
	}
	return receipt, nil
}

// exchange makes a request as GitHub wants it: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#headers
func (s *sender) exchange(ctx context.Context, method, url string, body []byte) (destination.Receipt, *outbound.Response, error) {
	header := http.Header{
		"Accept":               {"application/vnd.github+json"},
		"Authorization":        {"Bearer " + s.config.Token.Reveal()},
		"X-Github-Api-Version": {"2022-11-28"},
	}
	receipt, resp, err := s.env.Exchange(ctx, method, url, header, body, s.config.Token)
	switch {
	case resp == nil:
		return receipt, nil, err
	case err != nil:
		if limited := s.rateLimit(resp); limited != nil {
			return receipt, resp, limited
		}
		err = s.explain(resp, err)
	}
	if method == http.MethodPost { // reading may be allowed while opening is limited
		s.limits.end()
	}
	return receipt, resp, err
}
