// SPDX-License-Identifier: MPL-2.0

// Package slack posts alerts to a Slack channel through an incoming webhook.
//
//	slack.go     what a user sets, and sending
//	message.go   the message, within Slack's limits
//	mrkdwn.go    what a user's template says, as rich text
//	answer.go    what Slack's refusals mean
package slack

import (
	"context"
	"regexp"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Slack destination. Slack takes about one message a second from a webhook:
// https://docs.slack.dev/apis/web-api/rate-limits
var Type = destination.Define("slack", New).WithRateLimit(1)

// Config is what a user sets. WebhookURL grants posting rights, so it is a secret.
type Config struct {
	WebhookURL secret.String `json:"webhook_url,omitzero"`
	Mention    string        `json:"mention,omitempty"` // @here, @channel, @everyone, <@U…> or <!subteam^S…>; "" is nobody
	render.Templates
}

// mention has the forms of https://docs.slack.dev/messaging/formatting-message-text#advanced
var mention = regexp.MustCompile(`^(<!(here|channel|everyone)>|<@[UW][A-Z0-9]{2,30}>|<!subteam\^S[A-Z0-9]{2,30}>)$`)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/webhook_url", c.WebhookURL.Reveal(), webhookFault)
	if m := c.mention(); m != "" && !mention.MatchString(m) {
		faults.Add("/mention", "must be @here, @channel, @everyone, a member such as <@U024BE7LH> or a group such as <!subteam^SAZ94GDB8>")
	}
	faults.Take(c.Templates.Validate(quote))
	return faults.Err()
}

// webhookFault returns what is wrong with the URL, as the end of a sentence that does not quote it, or "". Slack's own
// webhooks are at hooks.slack.com and, of GovSlack, hooks.slack-gov.com; others speak their language too.
func webhookFault(address string) string {
	u, fault := destination.ParseURL(address)
	if fault != "" {
		return fault
	}
	switch host := strings.ToLower(u.Hostname()); {
	case host != "slack.com" && host != "slack-gov.com" && !strings.HasSuffix(host, ".slack.com") && !strings.HasSuffix(host, ".slack-gov.com"):
		return ""
	case strings.HasPrefix(u.Path, "/triggers/"), strings.HasPrefix(u.Path, "/workflows/"):
		return "is that of a workflow, which takes no messages: make an incoming webhook in a Slack app"
	case !strings.HasPrefix(host, "hooks."), !strings.HasPrefix(u.Path, "/services/"), u.Path == "/services/":
		return "must be an incoming webhook's, which begins with https://hooks.slack.com/services/"
	}
	return ""
}

// mention returns the mention as Slack spells it.
func (c Config) mention() string {
	switch c.Mention {
	case "@here", "@channel", "@everyone":
		return "<!" + c.Mention[1:] + ">"
	}
	return c.Mention
}

type sender struct {
	config    Config
	templates *render.TemplateSet
	env       destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	templates, err := c.Compile(quote)
	return &sender{config: c, templates: templates, env: env}, err
}

// Render returns the message's JSON.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	texts := s.templates.Apply(m)
	body, cut := Render(s.config, texts, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: texts.Notes}, nil
}

// Send makes one attempt. Slack has no key to tell repeats by.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	message, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, resp, err := s.env.Post(ctx, s.config.WebhookURL.Reveal(), nil, message.Body, s.config.WebhookURL)
	receipt.Truncated = message.Truncated
	if err == nil {
		err = confirm(resp)
	}
	return receipt, explained(receipt, err)
}
