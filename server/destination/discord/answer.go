// SPDX-License-Identifier: MPL-2.0

package discord

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// refusal is an answer that is not a success, of any kind:
// https://docs.discord.com/developers/reference#error-messages
// https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit
type refusal struct {
	Code       int            `json:"code"`
	Message    string         `json:"message"`
	Errors     map[string]any `json:"errors"`
	RetryAfter float64        `json:"retry_after"` // seconds
}

// read looks closer at an answer. The receipt and err are what the status says.
func read(receipt destination.Receipt, resp *outbound.Response, err error) (destination.Receipt, error) {
	if err == nil {
		return confirm(receipt, resp)
	}
	var r refusal
	// The receipt's text has the secrets masked; where it is not all of the answer it stays as it is.
	if json.Unmarshal([]byte(receipt.Message), &r) != nil || r.Message == "" {
		return receipt, err
	}
	receipt.Message = r.text()
	if hint := hints[r.Code]; hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		err = throttled(r, resp.Header.Get("X-RateLimit-Scope"), err)
	}
	return receipt, err
}

// confirm takes the message's id from an answer that is a success.
func confirm(receipt destination.Receipt, resp *outbound.Response) (destination.Receipt, error) {
	if resp.StatusCode == http.StatusNoContent { // what Discord answers where nobody waits for the message
		return receipt, nil
	}
	var message struct {
		ID        string `json:"id"`
		ChannelID string `json:"channel_id"`
		GuildID   string `json:"guild_id"` // mostly absent; without it there is no link
	}
	if json.Unmarshal(resp.Body, &message) != nil || !isID(message.ID) {
		return receipt, destination.Unconfirmed("message")
	}
	receipt.ExternalID = message.ID
	if isID(message.GuildID) && isID(message.ChannelID) {
		receipt.ExternalURL = "https://discord.com/channels/" + message.GuildID + "/" + message.ChannelID + "/" + message.ID
	}
	return receipt, nil
}

// throttled waits for as long as Discord says: the body to the millisecond, the header in whole seconds.
func throttled(r refusal, scope string, err error) error {
	if scope != "" {
		err = fmt.Errorf("%w: its limit for %s", err, scopeName(scope))
	}
	_, wait := destination.OutcomeOf(err)
	if r.RetryAfter > 0 && r.RetryAfter < 1e6 {
		wait = max(wait, time.Duration(r.RetryAfter*float64(time.Second)))
	}
	if wait == 0 {
		return err
	}
	return destination.RetryAfter(err, wait)
}

func scopeName(scope string) string {
	switch scope {
	case "user":
		return "this webhook"
	case "shared":
		return "the channel, which others use too"
	case "global":
		return "everything from this address"
	}
	return "something else"
}

// text is a refusal in a line: 50035 Invalid Form Body: embeds.0.title: Must be 256 or fewer in length.
func (r refusal) text() string {
	text := r.Message
	if r.Code != 0 {
		text = fmt.Sprintf("%d %s", r.Code, text)
	}
	if faults := faults("", r.Errors); len(faults) > 0 {
		text += ": " + strings.Join(faults, "; ")
	}
	return text
}

// faults flattens the tree of what is wrong with a request, in which each member has its faults under _errors.
func faults(path string, tree map[string]any) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		switch value := tree[name].(type) {
		case map[string]any:
			all = append(all, faults(at, value)...)
		case []any:
			for _, fault := range value {
				f, _ := fault.(map[string]any)
				if message, ok := f["message"].(string); ok && name == "_errors" {
					all = append(all, strings.TrimPrefix(path+": "+message, ": "))
				}
			}
		}
	}
	return all
}

// hints say what an operator can do about a refusal, by the codes of
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
var hints = map[int]string{
	10003:  "thread_id names no thread of the webhook's channel",
	10015:  "the webhook was deleted: make another in the channel's settings and set its URL",
	40067:  "the forum requires a tag on each post: switch that off in the forum's settings, or name a post with thread_id",
	40333:  "Discord's gateway blocks this address or client",
	50027:  "the webhook's token is wrong: copy its URL again",
	50083:  "the thread is archived and locked",
	160005: "the thread is locked",
	200000: "AutoMod of the server blocks the message: exempt the channel in its rules",
	220001: "the channel is a forum: set thread_name, for a post from each alert, or thread_id",
	220003: "only a forum takes thread_name: leave it out, or use thread_id",
	240000: "the server's filter for harmful links blocks the message",
}
