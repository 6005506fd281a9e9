// SPDX-License-Identifier: MPL-2.0

package teams

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// relayed is how a connector says, in an answer that is a success, that Teams refused the message:
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
var relayed = regexp.MustCompile(`returned HTTP error (\d{3})\b`)

// read looks closer at a flow's answer. The receipt and err are what the status says.
func read(receipt destination.Receipt, resp *outbound.Response, err error, now time.Time) (destination.Receipt, error) {
	if err == nil {
		if status := relayed.FindStringSubmatch(receipt.Message); status != nil {
			relayed := *resp
			relayed.StatusCode, _ = strconv.Atoi(status[1]) // three digits
			err = destination.Check(&relayed, now)
		} else if destination.IsPage(resp) {
			err = destination.Unconfirmed("message")
		}
		return receipt, err
	}
	var refusal struct {
		Error struct{ Code, Message string }
	}
	// The receipt's text has the secrets masked; where it is not all of the answer it stays as it is.
	if json.Unmarshal([]byte(receipt.Message), &refusal) != nil || refusal.Error.Code == "" {
		return receipt, err
	}
	receipt.Message = refusal.Error.Code + ": " + refusal.Error.Message
	if hint := hints[refusal.Error.Code]; hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	return receipt, err
}

const (
	signedIn = "the flow asks who calls it: set \"Who can trigger the flow?\" in its trigger to Anyone, save, and take the URL anew; " +
		"it ends in &sig= and a signature"
	switchedOff = "the flow is switched off or deleted: switch it on in the Workflows app, or make another and take its URL"
	incomplete  = "a part of the URL is missing: copy all of it from the flow's trigger"
)

// hints say what an operator can do about a refusal, by its code.
// https://learn.microsoft.com/power-automate/oauth-authentication
// https://learn.microsoft.com/troubleshoot/power-platform/power-automate/flow-run-issues/triggers-troubleshoot
var hints = map[string]string{
	"DirectApiAuthorizationRequired": signedIn,
	"MisMatchingOAuthClaims":         signedIn,
	"OAuthAccessPolicyNotFound":      signedIn,
	"WorkflowTriggerIsNotEnabled":    switchedOff,
	"WorkflowNotFound":               switchedOff,
	"WorkflowDisabled":               switchedOff,
	"MissingApiVersionParameter":     incomplete,
	"AuthorizationFailed":            incomplete,
	"TriggerInputSchemaMismatch":     "the flow expects something else than a Teams message: its trigger must be \"When a Teams webhook request is received\"",
}
