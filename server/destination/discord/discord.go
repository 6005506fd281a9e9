// SPDX-License-Identifier: MPL-2.0

// Package discord posts alerts to a Discord channel, thread or forum through a webhook.
//
//	config.go    what a user sets
//	discord.go   sending
//	message.go   the message, within Discord's limits
//	text.go      text that stays text, and how much it counts
//	answer.go    what Discord's answers mean
package discord

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Type is the Discord destination. Discord publishes no rate and wants its answers' headers read instead
// (https://docs.discord.com/developers/topics/rate-limits); those of webhooks have allowed 5 messages in 2 seconds. Staying
// below that spares refusals, of which an address may have only so many.
var Type = destination.Define("discord", New).WithRateLimit(2)

// userAgent has the form that https://docs.discord.com/developers/reference#user-agent asks for; requests with another may
// be blocked.
const userAgent = "DiscordBot (https://github.com/alertrouter/terraform-provider-alertrouter, 1)"

type sender struct {
	config    Config
	url       string
	templates *render.TemplateSet
	thread    *render.TemplateSet // its title is the name of the post to make; nil makes none
	env       destination.Env
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	s := &sender{config: c, url: c.url(), env: env}
	var err error
	if s.templates, err = c.Compile(escape); err != nil {
		return nil, err
	}
	if c.ThreadName != "" {
		s.thread, err = c.threadName().Compile(escape)
	}
	return s, err
}

// Render returns the message's JSON.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	texts, thread := s.templates.Apply(m), ""
	if s.thread != nil {
		own := s.thread.Apply(m)
		thread = own.Title
		if own.TitleErr != nil {
			texts.Notes = append(texts.Notes, fmt.Sprintf("The thread_name template failed (%s), so the usual title is the thread's name.", own.TitleErr))
		}
	}
	body, cut := Render(s.config, texts, thread, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: texts.Notes}, nil
}

// Send makes one attempt. It waits for the message, since otherwise Discord is silent about one that it did not keep, and
// has no key to tell repeats by.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	message, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, resp, err := s.env.Post(ctx, s.url, http.Header{"User-Agent": {userAgent}}, message.Body, s.config.WebhookURL)
	receipt.Truncated = message.Truncated
	if resp == nil {
		return receipt, err
	}
	return read(receipt, resp, err)
}
