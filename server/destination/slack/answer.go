// SPDX-License-Identifier: MPL-2.0

package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// confirm looks at an answer that is a success by its status. Slack's is the word ok; what takes messages in Slack's form
// has others.
func confirm(resp *outbound.Response) error {
	if destination.IsPage(resp) {
		return destination.Unconfirmed("message")
	}
	var answer struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(resp.Body, &answer) == nil && answer.OK != nil && !*answer.OK {
		return destination.Permanent(errors.New("the destination's answer says that it is not ok"))
	}
	return nil
}

// explained adds to err what an operator can do about it. Slack's refusals are a status and a word of plain text, which
// the receipt shows; what should happen next is what the status says.
func explained(receipt destination.Receipt, err error) error {
	if err == nil {
		return nil
	}
	if hint := hints[strings.TrimSpace(receipt.Message)]; hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}

const (
	revoked = "the webhook was removed, or its app: add another and set its URL"
	closed  = "the channel does not exist any longer: add a webhook for another channel"
)

// hints are for the words of https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling-errors
// and https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
var hints = map[string]string{
	"action_prohibited":                 "an administrator of the workspace has restricted who posts there",
	"channel_is_archived":               "unarchive the channel, or add a webhook for another",
	"channel_not_found":                 closed,
	"invalid_token":                     "the URL is not complete or not valid any longer: copy it again",
	"no_active_hooks":                   revoked,
	"no_service":                        revoked,
	"no_service_id":                     "the URL is not complete: copy it again",
	"no_team":                           "the workspace does not exist any longer",
	"posting_to_general_channel_denied": "an administrator of the workspace has restricted who posts to its general channel",
	"team_disabled":                     "the workspace is switched off",
	"user_not_found":                    "the webhook posts to a person who is not there any longer: add another",
}
