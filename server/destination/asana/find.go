// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// How far an attempt looks for the task of one before it: among the tasks of the first project that were modified since the
// alert was made, of which there are mostly few, and at no more than a thousand. Beyond them the alert is rather brought
// twice than lost.
//
// There would be two other ways. A task can have an external id, by which it is found at once, but only of an OAuth app's,
// not of a person's token (https://developers.asana.com/docs/custom-external-data). And there is a search, but only in paid
// workspaces, and 10 to 60 seconds behind; Asana says itself that whoever needs "strongly consistent results" lists tasks in
// its place (https://developers.asana.com/reference/searchtasksforworkspace).
const (
	pageSize = 100
	maxPages = 10
)

// errNoList is why an alert waits although Asana answers.
var errNoList = errors.New("there is no list of tasks in Asana's answer, so it is not known whether the task is there already")

// find looks for the task that an earlier attempt at the delivery made. The receipt beside one, or beside an error, is of
// the last answer.
func (s *sender) find(ctx context.Context, m *destination.Message) (receipt destination.Receipt, found bool, err error) {
	want := mark(m)
	query := url.Values{
		"project": {s.config.ProjectGIDs[0]}, "modified_since": {m.Since(s.env.Now()).Format(time.RFC3339)},
		"limit": {strconv.Itoa(pageSize)}, "opt_fields": {"html_notes,permalink_url"},
	}
	for range maxPages {
		receipt, resp, err := s.exchange(ctx, http.MethodGet, s.config.tasks()+"?"+query.Encode(), nil)
		if err != nil {
			return receipt, false, destination.NotSent(err)
		}
		var list struct {
			Data     []made `json:"data"`
			NextPage struct {
				Offset string `json:"offset"`
			} `json:"next_page"` // null after the last
		}
		if json.Unmarshal(resp.Body, &list) != nil || list.Data == nil {
			return receipt, false, errNoList
		}
		for _, t := range list.Data {
			if isGID(t.GID) && strings.Contains(t.HTMLNotes, want) {
				s.confirm(&receipt, t)
				receipt.Message = "An earlier attempt had made task " + receipt.ExternalID + "."
				return receipt, true, nil
			}
		}
		if list.NextPage.Offset == "" {
			break
		}
		query.Set("offset", list.NextPage.Offset)
	}
	return destination.Receipt{}, false, nil
}
