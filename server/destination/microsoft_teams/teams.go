// SPDX-License-Identifier: MPL-2.0

// Package teams posts alerts to a Microsoft Teams channel through a flow of the Workflows app, as Adaptive Cards.
//
//	teams.go    what a user sets, and sending
//	card.go     the card, within Teams' limits
//	schema.go   the JSON of cards
//	text.go     text that stays text, and how much it counts
//	answer.go   what a flow's refusals mean
package teams

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Microsoft Teams destination. A flow posts 25 cards in 5 minutes as the Flow bot. It takes many more, and may fail
// to post them when nobody hears of it any longer: https://learn.microsoft.com/connectors/teams/#throttling-limits
var Type = destination.Define("microsoft_teams", New).WithRateLimit(25.0 / 300).WithBurst(5)

// Config is what a user sets. WebhookURL is signed and grants posting rights, so it is a secret.
type Config struct {
	WebhookURL secret.String     `json:"webhook_url,omitzero"`
	Mentions   map[string]string `json:"mentions,omitempty"` // by the name that is shown: the user's Entra object id, or user principal name
	FullWidth  bool              `json:"full_width"`
	render.Templates
}

// SetDefaults fills in what a user leaves out.
func (c *Config) SetDefaults() { c.FullWidth = true }

// What a mention may be: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#mention-support-within-adaptive-cards
// A name stands in text that Teams reads as Markdown, so it has none of that.
const maxMentions = 5

var (
	mentionName = regexp.MustCompile(`^[\p{L}\p{N}(][\p{L}\p{M}\p{N} .,'’()/-]{0,49}$`)
	mentionID   = regexp.MustCompile(`^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[\w.'!#^~+-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,47})$`)
)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/webhook_url", c.WebhookURL.Reveal(), webhookFault)
	if len(c.Mentions) > maxMentions {
		faults.Add("/mentions", "must be at most %d", maxMentions)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Mentions)) {
		if !mentionName.MatchString(name) {
			faults.Add("/mentions", "%q cannot be shown: a name has 1 to 50 letters, digits, spaces and . , ' ( ) / -", name)
		} else if !mentionID.MatchString(c.Mentions[name]) {
			faults.Add(destination.Pointer("mentions", name),
				"must be the user's Entra object id, such as 49c4641c-ab91-4248-aebb-6a7de286397b, or user principal name, such as jane@example.com")
		}
	}
	faults.Take(c.Templates.Validate(escape))
	return faults.Err()
}

// Addresses that people have at hand, and that are not a flow's; and those of flows, also in government clouds. A gateway
// may stand before one, so any other is taken.
var (
	flows = []string{
		"logic.azure.com", "logic.azure.us", "logic.azure.cn", "api.powerplatform.com",
		"api.gov.powerplatform.microsoft.us", "api.high.powerplatform.microsoft.us", "api.appsplatform.us",
	}
	retired = []string{"webhook.office.com", "outlook.office.com", "outlook.office365.com"}
	pages   = []string{"teams.microsoft.com", "teams.live.com", "teams.cloud.microsoft", "make.powerautomate.com", "flow.microsoft.com"}
)

// webhookFault returns what is wrong with the URL, as the end of a sentence that does not quote it, or "".
func webhookFault(address string) string {
	u, fault := destination.ParseURL(address)
	if fault != "" {
		return fault
	}
	within := func(domain string) bool {
		host := strings.ToLower(u.Hostname())
		return host == domain || strings.HasSuffix(host, "."+domain)
	}
	switch {
	case slices.ContainsFunc(retired, within):
		return "is that of an Office 365 connector, which Microsoft has retired: make a flow in the Workflows app of Teams, " +
			"from the template \"Send webhook alerts to a channel\", and take its URL"
	case slices.ContainsFunc(pages, within):
		return "is that of a page in Teams or Power Automate: take the one that the flow's trigger " +
			"\"When a Teams webhook request is received\" shows"
	case slices.ContainsFunc(flows, within) && u.Query().Get("sig") == "":
		return "has no signature: set \"Who can trigger the flow?\" in the flow's trigger to Anyone, save, and copy all of its URL; " +
			"it ends in &sig= and a signature"
	}
	return ""
}

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

// Render returns the message's JSON.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	texts := s.templates.Apply(m)
	body, cut := Render(s.config, texts, m)
	return destination.Rendering{Body: body, Truncated: cut, Notes: texts.Notes}, nil
}

// Send makes one attempt. A flow answers 202 before it posts the card, and has no key to tell repeats by.
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	message, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	receipt, resp, err := s.env.Post(ctx, s.config.WebhookURL.Reveal(), nil, message.Body, s.config.WebhookURL)
	receipt.Truncated = message.Truncated
	if resp == nil {
		return receipt, err
	}
	return read(receipt, resp, err, s.env.Now())
}
