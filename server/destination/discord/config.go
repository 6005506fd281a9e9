// SPDX-License-Identifier: MPL-2.0

package discord

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. WebhookURL has a token that grants posting rights, so it is a secret.
type Config struct {
	WebhookURL secret.String `json:"webhook_url,omitzero"`
	Username   string        `json:"username,omitempty"`    // in place of the webhook's own name
	AvatarURL  string        `json:"avatar_url,omitempty"`  // in place of the webhook's own picture
	ThreadID   string        `json:"thread_id,omitempty"`   // a thread of the channel, or a post of the forum
	ThreadName string        `json:"thread_name,omitempty"` // a template: each alert is a new post of the forum
	Mention    string        `json:"mention,omitempty"`     // @everyone, @here, <@…> or <@&…>; "" is nobody
	render.Templates
}

// Limits of https://docs.discord.com/developers/resources/webhook#execute-webhook and, of an avatar's URL,
// https://github.com/discord/discord-api-spec.
const (
	maxUsername  = 80
	maxAvatarURL = 2048
)

var (
	mention = regexp.MustCompile(`^(@everyone|@here|<@(&?)([0-9]{1,20})>)$`)

	// webhookPath is that of https://docs.discord.com/developers/resources/webhook#execute-webhook, of any version of the API.
	webhookPath = regexp.MustCompile(`/api(?:/v[0-9]{1,2})?/webhooks/([0-9]{1,20})/[A-Za-z0-9_-]+$`)
)

// isID reports whether a text is an id: a number of 64 bits, and not 0, without zeros before it.
// https://docs.discord.com/developers/reference#snowflakes
func isID(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil && text[0] >= '1' && text[0] <= '9'
}

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/webhook_url", c.WebhookURL.Reveal(), webhookFault)
	faults.Optional("/username", c.Username, usernameFault)
	if c.AvatarURL != "" && (render.URL(c.AvatarURL) != c.AvatarURL || len(c.AvatarURL) > maxAvatarURL) {
		faults.Add("/avatar_url", "must be the http or https URL of a picture, of at most 2048 characters")
	}
	if c.ThreadID != "" && !isID(c.ThreadID) {
		faults.Add("/thread_id", "must be a thread's id: digits, as Copy Thread ID gives them in Discord's developer mode")
	}
	if c.ThreadID != "" && c.ThreadName != "" {
		faults.Add("/thread_name", "must not be set together with thread_id")
	}
	for _, f := range c.threadName().Validate(escape) {
		faults.Check("/thread_name", f.Message)
	}
	if parts := mention.FindStringSubmatch(c.Mention); c.Mention != "" && (parts == nil || parts[3] != "" && !isID(parts[3])) {
		faults.Add("/mention", "must be @everyone, @here, a member such as <@80351110224678912> or a role such as <@&165511591545143296>")
	}
	faults.Take(c.Templates.Validate(escape))
	return faults.Err()
}

// threadName is the template of a post's name: one line of plain text, as that of a title is.
func (c Config) threadName() render.Templates { return render.Templates{TitleTemplate: c.ThreadName} }

// webhookFault returns what is wrong with the URL, as the end of a sentence that does not quote it, or "".
func webhookFault(address string) string {
	u, fault := destination.ParseURL(address)
	if fault != "" {
		return fault
	}
	parts := webhookPath.FindStringSubmatch(strings.TrimSuffix(u.Path, "/"))
	switch {
	case strings.HasSuffix(u.Path, "/slack"), strings.HasSuffix(u.Path, "/github"):
		return "must be that of the webhook itself, without /slack or /github at its end"
	case u.Query().Has("thread_id"):
		return "must be without thread_id, which is a setting of its own"
	case parts == nil || !isID(parts[1]):
		return "must be a webhook's, such as https://discord.com/api/webhooks/223704706495545344/ and a token: Copy Webhook URL, in the channel's settings"
	}
	return ""
}

// usernameFault follows https://docs.discord.com/developers/resources/webhook#create-webhook
func usernameFault(name string) string {
	lower := strings.ToLower(name)
	switch {
	case name != render.Line(name) || render.Blank(name) || utf8.RuneCountInString(name) > maxUsername:
		return "must be one line of 1 to 80 characters, without space around it"
	case strings.Contains(lower, "clyde"), strings.Contains(lower, "discord"):
		return "must not have \"discord\" or \"clyde\" in it: Discord refuses that"
	}
	return ""
}

// hosts are Discord's own, each of which leads to the same API.
var hosts = []string{"discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com", "canary.discordapp.com", "ptb.discordapp.com"}

// url is where messages are posted. A proxy's address stays as it is.
func (c Config) url() string {
	u, err := url.Parse(c.WebhookURL.Reveal())
	if err != nil {
		return "" // Validate has parsed it
	}
	if slices.Contains(hosts, strings.ToLower(u.Host)) {
		u.Scheme, u.Host = "https", "discord.com"
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath, u.Fragment = "", ""
	query := url.Values{"wait": {"true"}}
	if c.ThreadID != "" {
		query.Set("thread_id", c.ThreadID)
	}
	u.RawQuery = query.Encode()
	return u.String()
}
