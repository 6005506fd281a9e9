// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// made is what an answer says of a task.
type made struct {
	GID          string `json:"gid"`
	PermalinkURL string `json:"permalink_url"`
	HTMLNotes    string `json:"html_notes"`
}

// readTask returns the task that an answer names.
func readTask(body []byte) (made, bool) {
	var answer struct {
		Data made `json:"data"`
	}
	ok := json.Unmarshal(body, &answer) == nil && isGID(answer.Data.GID)
	return answer.Data, ok
}

// confirm takes over what an answer says of the task.
func (s *sender) confirm(receipt *destination.Receipt, t made) {
	receipt.ExternalID = t.GID
	receipt.ExternalURL = secret.Redact(render.URL(t.PermalinkURL), s.config.AccessToken)
}

// explain adds to an error what Asana means by its answer: https://developers.asana.com/docs/errors. That to too many
// requests, 429, has a Retry-After; of the others only 5xx are worth a retry.
func (s *sender) explain(resp *outbound.Response, err error) error {
	texts := []string{hints[resp.StatusCode], s.reason(resp.Body)}
	for _, text := range texts {
		if text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
	}
	return err
}

var hints = map[int]string{
	http.StatusUnauthorized:               "the access token is wrong or was revoked",
	http.StatusPaymentRequired:            "the workspace's plan lacks what the destination uses, such as custom fields",
	http.StatusForbidden:                  "the token's owner may not add tasks to the projects",
	http.StatusNotFound:                   "a project, section, tag or other gid does not exist, or the token's owner cannot see it",
	http.StatusUnavailableForLegalReasons: "Asana does not serve this address or account",
}

// reason returns what an error says; of a fault in Asana also the phrase that its support asks for.
func (s *sender) reason(body []byte) string {
	var answer struct {
		Errors []struct{ Message, Phrase string } `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // what is not JSON says nothing
	var texts []string
	for _, e := range answer.Errors {
		text := strings.TrimSpace(e.Message)
		if e.Phrase != "" {
			text += " (" + e.Phrase + ")"
		}
		texts = append(texts, text)
	}
	return render.Said(strings.Join(texts, "; "), s.config.AccessToken)
}
